import type { LocalClusterSettings } from '@gitops/settings';

/** A node of a local cluster; each is in a zone of its own. */
export interface LocalNode {
  readonly name: string;
  readonly zone: string;
}

function numbered(prefix: string, count: number): LocalNode[] {
  const nodes: LocalNode[] = [];
  for (let index = 0; index < count; index += 1) {
    const letter = String.fromCharCode('a'.charCodeAt(0) + index);
    nodes.push({ name: `${prefix}-${letter}`, zone: `local-${letter}` });
  }
  return nodes;
}

/** The label of nodes whose pods are processes of this machine, and of those that KWOK simulates. */
export const NODE_TYPE = { label: 'type', machine: 'process', simulated: 'kwok' } as const;

/** The variable that makes every pod a simulated one. Drills of Argo CD set it: their rollouts then take no time. */
const SIMULATED = 'PLATFORM_LOCAL_SIMULATED';
const isAllSimulated = (): boolean => (process.env[SIMULATED] ?? '') !== '';

/**
 * The nodes of this machine, whose pods are processes. None where the operating system is not Linux, or where
 * PLATFORM_LOCAL_SIMULATED is set.
 * @param platform as `process.platform` names it
 */
export const machineNodes = (
  { nodes }: Pick<LocalClusterSettings, 'nodes'>,
  platform: string = process.platform,
): LocalNode[] => numbered('machine', platform === 'linux' && !isAllSimulated() ? nodes : 0);

/** Why every pod is simulated; undefined where the machine has nodes of its own. */
export function whyAllSimulated(
  { nodes, name }: Pick<LocalClusterSettings, 'nodes' | 'name'>,
  platform: string = process.platform,
): string | undefined {
  const consequence = 'all pods are simulated, and the service does not answer';
  if (platform !== 'linux') return `pods run as processes on Linux only (this is ${platform}): ${consequence}`;
  if (isAllSimulated()) return `${SIMULATED} is set: ${consequence}`;
  return nodes === 0 ? `clusters/${name}/cluster.yaml has \`nodes: 0\`: ${consequence}` : undefined;
}

/** The nodes that KWOK simulates. */
export const simulatedNodes = ({ simulatedNodes: count }: LocalClusterSettings): LocalNode[] =>
  numbered('simulated', count);
