import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import type { Progress } from '@gitops/report/progress';
import { clusterFacts, clusterSecret, type Controller, CONTROLLERS, readCluster } from '@gitops/settings';
import { run, RunError } from '@gitops/tools/run';
import { ensureTools, type Tools } from '@gitops/tools/tools';
import {
  autoSync,
  awaitApplications,
  confirmBad,
  describeState,
  explain,
  isDegraded,
  isSettled,
  isUnreadable,
  readsFrom,
  syncFails,
} from './applications.ts';
import { connectAs, ensureTokens, startArgo } from './argocd.ts';
import type { Application } from './argocd-api.ts';
import { argoConfiguration, NAMESPACE } from './argocd-settings.ts';
import {
  apply,
  CLUSTER_PORTS,
  clusterEnvironment,
  clusterExists,
  componentPid,
  COMPONENTS,
  kubectl,
  nodeManifests,
  startCluster,
} from './cluster.ts';
import { type Instance, readState, writeState } from './instance.ts';
import { choosePorts, type PortName, type Ports } from './ports.ts';
import {
  awaitDaemon,
  type Daemon,
  endProcess,
  INSTANCE_VARIABLE,
  runningPid,
  startDaemon,
  strayProcesses,
} from './process.ts';
import { createRepository, publishedCommit, publishWorkTree, repositoryURL, servedRepository } from './publish.ts';

/**
 * Makes the whole local machine run; what runs already is left alone. Each step first looks at what is there, so an
 * interrupted run is finished by the next one.
 * @returns the Applications as they stand when all are at rest
 */
export async function up(instance: Instance, progress: Progress): Promise<Application[]> {
  const idle = !COMPONENTS.every((component) => componentPid(instance, component) !== undefined);
  // Hashing every program takes a second, so it is done when they are about to be started.
  const tools = await ensureTools(progress, { verify: idle });
  const settings = readCluster(instance.root, instance.cluster);
  if (settings.provider !== 'local')
    throw new CommandError(
      `clusters/${instance.cluster}/cluster.yaml has provider ${settings.provider}`,
      'write `provider: local`',
    );

  if (idle && !clusterExists(instance)) await endStrays(instance, progress);
  const ports = await choosePorts(instance, (name) => mayMove(instance, name));

  const gitStarting = startGit(instance, ports);
  // Its failure is told in its own turn below.
  gitStarting.catch(() => undefined);
  const startedCluster = await startCluster(instance, tools, ports);
  await installBase(instance, tools, settings.nodes);
  progress.done(
    `Kubernetes at 127.0.0.1:${ports['kube-apiserver']} with ${settings.nodes} simulated nodes${startedCluster ? '' : ' (was running)'}`,
  );

  const startedGit = await gitStarting;
  const url = repositoryURL(ports.git);
  progress.done(`Git at ${url}${startedGit ? '' : ' (was running)'}`);

  await apply(
    instance,
    tools,
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: argoConfiguration(instance, tools) }),
  );
  // Before Argo CD starts: it would else begin a sync by the root of before, whose address may be another, and repeat
  // it for minutes.
  await installRoot(instance, tools, clusterFacts(settings, { repoURL: url }));
  const startedArgo = await startArgo(instance, tools, ports);
  await ensureTokens(instance, tools, ports);
  progress.done(
    `Argo CD at 127.0.0.1:${ports.server}${startedArgo.length === 0 ? ' (was running)' : ` (started ${startedArgo.join(', ')})`}`,
  );

  const applications = await awaitAll(
    instance,
    ports,
    url,
    CONTROLLERS.filter((controller) => !settings.controllers.includes(controller)),
  );
  progress.done('Applications at rest');
  return applications;
}

/** Ends what an interrupted start left behind without a note of it. */
async function endStrays(instance: Instance, progress: Progress): Promise<void> {
  const remembered = new Set(['git', 'redis'].map((name) => runningPid(instance, name)));
  for (const pid of strayProcesses(instance).filter((candidate) => !remembered.has(candidate))) {
    progress.note(`ending process ${pid}, left behind by an interrupted run`);
    await endProcess(pid);
  }
}

/** A port keeps its number while its process runs or, for the control plane's, while a stored cluster names it. */
function mayMove(instance: Instance, name: PortName): boolean {
  if (CLUSTER_PORTS.includes(name)) return !clusterExists(instance);
  const daemon = name === 'git' || name === 'redis' ? name : `argocd-${name.replace(/-(metrics|webhook|probe)$/, '')}`;
  return runningPid(instance, daemon) === undefined;
}

/** Nodes, Argo CD's namespace and its CustomResourceDefinitions. */
async function installBase(instance: Instance, tools: Tools, nodes: number): Promise<void> {
  await apply(
    instance,
    tools,
    `${nodeManifests(nodes)}---\n${JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })}\n`,
  );
  // They are 1.5 MB, and no rollback, sync or drill touches them: once for each version is enough.
  const installed = readState(instance, 'crds.json') as { key?: string } | undefined;
  if (installed?.key === tools.key && (await servesArgo(instance, tools))) return;
  const folder = join(tools.manifests, 'crds');
  const files = readdirSync(folder).filter((file) => file.endsWith('-crd.yaml'));
  await apply(instance, tools, files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n---\n'));
  for (const end = Date.now() + 30_000; !(await servesArgo(instance, tools));) {
    if (Date.now() > end)
      throw new CommandError('the API server does not serve argoproj.io after 30 s', 'run `make up` again');
    await sleep(100);
  }
  writeState(instance, 'crds.json', { key: tools.key });
}

/** Whether the API server serves every kind that Argo CD needs. */
async function servesArgo(instance: Instance, tools: Tools): Promise<boolean> {
  try {
    const { resources } = JSON.parse(
      await kubectl(instance, tools, ['get', '--raw', '/apis/argoproj.io/v1alpha1']),
    ) as { resources: { kind: string }[] };
    return ['Application', 'ApplicationSet', 'AppProject'].every((kind) =>
      resources.some((resource) => resource.kind === kind),
    );
  } catch (error) {
    if (error instanceof RunError) return false;
    throw error;
  }
}

/** Makes the Git server run, and gives it the work tree where its main is still empty. */
async function startGit(instance: Instance, ports: Ports): Promise<boolean> {
  await createRepository(instance);
  const daemon: Daemon = {
    name: 'git',
    command: process.execPath,
    args: [
      ...[resolve(import.meta.dirname, 'git-server.ts'), servedRepository(instance), String(ports.git)],
      ...[ports.server, ports['applicationset-controller-webhook']].map(
        (port) => `http://127.0.0.1:${port}/api/webhook`,
      ),
    ],
    env: { PATH: process.env.PATH ?? '', [INSTANCE_VARIABLE]: instance.dir },
    port: ports.git,
  };
  const started = await startDaemon(instance, daemon);
  await awaitDaemon(instance, daemon, async () => {
    try {
      return (await fetch(`http://127.0.0.1:${ports.git}/healthz`)).ok;
    } catch {
      return false;
    }
  });
  if ((await publishedCommit(instance)) === undefined) await publishWorkTree(instance, repositoryURL(ports.git));
  return started;
}

/** This cluster's facts and the root Application: all that Argo CD is told by hand. */
async function installRoot(instance: Instance, tools: Tools, facts: ReturnType<typeof clusterFacts>): Promise<void> {
  const { repoURL, repoRevision } = facts.annotations;
  const values = [`repoURL=${repoURL}`, `revision=${repoRevision}`].flatMap((value) => ['--set-string', value]);
  const root = await run(
    'helm',
    ['template', 'root', join(instance.root, 'argocd/root'), '--namespace', NAMESPACE, ...values],
    {
      env: clusterEnvironment(instance, tools),
    },
  ).catch((error: unknown) => {
    throw error instanceof RunError
      ? new CommandError(`argocd/root does not render: ${error.stderr.trim()}`, 'mend it and run `make up` again')
      : error;
  });
  await apply(instance, tools, `${JSON.stringify(clusterSecret(facts))}\n---\n${root}`);
}

interface Owned {
  readonly metadata: { readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[] };
}

/**
 * Waits until root and everything that it leads to reads from `url` and is Synced and Healthy, or stays as on-call left
 * it.
 * @param off controllers whose ApplicationSets make no Application here
 */
async function awaitAll(
  instance: Instance,
  ports: Ports,
  url: string,
  off: readonly Controller[],
): Promise<Application[]> {
  const client = connectAs(instance, ports, 'admin');
  const isBad = (application: Application): boolean =>
    isUnreadable(application) || isDegraded(application) || syncFails(application);
  const start = Date.now();
  return awaitApplications(client, 180_000, 'the start of all Applications', async (byName) => {
    const applications = [...byName.values()];
    const root = byName.get('root');
    const sets = (root?.status?.resources ?? []).filter(
      ({ kind, name }) => kind === 'ApplicationSet' && !off.some((controller) => controller === name),
    );
    const owners = new Set(
      applications.flatMap((application) =>
        ((application as Application & Owned).metadata.ownerReferences ?? []).map(({ name }) => name),
      ),
    );
    const complete =
      root !== undefined &&
      sets.length > 0 &&
      sets.every(({ name }) => owners.has(name)) &&
      applications.every((application) => readsFrom(application, url));
    const restless = applications.filter((application) => !isSettled(application) && autoSync(application));
    if (complete && restless.length === 0) return applications;

    // The first seconds of a fresh Argo CD are full of errors that pass, such as a project that is not there yet.
    // Looking again is also what ends them: Argo CD itself would wait for the next poll. While root is at work, those
    // that it leads to may well fail: their projects and settings come from it.
    const suspects = restless.some(({ metadata }) => metadata.name === 'root')
      ? restless.filter(({ metadata }) => metadata.name === 'root')
      : restless;
    const suspect = Date.now() - start < 5000 ? undefined : suspects.find(isBad);
    const bad = suspect === undefined ? undefined : await confirmBad(client, suspect.metadata.name, isBad);
    if (bad === undefined) return undefined;
    const [reason = describeState(bad)] = explain(bad, await client.resourceNodes(bad.metadata.name));
    throw new CommandError(
      `everything runs, but ${bad.metadata.name} is ${describeState(bad)}: ${reason}`,
      'push a commit that mends it (`make deploy`, `make ship`), or roll it back; `make status` tells all',
    );
  });
}
