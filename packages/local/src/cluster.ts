import { existsSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, RunError } from '@gitops/tools/run';
import { KUBERNETES_VERSION, type Tools } from '@gitops/tools/tools';
import {
  CLUSTER_NAME,
  clusterExists,
  clusterFolder,
  componentFailure,
  componentLog,
  componentPid,
  componentWithoutPort,
  CREATED,
  isRunning,
  pidFile,
  programLink,
} from './components.ts';
import { type Instance, readState, statePath, writeState } from './instance.ts';
import { clusterEnvironment, kubeconfigPath } from './kubectl.ts';
import { ask } from './kubernetes-api.ts';
import { hashOfConfiguration, kwokConfiguration, withPresentConfiguration } from './kwok-configuration.ts';
import { COMPONENTS, type Ports } from './ports.ts';
import { endProcess } from './process.ts';

/** What CREATED holds. */
interface Created {
  readonly kubernetes: string;
  /** Hash of the flags and stages that it runs with. */
  readonly configuration?: string;
}

const START_ATTEMPTS = 10;

/**
 * Starts the control plane: creates the cluster, or starts those of its components that do not run.
 * Throws CommandError with the component and its port or the end of its log; a complete cluster is kept.
 * @returns whether anything was started
 */
export async function startCluster(instance: Instance, tools: Tools, ports: Ports): Promise<boolean> {
  if (!clusterExists(instance)) {
    await deleteCluster(instance, tools);
    await createCluster(instance, tools, ports);
    return true;
  }
  await refreshConfiguration(instance, tools, ports);
  linkPrograms(instance, tools);
  const isComplete = (): boolean => COMPONENTS.every((component) => isRunning(instance, component));
  if (isComplete()) return false;
  // A process that was killed a moment ago may still be there, hence more than one attempt.
  for (let attempt = 1; !isComplete(); attempt += 1) {
    if (attempt > START_ATTEMPTS) throw componentFailure(instance, ports);
    await startComponents(instance, tools, ports);
    await sleep(200);
  }
  await awaitApi(instance, ports);
  return true;
}

async function startComponents(instance: Instance, tools: Tools, ports: Ports): Promise<void> {
  // kwokctl believes any pid file; by now the number may be that of another program's process.
  for (const component of COMPONENTS) {
    if (isRunning(instance, component)) continue;
    rmSync(pidFile(instance, component), { force: true });
    // What the last start complained about, such as a port that was taken, must not be read as this one's complaint.
    const log = componentLog(instance, component);
    if (existsSync(log)) renameSync(log, `${log}.previous`);
  }
  await kwokctl(instance, tools, ports, ['start', 'cluster']);
}

/** Ends the control plane and keeps its state. */
export async function stopCluster(instance: Instance): Promise<void> {
  // One after the other, API server before etcd, with time to finish their writes: kwokctl would kill all at once.
  for (const component of [...COMPONENTS].reverse()) {
    const pid = componentPid(instance, component);
    if (pid !== undefined) await endProcess(pid);
  }
}

/** Ends the control plane and deletes its state. */
async function deleteCluster(instance: Instance, tools: Tools): Promise<void> {
  await stopCluster(instance);
  rmSync(join(instance.dir, CREATED), { force: true });
  if (!existsSync(clusterFolder(instance))) return;
  try {
    await runKwokctl(instance, tools, ['delete', 'cluster', '--kubeconfig', kubeconfigPath(instance)]);
  } catch (error) {
    // kwokctl cannot read what an interrupted creation left behind; removing the folder is enough.
    if (!(error instanceof RunError)) throw error;
  }
  rmSync(clusterFolder(instance), { recursive: true, force: true });
}

async function createCluster(instance: Instance, tools: Tools, ports: Ports): Promise<void> {
  const config = statePath(instance, 'kwok/create.yaml');
  const configuration = kwokConfiguration(tools, ports);
  writeFileSync(config, configuration);
  try {
    // Without its --wait, which looks only once a second.
    const args = ['create', 'cluster', '--config', config, '--kubeconfig', kubeconfigPath(instance)];
    await kwokctl(instance, tools, ports, args);
  } catch (error) {
    const failure = error instanceof RunError ? componentFailure(instance, ports) : error;
    await deleteCluster(instance, tools);
    throw failure;
  }
  await awaitApi(instance, ports);
  const created: Created = { kubernetes: KUBERNETES_VERSION, configuration: hashOfConfiguration(configuration) };
  writeState(instance, CREATED, created);
}

/** Makes a stored cluster run the present programs: the old ones may be gone from the user's cache folder. */
function linkPrograms(instance: Instance, tools: Tools): void {
  for (const component of COMPONENTS) {
    const link = programLink(instance, component);
    const program = join(tools.bin, component === 'kwok-controller' ? 'kwok' : component);
    if (existsSync(link) && readlinkSync(link) === program) continue;
    rmSync(link, { force: true });
    symlinkSync(program, link);
  }
}

/**
 * Gives a stored cluster the present flags and stages. Programs read them when they start, so those that are concerned
 * are ended.
 */
async function refreshConfiguration(instance: Instance, tools: Tools, ports: Ports): Promise<void> {
  const created = readState(instance, CREATED) as Created;
  const present = kwokConfiguration(tools, ports);
  const configuration = hashOfConfiguration(present);
  if (created.configuration === configuration) return;
  const path = join(clusterFolder(instance), 'kwok.yaml');
  const { file, changed } = withPresentConfiguration(readFileSync(path, 'utf8'), present);
  writeFileSync(`${path}.new`, file);
  renameSync(`${path}.new`, path);
  for (const component of changed) {
    const pid = componentPid(instance, component);
    if (pid !== undefined) await endProcess(pid);
  }
  writeState(instance, CREATED, { ...created, configuration });
}

async function runKwokctl(
  instance: Instance,
  tools: Tools,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  await run(join(tools.bin, 'kwokctl'), ['--name', CLUSTER_NAME, ...args], {
    env: clusterEnvironment(instance, tools),
    ...(signal === undefined ? {} : { signal }),
  });
}

/**
 * Runs kwokctl, and ends it early when a component finds its port taken; kwokctl itself would wait for minutes.
 * Throws RunError, and CommandError for a taken port.
 */
async function kwokctl(instance: Instance, tools: Tools, ports: Ports, args: readonly string[]): Promise<void> {
  const controller = new AbortController();
  const watch = setInterval(() => {
    if (componentWithoutPort(instance) !== undefined) controller.abort();
  }, 200);
  try {
    await runKwokctl(instance, tools, args, controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? componentFailure(instance, ports) : error;
  } finally {
    clearInterval(watch);
  }
}

/**
 * Waits until the controllers of kube-controller-manager run, and starts what has ended: kube-controller-manager gives up
 * after ten seconds without a healthy API server, which a busy machine may need, and nothing else would start it again.
 * Throws CommandError after three minutes.
 */
export async function awaitControllers(instance: Instance, tools: Tools, ports: Ports): Promise<void> {
  for (const end = Date.now() + 180_000; Date.now() < end;) {
    if (COMPONENTS.some((component) => !isRunning(instance, component))) await startComponents(instance, tools, ports);
    // Its checks are there once it has built its controllers, which comes after its wait for the API server.
    const health = await ask(instance, ports['kube-controller-manager'], '/healthz?verbose');
    if (health?.body.includes('deployment-controller') === true) return;
    await sleep(200);
  }
  throw componentFailure(instance, ports);
}

async function awaitApi(instance: Instance, ports: Ports): Promise<void> {
  // Seconds, or minutes where other programs take the processors; the loop ends with the process.
  for (const end = Date.now() + 180_000; Date.now() < end;) {
    if (await isApiReady(instance, ports)) return;
    if (!isRunning(instance, 'kube-apiserver')) break;
    await sleep(100);
  }
  throw componentFailure(instance, ports);
}

const isApiReady = async (instance: Instance, ports: Ports): Promise<boolean> =>
  (await ask(instance, ports['kube-apiserver'], '/readyz'))?.status === 200;
