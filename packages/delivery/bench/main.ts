// The delivery part of `make bench`: what a bump costs, alone and beside 19 others, against a real Git server over HTTP.
// Usage: node packages/delivery/bench/main.ts [--rounds 5] [--json]
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { reportBench, runParts } from '@gitops/report/bench';
import { type Measure, median, summary } from '@gitops/report/measure';
import { progressTo } from '@gitops/report/progress';
import { run } from '@gitops/tools/run';
import { commitToMain } from '../src/commit.ts';
import { host } from '../test/git-host.ts';
import { digest, imageText, writing } from '../test/served-repository.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number from 1 on (it is ${values.rounds})`);

const BUMPERS = 20;
const APPS = ['app', 'other', 'third'];
const root = resolve(import.meta.dirname, '../../..');
const main = resolve(import.meta.dirname, '../src/main.ts');
const progress = progressTo();

const folder = mkdtempSync(join(tmpdir(), 'bench-delivery-'));
const teardown: (() => unknown)[] = [];
const served = join(folder, 'served.git');
await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', served]);
await run('git', ['--git-dir', served, 'config', 'http.receivepack', 'true']);
const { url } = await host({ teardown: (action: () => unknown) => teardown.push(action) }, { repository: served });
const files = Object.fromEntries(APPS.map((app) => [`clusters/dev/${app}.image.yaml`, imageText('0', '0')]));
const { commit } = await commitToMain({ url, store: join(folder, 'client.git'), advice: '' }, writing(files));

/** One bump as CI calls it, in a clone of its own; milliseconds. */
async function bumpIn(clone: string, app: string, tag: string): Promise<number> {
  const start = performance.now();
  const args = ['bump', '--cluster', 'dev', '--app', app, '--tag', tag, '--digest', digest('a'), '--commit', commit];
  const child = spawn(process.execPath, [main, ...args], {
    cwd: clone,
    stdio: ['ignore', 'ignore', 'inherit'],
    // As make calls it.
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, '.local/compiled') },
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  if (code !== 0) throw new Error(`bump ${tag} ended with ${code ?? 'a signal'}`);
  return performance.now() - start;
}

async function clone(name: string): Promise<string> {
  const path = join(folder, name);
  mkdirSync(path);
  await run('git', ['init', '--quiet', path]);
  await run('git', ['-C', path, 'remote', 'add', 'origin', url]);
  return path;
}

async function measureBumps(): Promise<Measure[]> {
  const clones: string[] = [];
  for (let number = 0; number < BUMPERS; number += 1) clones.push(await clone(`clone-${number}`));
  const [alone, together, waits, ratio]: number[][] = [[], [], [], []];
  const [first = ''] = clones;
  await bumpIn(first, 'app', 'warm');
  for (let round = 0; round < rounds; round += 1) {
    progress.detail(`bumps: round ${round + 1} of ${rounds}`);
    const singles: number[] = [];
    for (let call = 0; call < 3; call += 1) singles.push(await bumpIn(first, 'app', `${round}-alone-${call}`));
    const start = performance.now();
    const times = await Promise.all(
      clones.map(async (path, number) => bumpIn(path, APPS[number % APPS.length] ?? '', `${round}-${number}`)),
    );
    const whole = performance.now() - start;
    alone?.push(median(singles));
    together?.push(whole);
    waits?.push(median(times));
    ratio?.push(whole / median(singles));
  }
  return [
    summary('bump, alone', 's', alone ?? []),
    summary(`${BUMPERS} bumps at once, all landed`, 's', together ?? []),
    summary('the same: median wait of one', 's', waits ?? []),
    summary(`${BUMPERS} bumps at once ÷ one bump`, 'x', ratio ?? [], { atMost: BUMPERS }),
  ];
}

try {
  reportBench(await runParts({ bumps: measureBumps }), {
    file: join(root, '.local/bench-delivery.json'),
    json: values.json,
  });
} finally {
  for (const action of teardown) await action();
  rmSync(folder, { recursive: true, force: true });
}
