import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Measure, summary } from '@gitops/report/measure';
import { run } from '@gitops/tools/run';
import { succeed } from '../src/stack.ts';
import { instance, progress, timed } from './bench.ts';

const ROUNDS = 3;

/** Runs `make up` as a person does. */
export async function makeUp(env: Record<string, string> = {}): Promise<void> {
  const child = spawn('make', ['-s', 'up'], {
    cwd: instance.root,
    env: { ...process.env, ...env, PLATFORM_LOCAL_DIR: instance.dir },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`make up ended with ${String(code)}: ${stderr}`);
}

/** Ends the machine and deletes its state. */
export async function reset(): Promise<void> {
  await succeed(instance.dir, ['down']);
  rmSync(instance.dir, { recursive: true, force: true });
}

/** `make up` from nothing and again; leaves the machine running. */
export async function measureStarts(): Promise<Measure[]> {
  const fresh: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await reset();
    fresh.push(await timed(async () => makeUp()));
    again.push(await timed(async () => makeUp()));
  }
  progress.done('starts');
  return [
    summary('make up, tools cached, from nothing', 's', fresh, { atMost: 20_000 }),
    summary('make up, all running', 's', again, { atMost: 3000 }),
  ];
}

/** `make up` once with nothing compiled and nothing downloaded. */
export async function measureColdStart(): Promise<Measure[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'bench-cold-'));
  try {
    const env = {
      XDG_CACHE_HOME: join(scratch, 'cache'),
      GOCACHE: join(scratch, 'go-build'),
      GOMODCACHE: join(scratch, 'modules'),
    };
    await reset();
    const time = await timed(async () => makeUp(env));
    progress.done('cold start');
    return [summary('make up, cold, with downloads', 's', [time], { atMost: 600_000 })];
  } finally {
    // Go makes its modules read-only.
    await run('chmod', ['-R', 'u+w', scratch]);
    rmSync(scratch, { recursive: true, force: true });
  }
}
