import { blocking, type Change } from './changes.ts';

/** How much a reviewer should look at a change, the riskiest first. */
export const RISKS = [
  { id: 'data-lost', title: 'removed, with its data or with other objects' },
  { id: 'application-deleted', title: 'Applications deleted, with all that they deploy' },
  { id: 'immutable', title: 'immutable fields: the sync fails' },
  { id: 'not-permitted', title: 'refused by Argo CD: nothing of the Application is applied' },
  { id: 'subnet-replaced', title: 'subnets replaced, with all that is in them' },
  { id: 'load-balancer-replaced', title: 'load balancers replaced' },
  { id: 'out-of-order', title: 'versions of Argo CD before their turn' },
  { id: 'removed', title: 'removed' },
  { id: 'replicas-to-zero', title: 'replicas to zero' },
  { id: 'image', title: 'images changed' },
  { id: 'replicas-handover', title: 'replicas with another owner' },
  { id: 'pod-restart', title: 'pods restarted' },
  { id: 'change', title: 'created, or changed in place' },
] as const;

export type Risk = (typeof RISKS)[number]['id'];

/** The risk of a change. */
export function riskOf(change: Change): Risk {
  const { kind, path, after } = change;
  if (kind === 'removed') return blocking(change) ? 'data-lost' : 'removed';
  if (blocking(change)) return kind;
  if (/^spec\.(replicas|minReplicas|maxReplicas)$/.test(path) && after === 0) return 'replicas-to-zero';
  if (/\.(initContainers|containers|ephemeralContainers)\[[^\]]*\]\.image$/.test(path)) return 'image';
  return kind;
}

/** 0 for the riskiest. */
export const rankOf = (change: Change): number => RISKS.findIndex(({ id }) => id === riskOf(change));
