import type { ClusterSettings } from '@gitops/settings';
import { INSTANCE_TYPES, type InstanceType } from '@gitops/settings/instance-types';
import { nodeCounts, smallestType } from '@gitops/settings/nodes';
import type { KubernetesObject } from '../kubernetes/object.ts';
import { mebibytes } from '../kubernetes/quantity.ts';
import { type Amount, minus, RESOURCES, sum } from './capacity/amount.ts';
import { allocatable, memoryWithout, type NodeOptions } from './capacity/nodes.ts';
import { type Node, place } from './capacity/placement.ts';
import { daemonRequests, type Pod, podsToPlace } from './capacity/pods.ts';
import type { Problem } from './problem.ts';

// Does a cluster hold its pods? On an ordinary day, every autoscaler at its minimum, on the nodes that are expected; and on
// the worst day, every autoscaler at its maximum, a rollout in progress and one zone lost, on the most nodes that there may
// be. Nodes are spread evenly over the zones, as an Auto Scaling group does it and as spread constraints make Karpenter do it.
// Those of the lost zone are not replaced: zones are lost in minutes, machines are scarce in the others just then, and
// Karpenter counts a node as its own until AWS says that it is gone.

type Outlook = keyof ReturnType<typeof nodeCounts>;

/** How a cluster holds its pods in one state. */
export interface Capacity {
  readonly cluster: string;
  /** Which of its nodes are there; see nodeCounts of packages/settings. */
  readonly nodes: Outlook;
  /** Undefined where all zones are there. */
  readonly lostZone: string | undefined;
  readonly nodesLeft: number;
  readonly asked: Amount;
  readonly have: Amount;
  /** The pods that find no place, by their owner, and what is short. */
  readonly homeless: readonly { readonly owner: string; readonly pods: number; readonly short: Partial<Amount> }[];
  /** yes; no; or only once Karpenter has added nodes, which takes a minute or two. */
  readonly holds: 'yes' | 'no' | 'later';
}

/**
 * What each state of a cluster is: ordinary pods on the least and on the expected nodes, and on those after the loss of
 * each zone in turn; all pods on the most nodes, and on those after the loss of each zone. Undefined for a cluster without node
 * groups, and for an unknown instance type.
 */
export function capacity(
  cluster: ClusterSettings,
  objects: readonly KubernetesObject[],
  options: NodeOptions = {},
): Capacity[] | undefined {
  if (cluster.provider !== 'aws') return undefined;
  const { nodeGroup, nodePool } = cluster;
  const type = INSTANCE_TYPES[nodeGroup.instanceType];
  const addedType = smallestType(nodePool?.instanceTypes ?? [nodeGroup.instanceType]);
  if (type === undefined || addedType === undefined) return undefined;
  const { zones } = cluster.network;
  const daemons = sum(daemonRequests(objects));
  const perNode = minus(allocatable(type, options), daemons);
  const perAdded = minus(allocatableOfAdded(addedType, objects, options), daemons);
  const counts = nodeCounts(cluster);

  const state = (nodes: Outlook, pods: readonly Pod[], lostZone?: string): Capacity => {
    const left: Node[] = [];
    const add = (count: number, name: string, free: Amount): void => {
      for (let index = 0; index < count; index += 1) {
        const zone = zones[index % zones.length] ?? '';
        if (zone !== lostZone)
          left.push({ zone, name: `${name}-${index + 1}`, isAdded: name === 'added', free, pods: [] });
      }
    };
    add(counts[nodes].group, 'node', perNode);
    add(counts[nodes].added, 'added', perAdded);
    const have = sum(left.map(({ free }) => free));
    const homeless = place(pods, left, perNode);
    const mayGrow = nodes !== 'most' && counts.most.added > counts[nodes].added;
    return {
      cluster: cluster.name,
      nodes,
      lostZone,
      nodesLeft: left.length,
      asked: sum(pods.map(({ asked }) => asked)),
      have,
      homeless: grouped(homeless, left),
      holds: homeless.length === 0 ? 'yes' : mayGrow ? 'later' : 'no',
    };
  };
  const ordinary = podsToPlace(objects, 'ordinary');
  const most = podsToPlace(objects, 'most');
  return [
    state('least', ordinary),
    state('expected', ordinary),
    ...zones.map((zone) => state('expected', ordinary, zone)),
    state('most', most),
    ...zones.map((zone) => state('most', most, zone)),
  ];
}

interface NodeClass {
  readonly kubelet?: { readonly maxPods?: number; readonly kubeReserved?: { readonly memory?: string } };
}

/** What pods can have of a node that Karpenter added: its class says for how many pods, and what is reserved. */
function allocatableOfAdded(type: InstanceType, objects: readonly KubernetesObject[], options: NodeOptions): Amount {
  const amount = allocatable(type, options);
  const { kubelet } = (objects.find(({ kind }) => kind === 'EC2NodeClass')?.spec ?? {}) as NodeClass;
  const reserved = kubelet?.kubeReserved?.memory;
  return {
    cpu: amount.cpu,
    memory: reserved === undefined ? amount.memory : memoryWithout(type, mebibytes(reserved)),
    pods: kubelet?.maxPods ?? amount.pods,
  };
}

/** The pods that cannot be scheduled, by owner, with what is short: on all nodes together, or on the best one. */
function grouped(homeless: readonly Pod[], nodes: readonly Node[]): Capacity['homeless'] {
  const free = sum(nodes.map((node) => node.free));
  return [...Map.groupBy(homeless, ({ owner }) => owner)].map(([owner, pods]) => {
    const missing = minus(sum(pods.map(({ asked }) => asked)), free);
    const short: Partial<Record<keyof Amount, number>> = {};
    for (const resource of RESOURCES) {
      const best = Math.max(0, ...nodes.map((node) => node.free[resource]));
      const lack = Math.max(missing[resource], (pods[0]?.asked[resource] ?? 0) - best);
      if (lack > 0) short[resource] = lack;
    }
    return { owner, pods: pods.length, short };
  });
}

/** Where a cluster does not hold its pods: on the worst day, for each zone that may be lost, or on an ordinary one. */
export function capacityProblems(
  cluster: ClusterSettings,
  objects: readonly KubernetesObject[],
  options: NodeOptions = {},
): Problem[] {
  if (cluster.provider !== 'aws') return [];
  const object = `clusters/${cluster.name}/cluster.yaml`;
  const capacities = capacity(cluster, objects, options);
  if (capacities === undefined) {
    const { instanceType } = cluster.nodeGroup;
    const known = Object.keys(INSTANCE_TYPES).join(', ');
    const next = `add it to packages/settings/src/instance-types.ts or take one of ${known}`;
    const rule = `unknown instance type; ${next} (it is ${instanceType})`;
    return [{ object, path: 'nodeGroup.instanceType', rule }];
  }
  const [expectedKey, mostKey] =
    cluster.nodePool === undefined
      ? ['nodeGroup.desiredSize', 'nodeGroup.desiredSize']
      : ['nodePool.expectedNodes', 'nodePool.maxCpus'];
  const worst = capacities.filter(({ nodes, lostZone }) => nodes === 'most' && lostZone !== undefined);
  const problems = worst.flatMap((one) => ruleOf(one).map((rule) => ({ object, path: mostKey, rule })));
  if (problems.length > 0) return problems;
  // What fits nowhere is reported once.
  const expected = capacities.filter(({ nodes, lostZone }) => nodes === 'expected' && lostZone === undefined);
  return expected.flatMap((one) => ruleOf(one).map((rule) => ({ object, path: expectedKey, rule })));
}

function ruleOf({ cluster, lostZone, nodesLeft, homeless }: Capacity): string[] {
  const where = lostZone === undefined ? 'on an ordinary day' : `without ${lostZone}`;
  return homeless.map(({ owner, pods, short }) => {
    const found = `${pods} pod${pods === 1 ? '' : 's'} of ${owner} cannot be scheduled`;
    return `${cluster} ${where} has ${nodesLeft} nodes, where ${found}: ${reasonOf(short)}`;
  });
}

function reasonOf({ cpu, memory, pods }: Partial<Amount>): string {
  const lacks: string[] = [];
  if (cpu !== undefined) lacks.push(`${cpu}m CPU`);
  if (memory !== undefined) lacks.push(`${Math.ceil(memory)} MiB memory`);
  if (pods !== undefined) lacks.push(`${pods} pod slots`);
  return lacks.length === 0
    ? 'no single node has room, or spread constraints and anti-affinity exclude those that do'
    : `short of ${lacks.join(' and ')}`;
}

export const CAPACITY_HEADER = [
  'CLUSTER',
  'NODES',
  'LOST ZONE',
  'NODES LEFT',
  'CPU ASKED',
  'CPU THERE',
  'MEMORY ASKED',
  'MEMORY THERE',
  'PODS',
  'WAITING',
  'HOLDS',
];

const HOLDS = { yes: 'yes', no: 'NO', later: 'with added nodes' };

/** One row for each state of a cluster. */
export const capacityTable = (
  cluster: ClusterSettings,
  objects: readonly KubernetesObject[],
  options: NodeOptions = {},
): string[][] =>
  (capacity(cluster, objects, options) ?? []).map(
    ({ cluster: name, nodes, lostZone, nodesLeft, asked, have, homeless, holds }) => [
      name,
      nodes,
      lostZone ?? '-',
      String(nodesLeft),
      `${asked.cpu}m`,
      `${have.cpu}m`,
      `${Math.ceil(asked.memory)} MiB`,
      `${Math.floor(have.memory)} MiB`,
      `${asked.pods} of ${have.pods}`,
      String(homeless.reduce((count, { pods }) => count + pods, 0)),
      HOLDS[holds],
    ],
  );

/** What the words of the table mean. */
export const CAPACITY_LEGEND = [
  'least: the node group alone; expected: an ordinary day, every autoscaler at its minimum; most: nodePool.maxCpus, with',
  'every autoscaler at its maximum and a rollout. `make cost` counts the same nodes. Added ones are taken for the smallest',
  'type of nodePool.instanceTypes. "with added nodes": the pods that wait run once Karpenter has bought nodes for them, a',
  'minute or two later; those of a lost zone are missed after five minutes.',
].join('\n');
