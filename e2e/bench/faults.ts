import { imageFile } from '@gitops/delivery/image-file';
import { buildLocalImage, isSettled, processes } from '@gitops/local';
import type { Fail } from '@gitops/report/bench';
import { type Measure, summary } from '@gitops/report/measure';
import { table } from '@gitops/report/table';
import { handBack, type Outcome, strikeAwayGit, strikeRollback, strikeSync, withImage } from '../src/fault-drill.ts';
import { type Combination, type Fault, FAULTS, MOMENTS } from '../src/fault-moments.ts';
import { APP, Stack, until } from '../src/stack.ts';
import { instance, progress } from './bench.ts';

/** Not worth a row for each moment: simulated nodes hold no pods of the service here, the others strike what the rest strikes singly. */
const ONCE: readonly Fault[] = ['simulated nodes', 'all of Argo CD', 'control plane', 'kube-controller-manager'];

/** Every fault of what runs at every moment of a deployment and of a rollback. */
function combinations(stack: Stack): { fault: Fault; moment: Combination['moment'] }[] {
  const all: { fault: Fault; moment: Combination['moment'] }[] = [];
  const running = new Set(processes(stack.instance, stack.ports).map(({ name }) => name));
  // Without nodes of this machine there are no agents.
  const faults = (Object.keys(FAULTS) as (keyof typeof FAULTS)[]).filter((fault) =>
    FAULTS[fault].every((name) => running.has(name)),
  );
  for (const fault of [...faults, 'Redis emptied'] as const)
    for (const moment of MOMENTS) if (!ONCE.includes(fault) || moment === 'applying') all.push({ fault, moment });
  return all;
}

/** What runs, and the commit that brought it. */
interface Release {
  readonly reference: string;
  readonly commit: string;
}

/**
 * Strikes at every moment of a deployment and of the rollback of it; the table of all combinations goes to standard
 * error.
 */
export async function measureFaults(fail: Fail): Promise<Measure[]> {
  const stack = await Stack.open(instance.dir);
  const stamp = Date.now().toString(36);
  const references: string[] = [];
  for (const name of ['a', 'b']) {
    const { tag, digest } = await buildLocalImage(stack.instance, stack.tools, stack.ports, {
      tag: `${name}-${stamp}`,
    });
    references.push(`registry.internal/${APP}:${tag}@${digest}`);
  }
  let release = await deploy(stack, references[0] ?? '');
  const outcomes: Outcome[] = [];
  for (const { fault, moment } of combinations(stack)) {
    const next = references.find((reference) => reference !== release.reference) ?? '';
    const outcome = await strikeSync(stack, { action: 'sync', fault, moment }, next);
    outcomes.push(outcome);
    progress.detail(describe(outcome));
    const back = await strikeRollback(stack, { action: 'rollback', fault, moment }, release);
    outcomes.push(back);
    progress.detail(describe(back));
    await handBack(stack);
    await atRest(stack);
    release = { reference: next, commit: outcome.commit };
  }
  outcomes.push(await strikeAwayGit(stack, references.find((reference) => reference !== release.reference) ?? ''));
  progress.done('faults');
  process.stderr.write(`${outcomeTable(outcomes)}\n`);
  const bad = outcomes.filter(({ wrong }) => wrong.length > 0);
  for (const outcome of bad) fail(describe(outcome));
  const times = outcomes.flatMap(({ time }) => (time === undefined ? [] : [time]));
  return [
    summary('fault × moment combinations that end right', 'count', [outcomes.length - bad.length], {
      atLeast: outcomes.length,
    }),
    summary('restart → right state', 's', times),
    summary('restart → right state, the slowest', 's', [Math.max(...times)], { atMost: 30_000 }),
  ];
}

async function deploy(stack: Stack, reference: string): Promise<Release> {
  const push = await stack.push(`Image ${reference}`, {
    [imageFile(stack.instance.cluster, APP)]: withImage(reference),
  });
  await stack.delivered(push);
  await atRest(stack);
  return { reference, commit: push.commit };
}

const atRest = async (stack: Stack): Promise<true> =>
  until('the service at rest', async () => (isSettled(await stack.application()) ? true : undefined), 120_000);

const describe = ({ action, fault, moment, time, wrong }: Outcome): string =>
  `${action}, ${fault}, ${moment}: ${time === undefined ? 'no end' : `${(time / 1000).toFixed(1)} s`}` +
  (wrong.length === 0 ? '' : `; ${wrong.join('; ')}`);

function outcomeTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ action, fault, moment, time, wrong }) => [
    action,
    fault,
    moment,
    wrong.length === 0 ? 'yes' : 'NO',
    time === undefined ? '-' : `${(time / 1000).toFixed(1)} s`,
  ]);
  return table(['ACTION', 'FAULT', 'MOMENT', 'CONVERGED', 'AFTER RESTART'], rows);
}
