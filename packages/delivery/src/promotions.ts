import type { ImageChange } from './image-changes.ts';
import { trailersOf } from './message.ts';
import { clusterBefore, PIPELINE } from './pipeline.ts';

/** What the history of the image files says about promotion. */
export interface PromotionReport {
  /** One line for each deployment that breaks the invariant. */
  readonly problems: readonly string[];
  /** One line for each deployment that breaks it and says why in its commit. */
  readonly emergencies: readonly string[];
}

/**
 * Checks promotion's invariant: every image that a cluster got had been run by the cluster before it. A file that is new
 * may come together with that of the cluster before it.
 * @param changes of all clusters, oldest first
 */
export function checkPromotions(changes: readonly ImageChange[]): PromotionReport {
  const problems: string[] = [];
  const emergencies: string[] = [];
  const ran = new Set<string>();
  const keyOf = (cluster: string, { app, after }: ImageChange): string => `${cluster} ${app} ${after?.digest ?? ''}`;
  for (let start = 0, end = 0; start < changes.length; start = end) {
    while (end < changes.length && changes[end]?.commit === changes[start]?.commit) end += 1;
    const step = changes.slice(start, end);
    // What one commit gives to two clusters, no cluster ran before the other.
    const together = new Set([...ran, ...step.map((change) => keyOf(change.cluster, change))]);
    for (const change of step) {
      const broken = problemOf(change, (before) => (change.isNew ? together : ran).has(keyOf(before, change)));
      if (broken === undefined) continue;
      const { emergency } = trailersOf(change.message);
      const line = `${change.commit.slice(0, 12)} ${change.date.slice(0, 10)} ${change.file}: ${broken}`;
      if (emergency === undefined) problems.push(line);
      else emergencies.push(`${line}; emergency: ${emergency}`);
    }
    for (const change of step) if (change.after !== undefined) ran.add(keyOf(change.cluster, change));
  }
  return { problems, emergencies };
}

/** What is wrong with a deployment; undefined where nothing is. */
function problemOf(change: ImageChange, didRun: (cluster: string) => boolean): string | undefined {
  const { cluster, after, problem } = change;
  if (!(PIPELINE as readonly string[]).includes(cluster)) return undefined;
  if (problem !== undefined) return `cannot be read after it: ${problem}`;
  const before = clusterBefore(cluster);
  if (after === undefined || before === undefined || didRun(before)) return undefined;
  return `${cluster} gets ${after.tag}@${after.digest.slice(0, 19)}…, which ${before} never ran`;
}
