import type { FleetApplication } from '../render/fleet.ts';
import { applicationProblem } from './location.ts';
import type { ProofContext } from './proof.ts';

/** The projects of services, which on-call rolls back. */
const OF_SERVICES = ['services'];
/** Of other Applications a failed sync may be tried without end: they are set up before what they need is there. */
const ENDLESS = -1;
const FEWEST = 3;
const LONGEST_PAUSE = '1m';

interface SyncPolicy {
  readonly automated?: object;
  readonly retry?: {
    readonly limit?: number;
    readonly refresh?: boolean;
    readonly backoff?: { readonly maxDuration?: string };
  };
}

/**
 * Applications that are not tried again as they should be. Argo CD gives up on a commit after the last retry, and self-heal ends
 * with that (docs/decisions/failed-syncs.md); without a limit, the sync of a service would run on and Argo CD would refuse
 * its rollback.
 */
export function wrongRetries(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found = new Set<string>();
  for (const entry of fleet) {
    const { project, syncPolicy } = entry.application.spec as { project: string; syncPolicy?: SyncPolicy };
    if (syncPolicy?.automated === undefined) continue;
    const { limit = 0, refresh, backoff } = syncPolicy.retry ?? {};
    const add = (key: string, rule: string, is: unknown): void => {
      found.add(applicationProblem(root, entry, `spec.syncPolicy.retry.${key}`, `${rule} (it is ${String(is)})`));
    };
    const isOfService = OF_SERVICES.includes(project);
    if (limit < FEWEST && (isOfService || limit !== ENDLESS))
      add('limit', `must be ${FEWEST} or more${isOfService ? '' : ', or -1 for no end'}`, limit);
    if (refresh !== true) add('refresh', 'must be true, so that a retry takes a newer commit', refresh);
    if (![LONGEST_PAUSE, '30s'].includes(backoff?.maxDuration ?? ''))
      add('backoff.maxDuration', `must be ${LONGEST_PAUSE} at most`, backoff?.maxDuration);
  }
  return [...found];
}
