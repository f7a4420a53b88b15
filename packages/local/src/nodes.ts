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

/** The nodes of this machine, whose pods are processes. None where the operating system is not Linux. */
export const machineNodes = ({ nodes }: LocalClusterSettings): LocalNode[] =>
  numbered('machine', process.platform === 'linux' ? nodes : 0);

/** The nodes that KWOK simulates. */
export const simulatedNodes = ({ simulatedNodes: count }: LocalClusterSettings): LocalNode[] =>
  numbered('simulated', count);
