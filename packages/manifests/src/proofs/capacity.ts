import type { ClusterSettings } from '@gitops/settings';
import { INSTANCE_TYPES, type InstanceType, podsByAddresses, podsByPrefixes } from '@gitops/settings/instance-types';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { mebibytes, milliCpus } from '../kubernetes/quantity.ts';
import { type Labels, selects } from '../kubernetes/selector.ts';
import {
  autoscalerOf,
  type Container,
  namespaceOf,
  podLabelsOf,
  type PodSpec,
  podSpecOf,
  share,
  sidecarsOf,
  type SpreadConstraint,
  type Workload,
  workloads,
} from '../kubernetes/workload.ts';
import type { Problem } from './problem.ts';

// Does a node group hold its pods on the worst day: every autoscaler at its maximum, a rollout under way, and one zone
// lost? The group is at its maxSize, spread evenly over the zones as an Auto Scaling group does it, and what the lost
// zone had is not replaced: zones are lost in minutes, and machines are short in the others just then.

/** What pods ask for and nodes have: CPUs in thousandths, memory in MiB, and a number of pods. */
export interface Amount {
  readonly cpu: number;
  readonly memory: number;
  readonly pods: number;
}

export interface NodeOptions {
  /** Whether the CNI gives pods addresses from /28 prefixes, so that more of them fit on a node. */
  readonly prefixDelegation?: boolean;
  /**
   * The number of pods that the node's memory reservation is made for. nodeadm takes that of its network interfaces,
   * and a maxPods that is set afterwards, as managed node groups do, does not change it; `all` reserves for the real
   * number.
   */
  readonly reservedFor?: 'interfaces' | 'all';
}

const zero: Amount = { cpu: 0, memory: 0, pods: 0 };
const plus = (a: Amount, b: Amount): Amount => ({
  cpu: a.cpu + b.cpu,
  memory: a.memory + b.memory,
  pods: a.pods + b.pods,
});
const minus = (a: Amount, b: Amount): Amount => ({
  cpu: a.cpu - b.cpu,
  memory: a.memory - b.memory,
  pods: a.pods - b.pods,
});
const times = (a: Amount, factor: number): Amount => ({
  cpu: a.cpu * factor,
  memory: a.memory * factor,
  pods: a.pods * factor,
});
const sum = (amounts: readonly Amount[]): Amount => amounts.reduce(plus, zero);
const fits = (asked: Amount, free: Amount): boolean =>
  asked.cpu <= free.cpu && asked.memory <= free.memory && asked.pods <= free.pods;

/** What an add-on of EKS runs. */
interface Addon {
  /** What its DaemonSet asks for on every node. */
  readonly onEachNode?: Amount;
  /** Its pods elsewhere. */
  readonly pods?: { readonly name: string; readonly count: number; readonly asked: Amount };
}

/**
 * The add-ons that the platform installs, by their names in EKS, and what they ask for by their charts (2026-11):
 * aws-node 25m for itself and 25m for the network policy agent; the EBS CSI driver 10m and 40 MiB for each container,
 * three of them on a node and six in its controller. A test of the platform compares the names with those of its
 * stacks.
 */
export const EKS_ADDONS: Readonly<Record<string, Addon>> = {
  'vpc-cni': { onEachNode: { cpu: 50, memory: 0, pods: 1 } },
  'kube-proxy': { onEachNode: { cpu: 100, memory: 0, pods: 1 } },
  'eks-pod-identity-agent': { onEachNode: { cpu: 0, memory: 0, pods: 1 } },
  'eks-node-monitoring-agent': { onEachNode: { cpu: 10, memory: 30, pods: 1 } },
  coredns: { pods: { name: 'coredns', count: 2, asked: { cpu: 100, memory: 70, pods: 1 } } },
  'aws-ebs-csi-driver': {
    onEachNode: { cpu: 30, memory: 120, pods: 1 },
    pods: { name: 'ebs-csi-controller', count: 2, asked: { cpu: 60, memory: 240, pods: 1 } },
  },
};

// Karpenter's default, VM_MEMORY_OVERHEAD_PERCENT: what kernel and hypervisor keep of the memory that AWS names. A
// t3.medium reports some 3850 MiB in place of 4096, which is a little more than this leaves.
const MEMORY_OVERHEAD = 0.075;
// nodeadm/internal/kubelet/config.go of awslabs/amazon-eks-ami at 81fec2e: eviction, kube-reserved memory and CPU.
const EVICTION = 100;
const reservedMemory = (pods: number): number => 255 + 11 * pods;
const CPU_RESERVATION = [
  { upTo: 1000, share: 0.06 },
  { upTo: 2000, share: 0.01 },
  { upTo: 4000, share: 0.005 },
  { upTo: Infinity, share: 0.0025 },
];

/** What pods can have of a node, before any of them runs. */
export function allocatable(
  type: Omit<InstanceType, 'architecture'>,
  { prefixDelegation = true, reservedFor = 'interfaces' }: NodeOptions = {},
): Amount {
  const byInterfaces = podsByAddresses(type);
  const pods = prefixDelegation ? podsByPrefixes(type) : byInterfaces;
  const cpu = type.cpus * 1000;
  const reservedCpu = CPU_RESERVATION.reduce(
    (reserved, { upTo, share: part }, index) =>
      reserved + Math.floor(Math.max(0, Math.min(cpu, upTo) - (CPU_RESERVATION[index - 1]?.upTo ?? 0)) * part),
    0,
  );
  const memory =
    Math.floor(type.memory * (1 - MEMORY_OVERHEAD)) -
    reservedMemory(reservedFor === 'interfaces' ? byInterfaces : pods) -
    EVICTION;
  return { cpu: cpu - reservedCpu, memory, pods };
}

/**
 * What the scheduler counts for a pod: its containers and sidecars, or a greedier init container (Kubernetes, "Sidecar
 * containers").
 */
export function podRequest(spec: PodSpec): Amount {
  const ask = ({ resources: { requests, limits } = {} }: Container): Amount => ({
    cpu: milliCpus(requests?.cpu ?? limits?.cpu),
    memory: mebibytes(requests?.memory ?? limits?.memory),
    pods: 0,
  });
  const running = sum([...(spec.containers ?? []), ...sidecarsOf(spec)].map(ask));
  let sidecars = zero;
  let starting = zero;
  for (const container of spec.initContainers ?? []) {
    const asked = plus(ask(container), sidecars);
    if (container.restartPolicy === 'Always') sidecars = asked;
    starting = { cpu: Math.max(starting.cpu, asked.cpu), memory: Math.max(starting.memory, asked.memory), pods: 0 };
  }
  const overhead = { cpu: milliCpus(spec.overhead?.cpu), memory: mebibytes(spec.overhead?.memory), pods: 1 };
  return plus(
    { cpu: Math.max(running.cpu, starting.cpu), memory: Math.max(running.memory, starting.memory), pods: 0 },
    overhead,
  );
}

interface Pod {
  readonly owner: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly spec: PodSpec;
  readonly asked: Amount;
}

interface Node {
  readonly zone: string;
  readonly name: string;
  free: Amount;
  readonly pods: Pod[];
}

/**
 * The most pods that a workload has at once: the autoscaler's maximum, or its replicas, and what a rollout adds to
 * them.
 */
function podsOf(workload: Workload, objects: readonly KubernetesObject[]): Pod[] {
  const spec = podSpecOf(workload);
  const autoscaler = autoscalerOf(workload, objects);
  const replicas = autoscaler?.spec?.maxReplicas ?? workload.spec?.replicas ?? 1;
  const { type = 'RollingUpdate', rollingUpdate } = workload.spec?.strategy ?? {};
  const surge =
    workload.kind === 'Deployment' && type === 'RollingUpdate'
      ? share(rollingUpdate?.maxSurge ?? '25%', replicas, 'up')
      : 0;
  const pod = (revision: string): Pod => ({
    owner: nameOf(workload),
    namespace: namespaceOf(workload),
    labels: { ...podLabelsOf(workload), 'pod-template-hash': revision },
    spec,
    asked: podRequest(spec),
  });
  // During a rollout the new pods are of another ReplicaSet, which spread constraints may tell apart.
  return [
    ...Array.from({ length: replicas }, () => pod('present')),
    ...Array.from({ length: surge }, () => pod('next')),
  ];
}

/** Jobs, and what CronJobs start, each as often as it may run side by side. */
function jobPods(objects: readonly KubernetesObject[]): Pod[] {
  interface JobSpec {
    readonly parallelism?: number;
    readonly template?: { readonly metadata?: { readonly labels?: Labels }; readonly spec?: PodSpec };
  }
  return objects.flatMap((object) => {
    if (!object.apiVersion.startsWith('batch/')) return [];
    const spec = (
      object.kind === 'CronJob'
        ? (object.spec as { jobTemplate?: { spec?: JobSpec } } | undefined)?.jobTemplate?.spec
        : object.spec
    ) as JobSpec | undefined;
    const podSpec = spec?.template?.spec ?? {};
    return Array.from({ length: spec?.parallelism ?? 1 }, () => ({
      owner: nameOf(object),
      namespace: namespaceOf(object),
      labels: spec?.template?.metadata?.labels ?? {},
      spec: podSpec,
      asked: podRequest(podSpec),
    }));
  });
}

const ZONE = 'topology.kubernetes.io/zone';
const domainOf = (node: Node, topologyKey: string): string | undefined =>
  topologyKey === ZONE ? node.zone : topologyKey === 'kubernetes.io/hostname' ? node.name : undefined;

/** Whether a pod may come to a node as far as the other pods' places are concerned. */
function mayStand(pod: Pod, node: Node, nodes: readonly Node[]): boolean {
  const standing = (topologyKey: string, domain: string | undefined, chosen: (other: Pod) => boolean): number =>
    nodes
      .filter((other) => domainOf(other, topologyKey) === domain)
      .reduce(
        (count, { pods }) => count + pods.filter((other) => other.namespace === pod.namespace && chosen(other)).length,
        0,
      );

  const spreads = (constraint: SpreadConstraint): boolean => {
    if (constraint.whenUnsatisfiable === 'ScheduleAnyway') return true;
    const domain = domainOf(node, constraint.topologyKey);
    if (domain === undefined) return false;
    const chosen = (other: Pod): boolean =>
      constraint.labelSelector !== undefined &&
      selects(constraint.labelSelector, other.labels) &&
      (constraint.matchLabelKeys ?? []).every((key) => other.labels[key] === pod.labels[key]);
    // A lost zone has no nodes and is no domain any more, so that it does not hold the others back.
    const domains = [...new Set(nodes.flatMap((other) => domainOf(other, constraint.topologyKey) ?? []))];
    const least =
      domains.length < (constraint.minDomains ?? 1)
        ? 0
        : Math.min(...domains.map((other) => standing(constraint.topologyKey, other, chosen)));
    return (
      standing(constraint.topologyKey, domain, chosen) + (chosen(pod) ? 1 : 0) - least <= (constraint.maxSkew ?? 1)
    );
  };
  const apart = (pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).every(
    ({ topologyKey, labelSelector }) =>
      labelSelector === undefined ||
      standing(topologyKey, domainOf(node, topologyKey), (other) => selects(labelSelector, other.labels)) === 0,
  );
  return apart && (pod.spec.topologySpreadConstraints ?? []).every(spreads);
}

/**
 * First-fit decreasing: the largest pods first, each on the first node that takes it. Returns those that no node takes.
 */
function place(pods: readonly Pod[], nodes: readonly Node[], whole: Amount): Pod[] {
  const weight = ({ asked }: Pod): number => Math.max(asked.cpu / whole.cpu, asked.memory / whole.memory);
  return [...pods]
    .sort((a, b) => weight(b) - weight(a))
    .filter((pod) => {
      const node = nodes.find((candidate) => fits(pod.asked, candidate.free) && mayStand(pod, candidate, nodes));
      if (node === undefined) return true;
      node.free = minus(node.free, pod.asked);
      node.pods.push(pod);
      return false;
    });
}

/** How a cluster stands after the loss of one zone. */
export interface Capacity {
  readonly cluster: string;
  readonly lostZone: string;
  readonly nodesLeft: number;
  readonly asked: Amount;
  readonly have: Amount;
  /** The pods that find no place, by their owner, and what keeps them out. */
  readonly homeless: readonly { readonly owner: string; readonly pods: number; readonly short: Partial<Amount> }[];
}

/**
 * The capacity after the loss of each zone in turn; undefined for a cluster without node groups, and for an unknown
 * instance type.
 */
export function capacity(
  cluster: ClusterSettings,
  objects: readonly KubernetesObject[],
  options: NodeOptions = {},
): Capacity[] | undefined {
  if (cluster.provider !== 'aws') return undefined;
  const type = INSTANCE_TYPES[cluster.nodeGroup.instanceType];
  if (type === undefined) return undefined;
  const { zones } = cluster.network;
  const all = workloads(objects);
  const addons = Object.values(EKS_ADDONS);
  const daemons = [
    ...all.filter(({ kind }) => kind === 'DaemonSet').map((workload) => podRequest(podSpecOf(workload))),
    ...addons.flatMap(({ onEachNode = [] }) => onEachNode),
  ];
  const perNode = minus(allocatable(type, options), sum(daemons));
  const addonPods = addons.flatMap(({ pods: of }) =>
    of === undefined
      ? []
      : Array.from({ length: of.count }, (): Pod => ({
          owner: of.name,
          namespace: 'kube-system',
          labels: {},
          spec: {},
          asked: of.asked,
        })),
  );
  const pods = [
    ...addonPods,
    ...all.filter(({ kind }) => kind !== 'DaemonSet').flatMap((workload) => podsOf(workload, objects)),
    ...jobPods(objects),
  ];

  return zones.map((lostZone) => {
    const nodes = Array.from({ length: cluster.nodeGroup.maxSize }, (_, index) => ({
      zone: zones[index % zones.length] ?? '',
      name: `node-${index + 1}`,
      free: perNode,
      pods: [] as Pod[],
    })).filter(({ zone }) => zone !== lostZone);
    const homeless = place(pods, nodes, perNode);
    return {
      cluster: cluster.name,
      lostZone,
      nodesLeft: nodes.length,
      asked: sum(pods.map(({ asked }) => asked)),
      have: times(perNode, nodes.length),
      homeless: grouped(homeless, nodes),
    };
  });
}

const RESOURCES = ['cpu', 'memory', 'pods'] as const;

/** The pods without a place by owner, with what lacks: in all of the nodes together, or on the best of them. */
function grouped(homeless: readonly Pod[], nodes: readonly Node[]): Capacity['homeless'] {
  return [...Map.groupBy(homeless, ({ owner }) => owner)].map(([owner, pods]) => {
    const missing = minus(sum(pods.map(({ asked }) => asked)), sum(nodes.map(({ free }) => free)));
    const [first] = pods;
    const short = RESOURCES.flatMap((resource) => {
      const best = Math.max(0, ...nodes.map(({ free }) => free[resource]));
      const lacks = Math.max(missing[resource], (first?.asked[resource] ?? 0) - best);
      return lacks > 0 ? [[resource, lacks] as const] : [];
    });
    return { owner, pods: pods.length, short: Object.fromEntries(short) };
  });
}

const show = {
  cpu: (amount: number) => `${amount}m CPU`,
  memory: (amount: number) => `${Math.ceil(amount)} MiB memory`,
  pods: (amount: number) => `${amount} pod places`,
} as const;

/** Where a cluster does not hold its pods, for each zone that may be lost. */
export function capacityProblems(
  cluster: ClusterSettings,
  objects: readonly KubernetesObject[],
  options: NodeOptions = {},
): Problem[] {
  if (cluster.provider !== 'aws') return [];
  const object = `clusters/${cluster.name}/cluster.yaml`;
  const capacities = capacity(cluster, objects, options);
  if (capacities === undefined) {
    return [
      {
        object,
        path: 'nodeGroup.instanceType',
        rule: `is no type whose size is known; add it to packages/settings/src/instance-types.ts or take one of ${Object.keys(INSTANCE_TYPES).join(', ')} (it is ${cluster.nodeGroup.instanceType})`,
      },
    ];
  }
  return capacities.flatMap(({ lostZone, nodesLeft, homeless }) =>
    homeless.map(({ owner, pods, short }) => {
      const lacks = RESOURCES.flatMap((resource) =>
        short[resource] === undefined ? [] : [show[resource](short[resource])],
      ).join(' and ');
      const why =
        lacks === ''
          ? 'no single node has room, or spread constraints and anti-affinity forbid those that have'
          : `short of ${lacks}`;
      return {
        object,
        path: 'nodeGroup.maxSize',
        rule: `${cluster.name} without ${lostZone} has ${nodesLeft} nodes, which leave ${pods} pod${pods === 1 ? '' : 's'} of ${owner} without a place: ${why}`,
      };
    }),
  );
}

export const CAPACITY_HEADER = [
  'CLUSTER',
  'LOST ZONE',
  'NODES LEFT',
  'CPU ASKED',
  'CPU THERE',
  'MEMORY ASKED',
  'MEMORY THERE',
  'PODS',
  'HOLDS',
];

/** One row for each zone that a cluster may lose. */
export const capacityTable = (
  cluster: ClusterSettings,
  objects: readonly KubernetesObject[],
  options: NodeOptions = {},
): string[][] =>
  (capacity(cluster, objects, options) ?? []).map(({ cluster: name, lostZone, nodesLeft, asked, have, homeless }) => [
    name,
    lostZone,
    String(nodesLeft),
    `${asked.cpu}m`,
    `${have.cpu}m`,
    `${Math.ceil(asked.memory)} MiB`,
    `${Math.floor(have.memory)} MiB`,
    `${asked.pods} of ${have.pods}`,
    homeless.length === 0 ? 'yes' : 'NO',
  ]);
