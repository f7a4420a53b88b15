import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timelineTable } from '@gitops/local';
import { type Measure, summary } from '@gitops/report/measure';
import { release, standBack, standInForDev } from '../src/release-drill.ts';
import { Stack } from '../src/stack.ts';
import { instance, progress } from './bench.ts';

/** From a push to main until the new code answers, by the workflow `release`; its timeline goes to standard error. */
export async function measureRelease(): Promise<Measure[]> {
  const stack = await Stack.open(instance.dir);
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const removeFolder = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  const ends: (() => unknown)[] = [removeFolder];
  const owner = { teardown: (end: () => unknown): void => void ends.unshift(end) };
  try {
    await standInForDev(stack);
    const { timeline, answeredAfter } = await release(owner, stack, `As of ${Date.now()}`, folder);
    progress.done('release');
    process.stderr.write(`${timelineTable(timeline)}\n`);
    await standBack(stack);
    return [summary('push to main → new code answers', 's', [answeredAfter])];
  } finally {
    for (const end of ends) await end();
  }
}
