import type { AwsClusterSettings } from '@gitops/settings';
import { instanceType } from '@gitops/settings/instance-types';
import { instanceTypesOf } from '@gitops/settings/nodes';
import { nameOf } from '../../kubernetes/object.ts';
import { podOwners, type PodSpec, podSpecOf, type Workload } from '../../kubernetes/workload.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { placed, renderedOnly } from '../../render/rendered.ts';
import { oncePerPlace, textProblem } from '../origin.ts';
import type { ProofContext } from '../proof.ts';

/** Pods that ask for a label that no node of the cluster has: they stay Pending. */
export function impossibleNodes(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    if (entry.cluster.provider !== 'aws') continue;
    const labels = nodeLabels(entry.cluster);
    for (const workload of podOwners(placed(entry))) found.push(...problemsOf(root, entry, workload, labels));
  }
  return oncePerPlace(found);
}

type Labels = ReadonlyMap<string, readonly string[]>;

function problemsOf(root: string, entry: FleetApplication, workload: Workload, labels: Labels): string[] {
  const found: string[] = [];
  for (const { path, key, values } of requirementsOf(podSpecOf(workload))) {
    const rule = requirementRule(labels, key, values);
    if (rule === undefined) continue;
    const problem = { object: nameOf(workload), path: `spec.template.spec.${path}`, rule };
    const options = { seen: `(it is ${values.join(', ')})`, ...(path.startsWith('nodeSelector') && { key }) };
    found.push(textProblem(root, entry, problem, values[0] ?? '', options));
  }
  return found;
}

/** A label that a node must have, with one of some values. */
interface Requirement {
  readonly path: string;
  readonly key: string;
  readonly values: readonly string[];
}

/** What a pod asks of its node. Of several terms one is enough, so that only a single one is required. */
function requirementsOf({ nodeSelector = {}, affinity }: PodSpec): Requirement[] {
  const found: Requirement[] = [];
  for (const [key, value] of Object.entries(nodeSelector))
    found.push({ path: `nodeSelector[${key}]`, key, values: [value] });
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length !== 1) return found;
  for (const { key, operator, values = [] } of terms[0]?.matchExpressions ?? [])
    if (operator === 'In') found.push({ path: `affinity.nodeAffinity[${key}]`, key, values });
  return found;
}

/** The labels that nodes of a cluster have, those of the node group and those that Karpenter adds, each with its values. */
function nodeLabels(cluster: AwsClusterSettings): Labels {
  const { name, region, network, nodeGroup, nodePool } = cluster;
  const types = instanceTypesOf(cluster).map((type) => type.name);
  const labels = new Map<string, readonly string[]>([
    ['kubernetes.io/os', ['linux']],
    ['kubernetes.io/arch', unique(types.map((type) => instanceType(type).architecture))],
    ['node.kubernetes.io/instance-type', unique(types)],
    ['topology.kubernetes.io/region', [region]],
    ['topology.kubernetes.io/zone', network.zones],
    // Of managed node groups (EKS user guide, "Managed node group capacity types").
    ['eks.amazonaws.com/capacityType', [nodeGroup.capacityType === 'spot' ? 'SPOT' : 'ON_DEMAND']],
    ['eks.amazonaws.com/nodegroup', [name]],
  ]);
  if (nodePool === undefined) return labels;
  // Karpenter, "NodePools", Well-known labels. The pool's name is that of argocd/node-pool.
  return labels.set('karpenter.sh/capacity-type', nodePool.capacityTypes).set('karpenter.sh/nodepool', ['default']);
}

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)];

function requirementRule(labels: Labels, key: string, wanted: readonly string[]): string | undefined {
  const values = labels.get(key);
  if (values === undefined) return `no node of the cluster has the label ${key}`;
  if (wanted.some((value) => values.includes(value))) return undefined;
  return `must be ${values.join(' or ')}, which the nodes of the cluster have for ${key}`;
}
