import { INSTANCE_TYPES, type InstanceType, instanceType } from './instance-types.ts';
import type { AwsClusterSettings } from './schema.ts';

/** The nodes of a cluster: those of its node group, and those that Karpenter has added. */
export interface NodeCount {
  readonly group: number;
  readonly added: number;
}

/**
 * The nodes that a cluster has: the least (nobody asks for more), on an ordinary day, and the most that it may have.
 * `make capacity` and `make cost` both count these. The node group is at its desired size in all three: only people
 * scale it.
 */
export const nodeCounts = ({
  nodeGroup: { desiredSize: group },
  nodePool,
}: Pick<AwsClusterSettings, 'nodeGroup' | 'nodePool'>): Readonly<Record<'least' | 'expected' | 'most', NodeCount>> => ({
  least: { group, added: 0 },
  expected: { group, added: nodePool?.expectedNodes ?? 0 },
  most: { group, added: nodePool === undefined ? 0 : mostNodes(nodePool.maxCpus, nodePool.instanceTypes) },
});

/** How many nodes have this many CPUs together, where each is of the type with the fewest. */
export const mostNodes = (maxCpus: number, types: readonly string[]): number =>
  Math.floor(maxCpus / Math.min(...types.map((type) => instanceType(type).cpus)));

/** The smallest type of those that Karpenter may add: what an added node has in any case. Undefined for unknown types. */
export function smallestType(names: readonly string[]): InstanceType | undefined {
  const types: InstanceType[] = [];
  for (const name of names) {
    const type = INSTANCE_TYPES[name];
    if (type !== undefined) types.push(type);
  }
  return types.sort((a, b) => a.cpus - b.cpus || a.memory - b.memory)[0];
}

/** Every instance type that a cluster's nodes may be of: the node group's, and those that Karpenter may add. */
export function instanceTypesOf({
  nodeGroup,
  nodePool,
}: Pick<AwsClusterSettings, 'nodeGroup' | 'nodePool'>): { readonly keys: readonly string[]; readonly name: string }[] {
  const added = (nodePool?.instanceTypes ?? []).map((name, index) => ({
    keys: ['nodePool', 'instanceTypes', String(index)],
    name,
  }));
  return [{ keys: ['nodeGroup', 'instanceType'], name: nodeGroup.instanceType }, ...added];
}
