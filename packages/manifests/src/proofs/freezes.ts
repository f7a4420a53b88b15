import { settingProblem } from '@gitops/settings';
import type { KubernetesObject } from '../kubernetes/object.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { renderedOnly } from '../render/rendered.ts';
import type { SyncWindow, WindowsAnswer } from '../render/renderer.ts';
import type { ProofContext } from './proof.ts';

const DAY = 24 * 3600 * 1000;

/** Two years: every date of a calendar but February 29 comes twice. */
const HORIZON = 2 * 366 * DAY;

/**
 * The longest time without a deployment by Argo CD itself, in days. A freeze of the turn of the year fits in; what is
 * longer, or never ends, is no freeze but a cluster that nobody deploys to.
 */
const LONGEST = 31;

interface Project extends KubernetesObject {
  readonly spec?: { readonly syncWindows?: readonly SyncWindow[] };
}

/** Freezes that Argo CD would refuse, take otherwise than written, or never end. */
export async function freezeProblems(
  fleet: readonly FleetApplication[],
  { root, renderer }: ProofContext,
): Promise<string[]> {
  const from = new Date();
  const until = new Date(from.getTime() + HORIZON);
  const found: string[] = [];
  for (const { cluster, objects } of renderedOnly(fleet)) {
    const project = objects.find(({ kind, metadata }) => kind === 'AppProject' && metadata.name === 'services');
    const windows = (project as Project | undefined)?.spec?.syncWindows;
    if (windows === undefined) continue;
    const report = (index: number, key: string, rule: string): void => {
      found.push(settingProblem(root, cluster.name, ['freezes', String(index), key], rule));
    };
    const [answer] = await renderer.windows([{ windows, from: from.toISOString(), until: until.toISOString() }]);
    if (answer === undefined) continue;
    for (const [index, { field, rule }] of answer.problems.entries()) if (rule !== '') report(index, field, rule);
    const longest = longestFreeze(answer.stretches);
    if (longest !== undefined && longest.days > LONGEST)
      report(
        longest.index,
        'duration',
        `deploys nothing for ${longest.days} days from ${longest.start.slice(0, 10)} on, together with the other ` +
          `freezes; at most ${LONGEST}`,
      );
  }
  return found;
}

/** The longest time of which every moment is in a freeze, and the freeze that it begins with. */
function longestFreeze(
  stretches: WindowsAnswer['stretches'],
): { readonly index: number; readonly start: string; readonly days: number } | undefined {
  let longest: { index: number; start: string; days: number } | undefined;
  let current: { index: number; start: string; end: string } | undefined;
  for (const { start, end, active } of stretches) {
    current = current?.end === start ? { ...current, end } : { index: active[0] ?? 0, start, end };
    const days = Math.ceil((Date.parse(current.end) - Date.parse(current.start)) / DAY);
    if (days > (longest?.days ?? 0)) longest = { index: current.index, start: current.start, days };
  }
  return longest;
}
