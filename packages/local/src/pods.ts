import { table } from '@gitops/report/table';
import { shortImage } from './applications.ts';
import type { Instance } from './instance.ts';
import { list } from './kubernetes-api.ts';
import { NODE_TYPE } from './nodes.ts';
import type { Ports } from './ports.ts';

type ContainerState = Readonly<Record<string, { readonly reason?: string; readonly message?: string } | undefined>>;

/** The fields of a Pod that are read here. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string; readonly containers: readonly { readonly image: string }[] };
  readonly status: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly startTime?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly restartCount: number;
      readonly state?: ContainerState;
      readonly lastState?: ContainerState;
    }[];
  };
}

interface Node {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

interface PodMetrics {
  readonly metadata: Pod['metadata'];
  readonly containers: readonly { readonly usage: { readonly cpu: string; readonly memory: string } }[];
}

/** A pod as `make status` shows it. */
export interface PodStatus {
  readonly namespace: string;
  readonly name: string;
  /** undefined until it is scheduled. */
  readonly node: string | undefined;
  /** Whether it is a process of this machine; otherwise KWOK simulates it, or it has no node yet. */
  readonly real: boolean;
  /** Running, or why it does not run, as kubectl shows it. */
  readonly state: string;
  /** How many of its containers are ready. */
  readonly ready: number;
  readonly containers: number;
  readonly restarts: number;
  /** When it started, ISO 8601; undefined before that. */
  readonly startTime: string | undefined;
  readonly images: readonly string[];
  /** Why it was refused, or why containers that are not ready ended, in the node's words. */
  readonly messages: readonly string[];
  /** CPU in use, in thousandths of a core; undefined where it is not measured (yet). */
  readonly cpu: number | undefined;
  /** Memory in use in bytes; undefined where it is not measured (yet). */
  readonly memory: number | undefined;
}

const FACTORS: Readonly<Record<string, number>> = { n: 1e-9, u: 1e-6, m: 1e-3, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** A quantity as the metrics API writes it: 12345678n, 250m, 1024Ki. */
export function quantity(text: string): number {
  const [, digits = '', suffix = ''] = /^(\d+)(\D*)$/.exec(text) ?? [];
  return Number(digits) * (suffix === '' ? 1 : (FACTORS[suffix] ?? NaN));
}

function stateOf({ metadata, status }: Pod): string {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  for (const { state } of status.containerStatuses ?? []) {
    const reason = state?.waiting?.reason ?? state?.terminated?.reason;
    if (reason !== undefined) return reason;
  }
  const unscheduled = status.conditions?.find((condition) => condition.type === 'PodScheduled');
  return (
    status.reason ?? (unscheduled?.status === 'False' ? unscheduled.reason : undefined) ?? status.phase ?? 'Unknown'
  );
}

/** A back-off hides why a container ended; its last end says it, such as a port in use or too much memory. */
function messagesOf({ status }: Pod): string[] {
  const messages = [status.message];
  for (const { ready, state, lastState } of status.containerStatuses ?? [])
    if (!ready) messages.push(state?.terminated?.message ?? lastState?.terminated?.message);
  return messages.filter((message) => message !== undefined && message !== '') as string[];
}

/** What is shown of a pod. */
export function describePod(pod: Pod, machineNodes: ReadonlySet<string>, metrics: PodMetrics | undefined): PodStatus {
  const { metadata, spec, status } = pod;
  const statuses = status.containerStatuses ?? [];
  const total = (resource: 'cpu' | 'memory'): number | undefined =>
    metrics?.containers.reduce((sum, { usage }) => sum + quantity(usage[resource]), 0);
  const cpu = total('cpu');
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    node: spec.nodeName,
    real: machineNodes.has(spec.nodeName ?? ''),
    state: stateOf(pod),
    ready: statuses.filter(({ ready }) => ready).length,
    containers: spec.containers.length,
    restarts: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    startTime: status.startTime,
    images: spec.containers.map(({ image }) => image),
    messages: messagesOf(pod),
    cpu: cpu === undefined ? undefined : Math.round(cpu * 1000),
    memory: total('memory'),
  };
}

/** Every pod of the cluster, sorted by namespace and name; undefined while the API server does not answer. */
export async function readPods(instance: Instance, ports: Ports): Promise<PodStatus[] | undefined> {
  const port = ports['kube-apiserver'];
  const [pods, nodes, metrics] = await Promise.all([
    list<Pod>(instance, port, '/api/v1/pods'),
    list<Node>(instance, port, `/api/v1/nodes?labelSelector=${NODE_TYPE.label}%3D${NODE_TYPE.machine}`),
    list<PodMetrics>(instance, port, '/apis/metrics.k8s.io/v1beta1/pods'),
  ]);
  if (pods === undefined || nodes === undefined) return undefined;
  const machineNodes = new Set(nodes.map(({ metadata }) => metadata.name));
  const key = ({ namespace, name }: Pod['metadata']): string => `${namespace}/${name}`;
  const measured = new Map((metrics ?? []).map((each) => [key(each.metadata), each]));
  const described = pods.map((pod) => describePod(pod, machineNodes, measured.get(key(pod.metadata))));
  return described.sort((a, b) => `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`));
}

/** 45s, 12m, 3h, 2d: as kubectl shows an age, in one unit. */
export function age(startTime: string | undefined, now: number): string {
  if (startTime === undefined) return '-';
  const seconds = Math.max(0, Math.floor((now - Date.parse(startTime)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** The table that `make status` prints. */
export function podsTable(pods: readonly PodStatus[], now = Date.now()): string {
  const rows = pods.map((pod) => [
    pod.name,
    pod.node ?? '-',
    pod.node === undefined ? '-' : pod.real ? 'process' : 'simulated',
    `${pod.ready}/${pod.containers}`,
    pod.state,
    String(pod.restarts),
    age(pod.startTime, now),
    pod.cpu === undefined ? '-' : `${pod.cpu}m`,
    pod.memory === undefined ? '-' : `${Math.round(pod.memory / 2 ** 20)} MiB`,
    pod.images.map(shortImage).join(', '),
  ]);
  return table(['POD', 'NODE', 'RUNS AS', 'READY', 'STATE', 'RESTARTS', 'AGE', 'CPU', 'MEMORY', 'IMAGE'], rows);
}
