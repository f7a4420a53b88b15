import { openInstance } from '@gitops/local';
import { type Progress, progressTo } from '@gitops/report/progress';

/** The benchmark's own machine, beside that of `make up` and that of the drills. */
export const instance = openInstance({ dir: '.local/bench' });

export const progress: Progress = progressTo();

/** How long an action takes, in milliseconds. */
export async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}
