import { run } from '@gitops/tools/run';
import { blocking } from '../kubernetes/changes.ts';
import { type Risk, riskOf } from '../kubernetes/risk.ts';
import type { ApplicationChange } from './compare.ts';

// A dangerous change that is meant: a line in the message of a commit says so, with a reason. It is read from any line,
// since a squash merge joins messages, and it stays in the history.

/** `Accept: production/fastify-service load-balancer-replaced: the service becomes internal` */
export interface Acceptance {
  readonly commit: string;
  readonly application: string;
  readonly risk: string;
  readonly reason: string;
}

const LINE = /^[ \t*-]*Accept: (\S+\/.*?) ([a-z-]+): *(\S.*)$/gm;

/** What the commits that are merged accept. */
export async function acceptancesIn(root: string, base: string, head = 'HEAD'): Promise<Acceptance[]> {
  const log = await run('git', ['-C', root, 'log', '-z', '--format=%H%n%B', `${base}..${head}`, '--']);
  const found: Acceptance[] = [];
  for (const text of log.split('\0')) {
    const commit = text.split('\n')[0] ?? '';
    for (const [, application = '', risk = '', reason = ''] of text.matchAll(LINE))
      found.push({ commit, application, risk, reason: reason.trim() });
  }
  return found;
}

/** A change, and why it is merged although it is dangerous. */
export interface JudgedChange extends ApplicationChange {
  readonly risk: Risk;
  readonly isBlocked: boolean;
  /** The reason of whoever accepted it; undefined where nobody has to, or did. */
  readonly accepted?: string | undefined;
}

/** The changes with what was accepted, and the acceptances that are about none of them. */
export function judge(
  changes: readonly ApplicationChange[],
  acceptances: readonly Acceptance[],
): { readonly changes: readonly JudgedChange[]; readonly unused: readonly Acceptance[] } {
  const used = new Set<Acceptance>();
  const judged = changes.map((change): JudgedChange => {
    const risk = riskOf(change);
    if (!blocking(change)) return { ...change, risk, isBlocked: false };
    const own = acceptances.filter((each) => each.application === change.application && each.risk === risk);
    for (const each of own) used.add(each);
    return { ...change, risk, isBlocked: own.length === 0, accepted: own[0]?.reason };
  });
  return { changes: judged, unused: acceptances.filter((each) => !used.has(each)) };
}

/** `BLOCKED: ` or `ACCEPTED (reason): ` where a change is dangerous. */
export function verdictOf({ isBlocked, accepted }: JudgedChange): string {
  if (isBlocked) return 'BLOCKED: ';
  return accepted === undefined ? '' : `ACCEPTED (${accepted}): `;
}

export const HOW_TO_ACCEPT = 'Meant? Then add to the message of a commit, with the reason:';

/** The lines that accept what is blocked, for whoever means it. */
export const linesToAccept = (changes: readonly JudgedChange[]): string[] => [
  ...new Set(
    changes
      .filter(({ isBlocked }) => isBlocked)
      .map(({ application, risk }) => `Accept: ${application} ${risk}: REASON`),
  ),
];
