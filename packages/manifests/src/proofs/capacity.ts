import type { ClusterSettings } from '@gitops/settings';
import { INSTANCE_TYPES } from '@gitops/settings/instance-types';
import type { KubernetesObject } from '../kubernetes/object.ts';
import { type Amount, minus, RESOURCES, sum, times } from './capacity/amount.ts';
import { allocatable, type NodeOptions } from './capacity/nodes.ts';
import { type Node, place } from './capacity/placement.ts';
import { daemonRequests, type Pod, podsToPlace } from './capacity/pods.ts';
import type { Problem } from './problem.ts';

// Does a node group hold its pods on the worst day: every autoscaler at its maximum, a rollout in progress, and one
// zone lost? The group is at its maxSize, spread evenly over the zones as an Auto Scaling group does it, and the nodes
// of the lost zone are not replaced: zones are lost in minutes, and machines are scarce in the others just then.

/** The state of a cluster after the loss of one zone. */
export interface Capacity {
  readonly cluster: string;
  readonly lostZone: string;
  readonly nodesLeft: number;
  readonly asked: Amount;
  readonly have: Amount;
  /** The pods that find no place, by their owner, and what is short. */
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
  const perNode = minus(allocatable(type, options), sum(daemonRequests(objects)));
  const pods = podsToPlace(objects);
  return zones.map((lostZone) => {
    const nodes: Node[] = [];
    for (let index = 0; index < cluster.nodeGroup.maxSize; index += 1) {
      const zone = zones[index % zones.length] ?? '';
      if (zone !== lostZone) nodes.push({ zone, name: `node-${index + 1}`, free: perNode, pods: [] });
    }
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
    const { instanceType } = cluster.nodeGroup;
    const known = Object.keys(INSTANCE_TYPES).join(', ');
    const next = `add it to packages/settings/src/instance-types.ts or take one of ${known}`;
    const rule = `unknown instance type; ${next} (it is ${instanceType})`;
    return [{ object, path: 'nodeGroup.instanceType', rule }];
  }
  const problems: Problem[] = [];
  for (const { lostZone, nodesLeft, homeless } of capacities) {
    const left = `${cluster.name} without ${lostZone} has ${nodesLeft} nodes`;
    for (const { owner, pods, short } of homeless) {
      const found = `${pods} pod${pods === 1 ? '' : 's'} of ${owner} cannot be scheduled`;
      problems.push({ object, path: 'nodeGroup.maxSize', rule: `${left}, where ${found}: ${reasonOf(short)}` });
    }
  }
  return problems;
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
