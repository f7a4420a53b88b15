import type { Fail } from '@gitops/report/bench';
import { messageOf } from '@gitops/report/errors';
import { type Measure, summary } from '@gitops/report/measure';
import { type Builds, server } from './builds.ts';
import { closedLoop, openLoop } from './load.ts';
import { endServers, type ServerProcess, startServer } from './server-process.ts';

// The share of what the slowest contender holds that all of them are asked for: above it queues grow, and ours would
// refuse some at its limit.
const SHARE = 0.6;
// More would measure the load, which has one core as well.
const HIGHEST_RATE = 4000;
const SECONDS = 3;
const SATURATION_SECONDS = 2;
const CONNECTIONS = 40;

const titles = { bare: 'bare Fastify', ours: 'ours', stock: 'stock recipe', express: 'Express', hono: 'Hono' } as const;
type Name = keyof typeof titles;
const names = Object.keys(titles) as Name[];

/** One value for each round and server; undefined where that round was lost. */
type Rounds<Result> = Record<Name, (Result | undefined)[]>;

/**
 * What a request costs, at the limit of each server and at a rate that all of them can answer. The rate comes from this
 * machine, on this day: a share of what the slowest holds.
 */
export async function measureCost(
  builds: Builds,
  rounds: number,
  say: (text: string) => void,
  fail: Fail,
): Promise<Measure[]> {
  const limit = await inTurns(
    { ours: builds.oursInContainer, env: { LOAD_SHEDDING: 'off' }, rounds, fail, what: 'at saturation' },
    measureLimit,
    (round) => {
      say(`cost at saturation: round ${round} of ${rounds}`);
    },
  );
  const cost = valuesOf(limit, ({ cost }) => cost);
  const held = valuesOf(limit, ({ rate }) => rate);
  return [
    ...(await measureAtOneRate(builds, rounds, say, fail, held)),
    ...perServer('CPU per request at saturation', 'µs', cost),
    ...ratio('  ours ÷ bare', cost.ours, cost.bare),
    ...ratio('  stock ÷ bare', cost.stock, cost.bare),
    ...perServer('requests at saturation', '/s', held),
    ...present('peak memory of ours, 256 MiB container', 'MB', valuesOf(limit, ({ memory }) => memory).ours.slice(-1), {
      atMost: 120,
    }),
  ];
}

async function measureAtOneRate(
  builds: Builds,
  rounds: number,
  say: (text: string) => void,
  fail: Fail,
  held: Record<Name, (number | undefined)[]>,
): Promise<Measure[]> {
  const lowest = names
    .map((name) => ({ name, rate: Math.min(...held[name].filter((rate) => rate !== undefined)) }))
    .reduce((slowest, contender) => (contender.rate < slowest.rate ? contender : slowest));
  const rate = Math.min(HIGHEST_RATE, Math.max(50, Math.floor((SHARE * lowest.rate) / 50) * 50));
  const steady = await inTurns(
    { ours: builds.ours, env: {}, rounds, fail, what: `at ${rate}/s` },
    async (server) => measureSteady(server, rate),
    (round) => {
      say(`cost at ${rate} requests/s: round ${round} of ${rounds}`);
    },
  );
  const cost = valuesOf(steady, ({ cost }) => cost);
  return [
    summary(
      rate === HIGHEST_RATE
        ? 'rate that the cost is measured at'
        : `rate that the cost is measured at: ${SHARE * 100} % of what ${titles[lowest.name]}, the slowest, holds`,
      '/s',
      [rate],
    ),
    ...perServer(`CPU per request at ${rate}/s`, 'µs', cost),
    ...ratio('  ours ÷ bare', cost.ours, cost.bare, { atMost: 1.6 }),
    ...ratio('  stock ÷ bare', cost.stock, cost.bare),
  ];
}

async function measureSteady({ url, cpu }: ServerProcess, rate: number): Promise<{ cost: number }> {
  const before = cpu();
  const result = await openLoop({ url, kind: 'network', rate, seconds: SECONDS, connections: CONNECTIONS });
  if (result.statuses['200'] !== result.sent)
    throw new Error(`not every request was answered with 200: ${JSON.stringify(result)}`);
  return { cost: ((cpu() - before) * 1e6) / result.sent };
}

async function measureLimit({
  url,
  cpu,
  peakMemory,
}: ServerProcess): Promise<{ cost: number; rate: number; memory: number }> {
  const before = cpu();
  const { perSecond, requests, failed } = await closedLoop({
    url,
    kind: 'network',
    connections: CONNECTIONS,
    seconds: SATURATION_SECONDS,
  });
  if (failed > 0) throw new Error(`${failed} of ${requests} requests failed`);
  return { cost: ((cpu() - before) * 1e6) / requests, rate: perSecond, memory: peakMemory() };
}

/** What `inTurns` runs. */
interface Turns {
  readonly ours: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly fail: Fail;
  /** For messages: what is measured. */
  readonly what: string;
}

/**
 * Measures every server once a round, so that a slow minute of the machine hits all alike. The first round warms them
 * up. A round that one server does not get through is lost for that server alone.
 */
async function inTurns<Result>(
  { ours, env, rounds, fail, what }: Turns,
  measure: (server: ServerProcess) => Promise<Result>,
  onRound: (round: number) => void,
): Promise<Rounds<Result>> {
  const servers = new Map<Name, ServerProcess>();
  const results: Rounds<Result> = { bare: [], ours: [], stock: [], express: [], hono: [] };
  const turn = async (name: Name, server: ServerProcess, round: number): Promise<void> => {
    try {
      const result = await measure(server);
      if (round > 0) results[name].push(result);
    } catch (error) {
      if (round === 0) return;
      results[name].push(undefined);
      fail(`${titles[name]} ${what}, round ${round}: ${messageOf(error)}`);
    }
  };
  try {
    for (const name of names) servers.set(name, await startServer(name === 'ours' ? ours : [server(name)], env));
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, process] of servers) await turn(name, process, round);
      if (round > 0) onRound(round);
    }
  } finally {
    await endServers(servers.values());
  }
  return results;
}

function valuesOf<Result>(
  results: Rounds<Result>,
  value: (result: Result) => number,
): Record<Name, (number | undefined)[]> {
  const values = (name: Name): (number | undefined)[] =>
    results[name].map((result) => (result === undefined ? undefined : value(result)));
  return {
    bare: values('bare'),
    ours: values('ours'),
    stock: values('stock'),
    express: values('express'),
    hono: values('hono'),
  };
}

/** The summary of the rounds that were not lost; none where all were. */
function present(
  name: string,
  unit: Parameters<typeof summary>[1],
  values: readonly (number | undefined)[],
  asked: Parameters<typeof summary>[3] = {},
): Measure[] {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? [] : [summary(name, unit, known, asked)];
}

const perServer = (
  title: string,
  unit: Parameters<typeof summary>[1],
  values: Record<Name, (number | undefined)[]>,
): Measure[] => names.flatMap((name) => present(`${title}: ${titles[name]}`, unit, values[name]));

/** One over the other, round by round. */
function ratio(
  name: string,
  over: readonly (number | undefined)[],
  under: readonly (number | undefined)[],
  asked: Parameters<typeof summary>[3] = {},
): Measure[] {
  const ratios = over.map((value, round) => {
    const base = under[round];
    return value === undefined || base === undefined ? undefined : value / base;
  });
  return present(name, 'x', ratios, asked);
}
