import { CommandError } from '@gitops/report/errors';
import type { Progress } from '@gitops/report/progress';
import { clusterFacts, readCluster } from '@gitops/settings';
import { ensureTools } from '@gitops/tools/tools';
import { connectAs, ensureTokens, onCallSecret } from './accounts.ts';
import { shortImage } from './applications.ts';
import { startArgo } from './argocd.ts';
import type { Application } from './argocd-api.ts';
import { argoIdentities, ensureKubeconfigs } from './argocd-identities.ts';
import { notificationsConfiguration } from './argocd-notifications.ts';
import { chooseProgram } from './argocd-program.ts';
import { argoConfiguration } from './argocd-settings.ts';
import { awaitDelivery } from './await-delivery.ts';
import { awaitStart } from './await-start.ts';
import { deployHeldBack, importBackup } from './backup.ts';
import { awaitControllers, startCluster } from './cluster.ts';
import { clusterExists, isRunning } from './components.ts';
import { runningPid } from './daemon.ts';
import { startFrontDoor } from './front-door.ts';
import { startGit } from './git-daemon.ts';
import { installBase, installRoot } from './install.ts';
import type { Instance } from './instance.ts';
import { apply } from './kubectl.ts';
import { removeMetricsServer, startMetricsServer } from './metrics-server.ts';
import { startNodeAgents } from './node-agents.ts';
import { machineNodes, simulatedNodes, whyAllSimulated } from './nodes.ts';
import { movePods } from './pod-placement.ts';
import { choosePorts, COMPONENTS, isComponent, type Ports, type ProcessName } from './ports.ts';
import { endProcess, strayProcesses } from './process.ts';
import { registryAddress, startRegistry } from './registry.ts';
import { repositoryURL } from './repository.ts';
import { ensureFirstImages } from './service-image.ts';
import { endWatchers } from './watchers.ts';

/**
 * Starts every part that is not running. Each step first checks the present state, so the next run finishes
 * an interrupted one.
 * @param options.argocd the program of Argo CD: a path, `built`, or undefined for the one of the last time
 * @param options.backup Argo CD's state to begin with, from readBackup
 * @returns the Applications when all are at rest
 */
export async function up(
  instance: Instance,
  progress: Progress,
  { argocd, backup }: { argocd: string | undefined; backup?: string },
): Promise<Application[]> {
  const release = await chooseProgram(instance, argocd);
  const isIdle = !COMPONENTS.every((component) => isRunning(instance, component));
  // Hashing every program takes a second, so it is done when they are about to be started.
  const tools = await ensureTools(progress, { verify: isIdle });
  const settings = readCluster(instance.root, instance.cluster);
  if (settings.provider !== 'local')
    throw new CommandError(
      `clusters/${instance.cluster}/cluster.yaml has provider ${settings.provider}`,
      'write `provider: local`',
    );
  if (isIdle && !clusterExists(instance)) await endStrays(instance, progress);
  const ports = await choosePorts(instance, (process) => mayMove(instance, process));
  const url = repositoryURL(ports.git);

  const gitStart = startGit(instance, ports);
  const firstImages = startRegistry(instance, tools, ports).then(async () => {
    await gitStart;
    return ensureFirstImages(instance, tools, ports);
  });
  // Their failures are thrown below, when their turns come.
  gitStart.catch(() => undefined);
  firstImages.catch(() => undefined);
  const isFirst = !clusterExists(instance);
  const wasAway = (['etcd', 'kube-apiserver'] as const).some((component) => !isRunning(instance, component));
  if (!isFirst && wasAway) await endWatchers(instance);
  const startedCluster = await startCluster(instance, tools, ports);
  const controllersStart = awaitControllers(instance, tools, ports);
  controllersStart.catch(() => undefined);
  const frontDoorStart = startFrontDoor(instance, ports);
  frontDoorStart.catch(() => undefined);
  const nodes = machineNodes(settings);
  const metricsStart =
    nodes.length === 0 ? removeMetricsServer(instance, tools) : startMetricsServer(instance, tools, ports);
  metricsStart.catch(() => undefined);
  const simulated = simulatedNodes(settings);
  await installBase(instance, tools, ports, { machine: nodes, simulated });
  const nodeStart = startNodeAgents(instance, tools, ports, nodes);
  nodeStart.catch(() => undefined);
  const address = `127.0.0.1:${ports['kube-apiserver']}`;
  const sizes = `${nodes.length} nodes of this machine and ${simulated.length} simulated ones`;
  progress.done(`Kubernetes at ${address} with ${sizes}${wasRunning(!startedCluster)}`);
  const allSimulated = whyAllSimulated(settings);
  if (allSimulated !== undefined) progress.note(allSimulated);

  const startedGit = await gitStart;
  progress.done(`Git at ${url}${wasRunning(!startedGit)}`);
  const first = await firstImages;
  for (const { image } of first) progress.done(`image ${shortImage(image.reference)} at ${registryAddress(ports)}`);

  const configuration = argoConfiguration(instance, tools, await onCallSecret(instance, tools));
  const settle = async (): Promise<void> =>
    apply(instance, tools, [...configuration, ...notificationsConfiguration(instance, ports), ...argoIdentities()]);
  await settle();
  if (backup !== undefined) {
    // The import needs Argo CD's settings, and brings those of the backup: what comes from the work tree wins.
    await importBackup(instance, tools, backup);
    await settle();
    progress.done("Argo CD's state of the backup");
  }
  await ensureKubeconfigs(instance, ports);
  // Before Argo CD starts: with the old root, whose address may be another, it would begin a sync and retry it for
  // minutes.
  await installRoot(instance, tools, clusterFacts(settings, { repoURL: url }));
  // Not right after the policy was applied: it takes the API server a moment to know it.
  await movePods(instance, tools, ports, nodes);
  const startedArgo = await startArgo(instance, tools, ports, release);
  await ensureTokens(instance, tools, ports);
  const started = startedArgo.length === 0 ? wasRunning(true) : ` (started ${startedArgo.join(', ')})`;
  progress.done(`Argo CD at 127.0.0.1:${ports.server}${started}`);

  const startedNodes = await nodeStart;
  if (nodes.length > 0)
    progress.done(`nodes ${nodes.map(({ name }) => name).join(', ')}${wasRunning(startedNodes.length === 0)}`);
  await metricsStart;
  // Ingresses get their addresses from it.
  await frontDoorStart;
  await controllersStart;
  if (backup !== undefined || (!isFirst && (startedCluster || startedGit || startedArgo.length > 0)))
    await refreshAll(instance, ports);
  let applications = await awaitStart(instance, ports, url);
  for (const { publication } of first) {
    // An Argo CD that was not running got no webhook of this commit.
    const client = connectAs(instance, ports, 'developer');
    await awaitDelivery(instance, client, publication);
    applications = await client.applications();
  }
  if (backup !== undefined) {
    const client = connectAs(instance, ports, 'on-call');
    const deployed = await deployHeldBack(client);
    if (deployed.length > 0) progress.done(`${deployed.join(', ')} as rolled back before`);
    applications = await client.applications();
  }
  progress.done('Applications at rest');
  return applications;
}

/**
 * Has Argo CD compare every Application with main: while one of its processes, Git or the API server was away, a webhook
 * may have been lost, and the next poll is minutes away.
 */
async function refreshAll(instance: Instance, ports: Ports): Promise<void> {
  const client = connectAs(instance, ports, 'developer');
  const applications = await client.applications();
  // What cannot be refreshed, such as an Application that is being deleted, is for awaitStart to judge.
  await Promise.allSettled(applications.map(async ({ metadata }) => client.refresh(metadata.name)));
}

const wasRunning = (is: boolean): string => (is ? ' (was running)' : '');

/** Ends what an interrupted start left behind without a record, and what belonged to a cluster that is gone. */
async function endStrays(instance: Instance, progress: Progress): Promise<void> {
  const kept = ['git', 'registry', 'redis'].map((name) => runningPid(instance, name));
  for (const pid of strayProcesses(instance)) {
    if (kept.includes(pid)) continue;
    progress.note(`ending process ${pid}, left behind by an interrupted run`);
    await endProcess(pid);
  }
}

/** A process keeps its ports while it runs; the control plane's are part of a stored cluster. */
function mayMove(instance: Instance, process: ProcessName): boolean {
  return isComponent(process) ? !clusterExists(instance) : runningPid(instance, process) === undefined;
}
