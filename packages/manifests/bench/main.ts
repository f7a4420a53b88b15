// The manifests part of `make bench`: what rendering and checking the whole fleet costs beside plain `helm template`.
// Usage: node packages/manifests/bench/main.ts [--rounds 15] [--json]
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { reportBench, runParts } from '@gitops/report/bench';
import { type Measure, median, summary } from '@gitops/report/measure';
import { progressTo } from '@gitops/report/progress';
import { localCharts } from '@gitops/tools/charts';
import { run } from '@gitops/tools/run';
import { ensureSchemas } from '@gitops/tools/schemas';
import { ensureTools } from '@gitops/tools/tools';
import { check } from '../src/commands/check.ts';
import { compare } from '../src/commands/compare.ts';
import { openProofs } from '../src/proofs/open.ts';
import type { Chart } from '../src/render/chart.ts';
import { renderFleet } from '../src/render/fleet.ts';
import { sourcesOf, startRenderer } from '../src/render/renderer.ts';
import { missingChartOf, uncheckedLine } from '../src/render/unchecked.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number from 1 on (it is ${values.rounds})`);

const root = resolve(import.meta.dirname, '../../..');
const progress = progressTo();
const tools = await ensureTools(progress, { verify: false });
const schemas = await ensureSchemas(progress);
const { charts } = localCharts(root);
const cores = availableParallelism();

async function timed<T>(action: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now();
  const result = await action();
  return [performance.now() - start, result];
}

/** The fleet from nothing: the renderer's own start counts as well. */
async function fleetOnce() {
  const renderer = startRenderer(tools, charts);
  try {
    return await renderFleet(renderer, root, { capabilities: openProofs(root, renderer, tools, schemas).capabilities });
  } finally {
    await renderer.close();
  }
}

const all = await fleetOnce();
// Without its upstream chart on this machine an Application counts on neither side.
const fleet = all.filter((entry) => missingChartOf(entry) === undefined);
progress.note(uncheckedLine(all) ?? 'every application is measured');
const rendered = fleet.flatMap(({ chart }) => (chart === undefined ? [] : [chart]));
const ours = rendered.find(({ name }) => name === 'charts/fastify-service');
if (ours === undefined) throw new Error('no cluster renders charts/fastify-service');
const serviceChart: Chart = ours;

/** Plain `helm template` of what an Application renders, with its definitions, as Argo CD asks for them. */
async function template({ source, folder, valueFiles }: Chart): Promise<unknown> {
  const parameters = (source.helm?.parameters ?? []).flatMap(({ name, value }) => ['--set', `${name}=${value}`]);
  return run(join(tools.bin, 'helm'), [
    'template',
    source.helm?.releaseName ?? 'x',
    folder,
    '--include-crds',
    ...valueFiles.flatMap((file) => ['--values', join(root, file)]),
    ...parameters,
  ]);
}

/** Rendering, beside plain Helm: from the same rounds, so that a slow minute hits both. */
async function measureRendering(): Promise<Measure[]> {
  const [single, whole, ratio]: [number[], number[], number[]] = [[], [], []];
  for (let round = 1; round <= rounds; round += 1) {
    progress.detail(`rendering: round ${round} of ${rounds}`);
    const singles: number[] = [];
    for (let call = 0; call < 5; call += 1) singles.push((await timed(async () => template(serviceChart)))[0]);
    // One after the other, so that none waits for another's processor. The root counts as one of our charts.
    let alone = median(singles) * (fleet.length - rendered.length);
    for (const chart of rendered) alone += (await timed(async () => template(chart)))[0];
    const [together] = await timed(fleetOnce);
    single.push(median(singles));
    whole.push(together);
    ratio.push(together / (alone / cores));
  }
  const sources = fleet.reduce((sum, { application }) => sum + sourcesOf(application).length, 0);
  return [
    summary('helm template, charts/fastify-service', 'ms', single),
    summary(
      `the fleet: ${fleet.length} applications, ${sources} sources and argocd/root for each cluster`,
      'ms',
      whole,
    ),
    // Argo CD reads what Helm prints: of a megabyte of definitions that takes as long as the printing. Charts without
    // any are near 1.
    summary(`the fleet ÷ (helm template of each application ÷ ${cores} cores)`, 'x', ratio, { atMost: 1.5 }),
  ];
}

async function measureChecks(): Promise<Measure[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 3) {
    progress.detail(`checks: round ${times.length + 1}`);
    const renderer = startRenderer(tools, charts);
    try {
      const proofs = openProofs(root, renderer, tools, schemas);
      const [time, { problems }] = await timed(async () => check(renderer, root, proofs.capabilities, proofs.all));
      if (problems.length > 0) throw new Error(`a false alarm, or a tree that is broken: ${problems.join('\n')}`);
      times.push(time);
    } finally {
      await renderer.close();
    }
  }
  return [summary('make check: every proof over the fleet', 'ms', times, { atMost: 60_000 })];
}

/** What a reviewer waits for: the fleet before and after a one-line change of values, rendered and compared. */
async function measureDiff(): Promise<Measure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-diff-'));
  try {
    const clone = join(folder, 'clone');
    await run('git', ['clone', '--quiet', '--no-hardlinks', root, clone]);
    const file = join(clone, 'clusters/production/fastify-service.yaml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text.replace(/maxReplicas: (\d+)/, (_, count: string) => `maxReplicas: ${Number(count) + 1}`),
    );
    progress.note('argocd-diff-preview is not measured beside it: it needs a cluster that runs container images');
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 3) {
      progress.detail(`diff: round ${times.length + 1}`);
      const [time, changes] = await timed(async () => diffOnce(clone));
      if (changes !== 1) throw new Error(`a change of one line changed ${changes} fields`);
      times.push(time);
    }
    return [summary('make diff: a one-line change of values over the fleet', 'ms', times, { atMost: 15_000 })];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The number of changes in a clone's work tree. */
async function diffOnce(clone: string): Promise<number> {
  const renderer = startRenderer(tools, charts);
  try {
    const { capabilities } = openProofs(clone, renderer, tools, schemas);
    return (await compare(renderer, clone, { base: 'HEAD', head: {} }, { capabilities })).changes.length;
  } finally {
    await renderer.close();
  }
}

reportBench(await runParts({ rendering: measureRendering, checks: measureChecks, diff: measureDiff }), {
  file: join(root, '.local/bench-manifests.json'),
  json: values.json,
});
