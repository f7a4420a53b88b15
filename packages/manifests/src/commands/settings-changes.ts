import type { ClusterSettings } from '@gitops/settings';
import { type Subnet, subnetPlan } from '@gitops/settings/network';
import type { Change } from '../kubernetes/changes.ts';
import { fieldChanges, isWithin, pathOf } from '../kubernetes/changes/fields.ts';

/** Settings that Argo CD reads from Git itself; their effect is that of the objects that they change. */
const BY_MERGE = ['freezes'];

/**
 * What `make apply` makes of changed settings of a cluster: of the subnets by the plan of packages/settings, and of all
 * else that CDKTF decides. A new cluster is no change.
 */
export function settingsChanges(before: ClusterSettings | undefined, after: ClusterSettings): Change[] {
  if (before === undefined) return [];
  const changes: Change[] = [];
  for (const { keys, before: was, after: is } of fieldChanges(before, after)) {
    const path = pathOf(keys);
    if (BY_MERGE.some((key) => isWithin(path, key))) continue;
    changes.push({
      ...{ object: `Cluster/${after.name}`, path, before: was, after: is, kind: 'change', effect: 'waits' },
      consequence: after.provider === 'aws' ? 'is applied by CDKTF; `make plan` shows how' : 'is applied',
    });
  }
  return [...subnetChanges(before, after), ...changes];
}

function subnetChanges(before: ClusterSettings, after: ClusterSettings): Change[] {
  if (before.provider !== 'aws' || after.provider !== 'aws') return [];
  const plan = new Map(subnetPlan(after.network).map((subnet) => [nameOf(subnet), subnet.cidr]));
  const changes: Change[] = [];
  for (const subnet of subnetPlan(before.network)) {
    const cidr = plan.get(nameOf(subnet));
    if (cidr === subnet.cidr) continue;
    changes.push({
      ...{ object: `Subnet/${nameOf(subnet)}`, path: 'cidr', before: subnet.cidr, after: cidr },
      ...{ kind: 'subnet-replaced', effect: cidr === undefined ? 'deleted' : 'recreated' },
      consequence: `the subnet is deleted${cidr === undefined ? '' : ' and created anew'}: AWS moves none, and refuses while nodes, load balancers or gateways are in it`,
    });
  }
  return changes;
}

const nameOf = ({ tier, zone }: Pick<Subnet, 'tier' | 'zone'>): string => `${tier}-${zone}`;
