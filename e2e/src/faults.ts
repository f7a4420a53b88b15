// What drills of faults have in common: images with a fault, pods of them, and the processes and folders that they leave.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assemble } from '@gitops/images/assemble';
import { ensureNodeBase, thisPlatform } from '@gitops/images/node-base';
import type { Instance } from '@gitops/local';
import type { Fault } from './faulty-service.ts';
import { APP, type Stack, until } from './stack.ts';

/** The namespace of the pods of these drills. */
export const NAMESPACE = 'drills';

const REGISTRY = 'registry.internal';

/**
 * Pushes an image with a fault to the stack's registry.
 * @param repository its name there
 * @returns name:tag@digest
 */
export async function pushFault(
  stack: Stack,
  fault: Fault,
  tag: string,
  repository = 'faulty-service',
): Promise<{ reference: string; digest: string }> {
  const { root } = stack.instance;
  const address = `127.0.0.1:${stack.ports.registry}`;
  const folder = mkdtempSync(join(tmpdir(), 'fault-'));
  try {
    writeFileSync(join(folder, 'fault.json'), JSON.stringify(fault));
    return await assemble(stack.tools.bin, {
      name: `${REGISTRY}/${repository}`,
      tag,
      base: await ensureNodeBase(root, stack.tools.bin, { name: REGISTRY, address }),
      platforms: [thisPlatform],
      layers: [
        { from: fileURLToPath(import.meta.resolve('./faulty-service.ts')), to: '/app/main.ts' },
        { from: join(folder, 'fault.json'), to: '/app/fault.json' },
      ],
      config: { Entrypoint: ['/nodejs/bin/node', 'main.ts'], WorkingDir: '/app', User: '65532:65532' },
      created: '2026-01-01T00:00:00Z',
      registries: { [REGISTRY]: address },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The parts of a Pod that drills look at. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly image: string }[] };
  readonly status: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { type: string; status: string; reason?: string; lastTransitionTime: string }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly started?: boolean;
  readonly restartCount: number;
  readonly containerID?: string;
  readonly state: ContainerState;
  readonly lastState: ContainerState;
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: { readonly reason?: string; readonly message?: string; readonly exitCode: number };
}

/** A container with the ports and probes that the chart gives the service. */
export function containerOf(image: string, changes: object = {}): object {
  const probe = { httpGet: { path: '/livez', port: 'admin' }, periodSeconds: 1, timeoutSeconds: 2 };
  return {
    name: 'service',
    image,
    env: [{ name: 'HOST', value: '0.0.0.0' }],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'admin', containerPort: 9090 },
    ],
    startupProbe: { ...probe, failureThreshold: 10 },
    readinessProbe: { ...probe, httpGet: { path: '/readyz', port: 'admin' }, failureThreshold: 1 },
    ...changes,
  };
}

/** A pod of one such container. */
export function podOf(name: string, container: object, changes: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, labels: { app: name } },
    spec: {
      containers: [container],
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      ...changes,
    },
  };
}

/** Makes the namespace of these drills where it is missing; `removeNamespace` ends it with all that is in it. */
export async function ensureNamespace(stack: Stack): Promise<void> {
  const found = await stack.kubectl('get', 'namespace', NAMESPACE, '--ignore-not-found', '-o', 'name');
  if (found === '') await stack.kubectl('create', 'namespace', NAMESPACE);
  await until('the namespace has its account', async () =>
    (await stack.kubectl('-n', NAMESPACE, 'get', 'serviceaccount', 'default', '--ignore-not-found', '-o', 'name')) ===
    ''
      ? undefined
      : true,
  );
}

export async function removeNamespace(stack: Stack): Promise<void> {
  await stack.kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=60s');
}

export async function podNamed(stack: Stack, name: string): Promise<Pod | undefined> {
  const text = await stack.kubectl('-n', NAMESPACE, 'get', 'pod', name, '--ignore-not-found', '-o', 'json');
  return text === '' ? undefined : (JSON.parse(text) as Pod);
}

/** The pods of the service, without those that end. */
export async function servicePods(stack: Stack): Promise<Pod[]> {
  const text = await stack.kubectl('-n', APP, 'get', 'pods', '-l', `app.kubernetes.io/name=${APP}`, '-o', 'json');
  return (JSON.parse(text) as { items: Pod[] }).items.filter(
    ({ metadata }) => metadata.deletionTimestamp === undefined,
  );
}

export const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

/** Waits until a pod of these drills is as wanted; throws with its status. */
export async function podUntil(
  stack: Stack,
  name: string,
  isWanted: (pod: Pod) => boolean,
  patience = 60_000,
): Promise<Pod> {
  let last: Pod | undefined;
  try {
    return await until(
      name,
      async () => ((last = await podNamed(stack, name)) && isWanted(last) ? last : undefined),
      patience,
    );
  } catch (error) {
    throw new Error(`${String(error)}: ${JSON.stringify(last?.status)}`, { cause: error });
  }
}

/** The messages of the events of a pod, a line each: reason, then message. */
export async function eventsOf(stack: Stack, name: string, namespace = NAMESPACE): Promise<string> {
  const selector = `involvedObject.name=${name}`;
  const format = '{range .items[*]}{.reason} {.message}{"\\n"}{end}';
  return stack.kubectl('-n', namespace, 'get', 'events', '--field-selector', selector, '-o', `jsonpath=${format}`);
}

/** A process of a container. */
export interface ContainerProcess {
  readonly pid: number;
  readonly container: string;
  /** The container's parent, which writes its log, and no process of the image. */
  readonly isShim: boolean;
}

/** Every process of the containers of a stack, by the mark that the runtime gives it. */
export function containerProcesses({ dir }: Instance): ContainerProcess[] {
  const found: ContainerProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const environment = readFileSync(`/proc/${entry}/environ`, 'utf8').split('\0');
      const folder = environment.find((line) => line.startsWith(`CONTAINER_FOLDER=${dir}/`));
      const isShim = readFileSync(`/proc/${entry}/comm`, 'utf8').startsWith('container-shim');
      if (folder !== undefined) found.push({ pid: Number(entry), container: basename(folder), isShim });
    } catch {
      // Gone since the listing, or another user's.
    }
  }
  return found;
}

/** The processes of a pod's containers, shims left out. */
export function processesOf(instance: Instance, { status }: Pod): number[] {
  const ids = status.containerStatuses?.map(({ containerID }) => containerID?.replace(/^.*:\/\//, ''));
  const all = containerProcesses(instance).filter(
    ({ isShim, container }) => !isShim && ids?.includes(container) === true,
  );
  return all.map(({ pid }) => pid);
}

/** What the nodes of a stack keep of pods: the uids of those that have a sandbox, a container or a folder. */
export function keptPods({ dir }: Instance): string[] {
  const nodes = join(dir, 'nodes');
  const uids = new Set<string>();
  const list = (...parts: string[]): string[] => {
    const folder = join(nodes, ...parts);
    return existsSync(folder) ? readdirSync(folder) : [];
  };
  for (const node of list()) {
    for (const uid of list(node, 'kubelet', 'pods')) uids.add(uid);
    for (const kind of ['sandboxes', 'containers'])
      for (const id of list(node, 'runtime', kind)) {
        const text = readFileSync(join(nodes, node, 'runtime', kind, id, 'record.json'), 'utf8');
        uids.add(/"io\.kubernetes\.pod\.uid": ?"([^"]+)"/.exec(text)?.[1] ?? id);
      }
  }
  return [...uids];
}
