import { selects } from '../../kubernetes/selector.ts';
import type { SpreadConstraint } from '../../kubernetes/workload.ts';
import { type Amount, fits, minus } from './amount.ts';
import type { Pod } from './pods.ts';

export interface Node {
  /** Whether Karpenter added it. */
  readonly isAdded?: boolean;
  readonly zone: string;
  readonly name: string;
  free: Amount;
  readonly pods: Pod[];
}

/** The label of a node that Karpenter added. */
const ADDED = 'karpenter.sh/nodepool';

/** Whether a pod keeps away from nodes that Karpenter added, as its own pods do. */
const avoidsAdded = ({ spec: { affinity } }: Pod): boolean =>
  (affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).some(
    ({ matchExpressions = [] }) =>
      matchExpressions.some(({ key, operator }) => key === ADDED && operator === 'DoesNotExist'),
  );

/**
 * First-fit decreasing: the largest pods first, each on the first node that takes it; before them those that only some
 * nodes may run. Returns those that find none.
 */
export function place(pods: readonly Pod[], nodes: readonly Node[], whole: Amount): Pod[] {
  const weight = ({ asked }: Pod): number => Math.max(asked.cpu / whole.cpu, asked.memory / whole.memory);
  const homeless: Pod[] = [];
  const first = (pod: Pod): number => (avoidsAdded(pod) ? 1 : 0);
  for (const pod of [...pods].sort((a, b) => first(b) - first(a) || weight(b) - weight(a))) {
    const node = nodes.find((candidate) => fits(pod.asked, candidate.free) && isAllowed(pod, candidate, nodes));
    if (node === undefined) homeless.push(pod);
    else {
      node.free = minus(node.free, pod.asked);
      node.pods.push(pod);
    }
  }
  return homeless;
}

/** Whether anti-affinity and spread constraints allow a pod on a node, given the pods that are placed already. */
function isAllowed(pod: Pod, node: Node, nodes: readonly Node[]): boolean {
  if (node.isAdded === true && avoidsAdded(pod)) return false;
  const { affinity, topologySpreadConstraints = [] } = pod.spec;
  for (const { topologyKey, labelSelector } of affinity?.podAntiAffinity
    ?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (labelSelector === undefined) continue;
    const isAvoided = (other: Pod): boolean => selects(labelSelector, other.labels);
    if (countIn(nodes, topologyKey, domainOf(node, topologyKey), pod.namespace, isAvoided) > 0) return false;
  }
  return topologySpreadConstraints.every((constraint) => isSpread(pod, node, nodes, constraint));
}

function isSpread(pod: Pod, node: Node, nodes: readonly Node[], constraint: SpreadConstraint): boolean {
  const { topologyKey, labelSelector, matchLabelKeys = [], minDomains = 1, maxSkew = 1 } = constraint;
  if (constraint.whenUnsatisfiable === 'ScheduleAnyway') return true;
  const domain = domainOf(node, topologyKey);
  if (domain === undefined) return false;
  const isCounted = (other: Pod): boolean =>
    labelSelector !== undefined &&
    selects(labelSelector, other.labels) &&
    matchLabelKeys.every((key) => other.labels[key] === pod.labels[key]);
  const count = (of: string): number => countIn(nodes, topologyKey, of, pod.namespace, isCounted);
  // A lost zone has no nodes and is no domain any more, so that it does not hold the others back.
  const domains = new Set<string>();
  for (const other of nodes) domains.add(domainOf(other, topologyKey) ?? domain);
  const least = domains.size < minDomains ? 0 : Math.min(...[...domains].map(count));
  return count(domain) + (isCounted(pod) ? 1 : 0) - least <= maxSkew;
}

/** The domain of a node, for the two keys that are known here: zone and node. */
function domainOf(node: Node, topologyKey: string): string | undefined {
  if (topologyKey === 'topology.kubernetes.io/zone') return node.zone;
  return topologyKey === 'kubernetes.io/hostname' ? node.name : undefined;
}

/** How many pods of a namespace are in a domain, of those that are counted. */
function countIn(
  nodes: readonly Node[],
  topologyKey: string,
  domain: string | undefined,
  namespace: string,
  isCounted: (pod: Pod) => boolean,
): number {
  let count = 0;
  for (const node of nodes) {
    if (domainOf(node, topologyKey) !== domain) continue;
    for (const pod of node.pods) if (pod.namespace === namespace && isCounted(pod)) count += 1;
  }
  return count;
}
