// The platform's part of `make bench`: synthesis, and a whole cluster from nothing to nothing on the simulated AWS.
// Usage: node platform/bench/main.ts [--rounds 5] [--json]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { reportBench, runParts } from '@gitops/report/bench';
import { summary } from '@gitops/report/measure';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { synthesize, type SynthesizedStack } from '../src/app.ts';
import { repositoryWith } from '../test/platform-in-tests.ts';
import { SimulatedAws } from '../test/simulated-aws/cloud.ts';
import { openEngine, type Run } from '../test/simulated-aws/engine.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number from 1 on (it is ${values.rounds})`);

const root = resolve(import.meta.dirname, '../..');
const progress = progressTo();
const program = join((await ensureTools(progress, { verify: false, builds: ['opentofu'] })).bin, 'tofu');
const scratch = mkdtempSync(join(tmpdir(), 'bench-platform-'));

// `…/node [FLAGS] src/main.ts synth --json`; a test holds the Makefile to the same.
const { app } = JSON.parse(readFileSync(join(root, 'platform/cdktf.json'), 'utf8')) as { app: string };
const flags = app.split(' ').slice(1, -3);
// As the Makefile has it: the second start finds what the first one compiled.
const compiled = join(scratch, 'compiled');

/** `make synth` as it is typed, in a process of its own. */
async function synthOnce(): Promise<{ milliseconds: number; megabytes: number }> {
  const start = performance.now();
  // The process says itself how much memory it took at most.
  const report = "process.on('exit', () => process.stderr.write(`rss ${process.resourceUsage().maxRSS}`))";
  const child = spawn(
    process.execPath,
    [
      ...flags,
      '--import',
      `data:text/javascript,${encodeURIComponent(report)}`,
      join(root, 'platform/src/main.ts'),
      'synth',
      '--json',
    ],
    {
      env: { PATH: process.env.PATH, CDKTF_OUTDIR: join(scratch, 'synth'), NODE_COMPILE_CACHE: compiled },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  const [code] = (await once(child, 'close')) as [number];
  const kibibytes = /rss (\d+)/.exec(words)?.[1];
  if (code !== 0 || kibibytes === undefined) throw new Error(`synth ended with ${code}: ${words}`);
  return { milliseconds: performance.now() - start, megabytes: (Number(kibibytes) * 1024) / 1e6 };
}

/**
 * Takes stacks from nothing to nothing on a simulated AWS of their own: validate, plan, apply, plan again, and destroy
 * but for what an account keeps. Gives the milliseconds, without `init` and without what `before` names, which is there
 * already.
 */
async function liveOnce(
  folder: string,
  isWanted: (stack: SynthesizedStack) => boolean,
  before: readonly string[] = [],
): Promise<number> {
  const cloud = new SimulatedAws();
  // The one setting that prevents a deletion, on purpose.
  const repository = repositoryWith(join(folder, 'repository'), [
    ['production', 'deletionProtection: true', 'deletionProtection: false'],
  ]);
  const stacks = synthesize(repository, join(folder, 'out')).filter(
    (stack) => isWanted(stack) || before.includes(stack.name),
  );
  const engines = await Promise.all(
    stacks.map(async (stack) => ({
      stack,
      engine: await openEngine(cloud, stack.folder, join(folder, 'platform/out/stacks', stack.name), program),
    })),
  );
  const expect = async (code: number, run: Promise<Run>): Promise<void> => {
    const { code: ended, output } = await run;
    if (ended !== code) throw new Error(output);
  };
  for (const { engine } of engines) await expect(0, engine.init());
  for (const { stack, engine } of engines) if (before.includes(stack.name)) await expect(0, engine.apply());
  const timed = engines.filter(({ stack }) => !before.includes(stack.name));
  const start = performance.now();
  for (const { engine } of timed) {
    for (const [step, code] of [
      ['validate', 0],
      ['plan', 2],
      ['apply', 0],
      ['plan', 0],
    ] as const)
      await expect(code, engine[step]());
  }
  for (const { stack, engine } of timed.toReversed())
    if (stack.cluster !== undefined) await expect(0, engine.destroy());
  const took = performance.now() - start;
  for (const { engine } of engines) engine.close();
  return took;
}

/** What a measurement gives, round by round. */
async function inRounds<Result>(what: string, measure: (round: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    progress.detail(`${what}: round ${round} of ${rounds}`);
    results.push(await measure(round));
  }
  return results;
}

const result = await runParts({
  async synthesis() {
    await synthOnce();
    const synths = await inRounds('synthesis', synthOnce);
    const time = synths.map(({ milliseconds }) => milliseconds);
    const memory = synths.map(({ megabytes }) => megabytes);
    return [
      summary('make synth: every stack of every cluster', 's', time, { atMost: 1000 }),
      summary('its memory', 'MB', memory, { atMost: 150 }),
    ];
  },
  async cluster() {
    const times = await inRounds('a cluster', async (round) =>
      liveOnce(join(scratch, `${round}-cluster`), ({ cluster }) => cluster === 'staging', ['bootstrap-222222222222']),
    );
    const name = 'a cluster: validate, plan, apply, plan, destroy (AWS simulated)';
    return [summary(name, 's', times, { atMost: 20_000 })];
  },
  async fleet() {
    const times = await inRounds('all clusters', async (round) => liveOnce(join(scratch, `${round}-all`), () => true));
    return [summary('all clusters and stacks, the same', 's', times, { atMost: 180_000 })];
  },
});
rmSync(scratch, { recursive: true, force: true });
reportBench(result, { file: join(root, '.local/bench-platform.json'), json: values.json });
