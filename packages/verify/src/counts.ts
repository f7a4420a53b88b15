import { stripVTControlCharacters } from 'node:util';

/** Assertions that held and that did not; a run of types or lint counts as one. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

export const addCounts = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
});

/**
 * What a step counted, from the summaries that its programs print: tap's `# { total: 3, pass: 2, fail: 1 }` for each
 * package, and turbo's ` Tasks: 5 successful, 6 total` for the tasks that are no tests. A step that failed without any
 * failed assertion (a crash, a lint error) counts as one failure, so that no failure is lost.
 */
export function countsOf(output: string, succeeded: boolean): Counts {
  let counts: Counts = { passed: 0, failed: 0 };
  let suites = 0;
  for (const [, fields = ''] of output.matchAll(/^(?:\S+:[a-z]+: )?# \{ (.*) \}$/gm)) {
    const field = (name: string): number => Number(new RegExp(`\\b${name}: (\\d+)`).exec(fields)?.[1] ?? 0);
    counts = addCounts(counts, { passed: field('pass'), failed: field('fail') });
    suites += 1;
  }
  const tasks = /Tasks:\s+(\d+) successful, (\d+) total/.exec(stripVTControlCharacters(output));
  if (tasks !== null) counts = addCounts(counts, { passed: Math.max(0, Number(tasks[1]) - suites), failed: 0 });
  return !succeeded && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}
