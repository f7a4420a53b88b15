import { createHash } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:https';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import { KUBERNETES_VERSION, type Tools } from '@gitops/tools/tools';
import { type Instance, readState, statePath, writeState } from './instance.ts';
import type { PortName, Ports } from './ports.ts';
import { birthOf, endProcess, INSTANCE_VARIABLE, lastWords } from './process.ts';

/** kwokctl's components, in the order in which they start; each listens on the port of the same name. */
export const COMPONENTS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kwok-controller',
] as const;
export type Component = (typeof COMPONENTS)[number];

/** The ports that the cluster's certificates, kubeconfig and stored configuration name. */
export const CLUSTER_PORTS: readonly PortName[] = ['etcd-peer', ...COMPONENTS];

// Below the instance's own folder a cluster needs no name of its own.
const NAME = 'local';
const CREATED = 'cluster.json';
const stagesFile = resolve(import.meta.dirname, '../kwok/stages.yaml');

const clusterFolder = (instance: Instance): string => join(instance.dir, 'kwok/clusters', NAME);

/** The kubeconfig of the cluster's administrator. */
export const kubeconfigPath = (instance: Instance): string => statePath(instance, 'kubeconfig');

/** Whether a cluster was created to the end; a half-created one does not count. */
export const clusterExists = (instance: Instance): boolean =>
  readState(instance, CREATED) !== undefined && existsSync(join(clusterFolder(instance), 'kwok.yaml'));

/**
 * How Go's garbage collector behaves in every long-running program here: a heap may grow to one and a half times what
 * is in use, where Go's own 100 lets it double. Measured by `make bench`: 0.2 GB less, and no slower.
 */
export const COLLECTOR = { GOGC: '50' } as const;

/** The environment for kwokctl, kubectl and helm against this cluster. */
export function clusterEnvironment(instance: Instance, tools: Tools): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${tools.bin}:${process.env.PATH ?? ''}`,
    KUBECONFIG: kubeconfigPath(instance),
    KWOK_WORKDIR: statePath(instance, 'kwok'),
    ...COLLECTOR,
    [INSTANCE_VARIABLE]: instance.dir,
  };
}

/** The pid of a component; undefined where it does not run. */
export function componentPid(instance: Instance, component: Component): number | undefined {
  const file = pidFile(instance, component);
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8').trim());
  return Number.isInteger(pid) && pid > 0 && isComponent(instance, pid, component) ? pid : undefined;
}

const pidFile = (instance: Instance, component: Component): string =>
  join(clusterFolder(instance), 'pids', `${component}.pid`);

/** Whether the pid is the component and not a later process with the same number. */
function isComponent(instance: Instance, pid: number, component: Component): boolean {
  if (birthOf(pid) === undefined) return false;
  const commandLine = `/proc/${pid}/cmdline`;
  // Elsewhere than on Linux kwokctl's pid file is trusted, as kwokctl itself does.
  return (
    !existsSync(commandLine) ||
    readFileSync(commandLine, 'utf8').includes(join(clusterFolder(instance), 'bin', component))
  );
}

/** The log of a component. */
export const componentLog = (instance: Instance, component: Component): string =>
  join(clusterFolder(instance), 'logs', `${component}.log`);

function configuration(tools: Tools, ports: Ports): string {
  // kwokctl sets some flags itself; those are overridden, all others are added.
  const replace = (key: string, value: string): object => ({ key, value, override: true });
  const add = (key: string, value: string): object => ({ key, value });
  const config = {
    apiVersion: 'config.kwok.x-k8s.io/v1alpha1',
    kind: 'KwokctlConfiguration',
    options: {
      runtime: 'binary',
      bindAddress: '127.0.0.1',
      kubeVersion: KUBERNETES_VERSION,
      etcdPort: ports.etcd,
      etcdPeerPort: ports['etcd-peer'],
      kubeApiserverPort: ports['kube-apiserver'],
      kubeControllerManagerPort: ports['kube-controller-manager'],
      kubeSchedulerPort: ports['kube-scheduler'],
      kwokControllerPort: ports['kwok-controller'],
      etcdBinary: join(tools.bin, 'etcd'),
      kubeApiserverBinary: join(tools.bin, 'kube-apiserver'),
      kubeControllerManagerBinary: join(tools.bin, 'kube-controller-manager'),
      kubeSchedulerBinary: join(tools.bin, 'kube-scheduler'),
      kwokControllerBinary: join(tools.bin, 'kwok'),
    },
    componentsPatches: [
      {
        name: 'kwok-controller',
        // Leases would outlive a stopped controller and freeze all pods for minutes after the next start.
        extraArgs: [
          replace('manage-all-nodes', 'false'),
          add('manage-nodes-with-label-selector', 'type=kwok'),
          replace('node-lease-duration-seconds', '0'),
        ],
      },
      {
        name: 'kube-controller-manager',
        extraArgs: [
          add('leader-elect', 'false'),
          replace('node-monitor-period', '2s'),
          replace('node-monitor-grace-period', '20s'),
        ],
      },
      { name: 'kube-scheduler', extraArgs: [add('leader-elect', 'false')] },
    ],
  };
  return `${stringify(config)}---\n${readFileSync(stagesFile, 'utf8')}`;
}

async function kwokctl(instance: Instance, tools: Tools, args: readonly string[], signal?: AbortSignal): Promise<void> {
  await run(join(tools.bin, 'kwokctl'), ['--name', NAME, ...args], {
    env: clusterEnvironment(instance, tools),
    ...(signal === undefined ? {} : { signal }),
  });
}

/**
 * Makes the control plane run: creates it, or starts what is not running of it.
 * Throws CommandError naming the component, its port or its last words; a cluster that was complete before is kept.
 * @returns whether anything was started
 */
export async function startCluster(instance: Instance, tools: Tools, ports: Ports): Promise<boolean> {
  if (!clusterExists(instance)) {
    await deleteCluster(instance, tools);
    await createCluster(instance, tools, ports);
    return true;
  }
  await refreshStages(instance);
  linkPrograms(instance, tools);
  let started = false;
  // A process that was killed a moment ago may still be there, hence more than one try.
  for (let attempt = 1; COMPONENTS.some((component) => componentPid(instance, component) === undefined); attempt += 1) {
    if (attempt > 10) throw componentFailure(instance, ports);
    // kwokctl takes any process with a remembered number for its own; by now the number may be somebody else's.
    for (const component of COMPONENTS)
      if (componentPid(instance, component) === undefined) rmSync(pidFile(instance, component), { force: true });
    await watchFailures(instance, ports, async (signal) => {
      await kwokctl(instance, tools, ['start', 'cluster'], signal);
    });
    started = true;
    await sleep(200);
  }
  if (started) await awaitApi(instance, ports);
  return started;
}

/** What kwokctl's folder calls a program of ours. */
const programOf = (component: Component): string => (component === 'kwok-controller' ? 'kwok' : component);

/**
 * Leads a stored cluster to the present programs: those that it was made with may be gone from the user's cache folder.
 */
function linkPrograms(instance: Instance, tools: Tools): void {
  for (const component of COMPONENTS) {
    const link = join(clusterFolder(instance), 'bin', component);
    const program = join(tools.bin, programOf(component));
    if (existsSync(link) && readlinkSync(link) === program) continue;
    rmSync(link, { force: true });
    symlinkSync(program, link);
  }
}

/**
 * Gives a stored cluster the present stages. KWOK reads them when it starts, so it is ended where they differ.
 * The first document of kwokctl's file is its own configuration; the stages follow.
 */
async function refreshStages(instance: Instance): Promise<void> {
  const stages = readFileSync(stagesFile, 'utf8');
  const created = readState(instance, CREATED) as { stages?: string };
  if (created.stages === hashOf(stages)) return;
  const file = join(clusterFolder(instance), 'kwok.yaml');
  const [own = ''] = readFileSync(file, 'utf8').split('\n---\n');
  writeFileSync(`${file}.new`, `${own}\n---\n${stages}`);
  renameSync(`${file}.new`, file);
  const pid = componentPid(instance, 'kwok-controller');
  if (pid !== undefined) await endProcess(pid);
  writeState(instance, CREATED, { ...created, stages: hashOf(stages) });
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

async function createCluster(instance: Instance, tools: Tools, ports: Ports): Promise<void> {
  const config = statePath(instance, 'kwok', 'create.yaml');
  writeFileSync(config, configuration(tools, ports));
  try {
    await watchFailures(instance, ports, async (signal) => {
      // Without its --wait, which looks once a second only.
      await kwokctl(
        instance,
        tools,
        ['create', 'cluster', '--config', config, '--kubeconfig', kubeconfigPath(instance)],
        signal,
      );
    });
  } catch (error) {
    const explained = error instanceof RunError ? componentFailure(instance, ports) : error;
    await deleteCluster(instance, tools);
    throw explained;
  }
  await awaitApi(instance, ports);
  writeState(instance, CREATED, { kubernetes: KUBERNETES_VERSION, stages: hashOf(readFileSync(stagesFile, 'utf8')) });
}

/**
 * Runs an action of kwokctl and ends it early when a component says that its port is taken; kwokctl itself would wait
 * for minutes.
 */
async function watchFailures(
  instance: Instance,
  ports: Ports,
  action: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const watch = setInterval(() => {
    if (takenPort(instance) !== undefined) controller.abort();
  }, 200);
  try {
    await action(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? componentFailure(instance, ports) : error;
  } finally {
    clearInterval(watch);
  }
}

function takenPort(instance: Instance): Component | undefined {
  const folder = join(clusterFolder(instance), 'logs');
  if (!existsSync(folder)) return undefined;
  return COMPONENTS.find(
    (component) =>
      componentPid(instance, component) === undefined &&
      readdirSync(folder).includes(`${component}.log`) &&
      /address already in use/i.test(readFileSync(join(folder, `${component}.log`), 'utf8').slice(-8192)),
  );
}

function componentFailure(instance: Instance, ports: Ports): CommandError {
  const taken = takenPort(instance);
  if (taken !== undefined) {
    return clusterExists(instance)
      ? new CommandError(
          `port ${ports[taken]} of ${taken} is taken by another program, and the stored cluster relies on it`,
          'end that program and run `make up` again, or give the cluster up: `make down` and `rm -rf .local`',
        )
      : new CommandError(
          `port ${ports[taken]} of ${taken} was taken by another program between choice and use`,
          'run `make up` again: it chooses another port',
        );
  }
  const dead = COMPONENTS.find((component) => componentPid(instance, component) === undefined) ?? 'kube-apiserver';
  return new CommandError(
    `${dead} does not start: ${lastWords(componentLog(instance, dead))}`,
    `read ${componentLog(instance, dead)}, then run \`make up\` again`,
  );
}

async function awaitApi(instance: Instance, ports: Ports): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    if (await isApiReady(instance, ports)) return;
    if (componentPid(instance, 'kube-apiserver') === undefined) break;
    await sleep(100);
  }
  throw componentFailure(instance, ports);
}

/** Asks the API server itself, which tells anybody: a kubectl for each look would slow down what it waits for. */
async function isApiReady(instance: Instance, ports: Ports): Promise<boolean> {
  const ca = join(clusterFolder(instance), 'pki/ca.crt');
  if (!existsSync(ca)) return false;
  return new Promise((resolve) => {
    const request = get(
      { host: '127.0.0.1', port: ports['kube-apiserver'], path: '/readyz', ca: readFileSync(ca), timeout: 2000 },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => {
      resolve(false);
    });
  });
}

/** Runs kubectl as the cluster's administrator. Throws RunError. */
export async function kubectl(
  instance: Instance,
  tools: Tools,
  args: readonly string[],
  input?: string,
): Promise<string> {
  return run(join(tools.bin, 'kubectl'), args, {
    env: clusterEnvironment(instance, tools),
    ...(input === undefined ? {} : { input }),
  });
}

/** Applies manifests on the server's side, which knows no limit to their size. */
export async function apply(instance: Instance, tools: Tools, manifests: string): Promise<void> {
  await kubectl(
    instance,
    tools,
    ['apply', '--server-side', '--force-conflicts', '--field-manager=packages-local', '-f', '-'],
    manifests,
  );
}

/** The simulated nodes, one in each simulated zone. */
export function nodeManifests(count: number): string {
  return Array.from({ length: count }, (_, index) => {
    const letter = String.fromCharCode('a'.charCodeAt(0) + index);
    return stringify({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: `simulated-${letter}`,
        labels: { type: 'kwok', 'topology.kubernetes.io/zone': `local-${letter}` },
      },
    });
  }).join('---\n');
}

/** Ends the control plane and keeps its state. */
export async function stopCluster(instance: Instance): Promise<void> {
  // By pid and in order, API server before etcd, with a chance to finish their writes: kwokctl would kill them all at
  // once.
  for (const component of [...COMPONENTS].reverse()) {
    const pid = componentPid(instance, component);
    if (pid !== undefined) await endProcess(pid);
  }
}

/** Ends the control plane and forgets its state. */
export async function deleteCluster(instance: Instance, tools: Tools): Promise<void> {
  await stopCluster(instance);
  rmSync(join(instance.dir, CREATED), { force: true });
  if (!existsSync(clusterFolder(instance))) return;
  await kwokctl(instance, tools, ['delete', 'cluster', '--kubeconfig', kubeconfigPath(instance)]).catch(
    (error: unknown) => {
      // A folder that an interrupted creation left half-filled is more than kwokctl can read; removing it is what is left
      // to do.
      if (!(error instanceof RunError)) throw error;
    },
  );
  rmSync(clusterFolder(instance), { recursive: true, force: true });
}
