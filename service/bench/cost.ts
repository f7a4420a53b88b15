import { type Measure, summary } from '@gitops/report/measure';
import { type Builds, server } from './builds.ts';
import { closedLoop, openLoop } from './load.ts';
import { endServers, type ServerProcess, startServer } from './server-process.ts';

// Requests a second, below what the slowest of the servers can answer: at its limit ours would refuse some.
const RATE = 4000;
const SECONDS = 3;
const SATURATION_SECONDS = 2;
const CONNECTIONS = 40;

const titles = { bare: 'bare Fastify', ours: 'ours', stock: 'stock recipe', express: 'Express', hono: 'Hono' } as const;
type Name = keyof typeof titles;
const names = Object.keys(titles) as Name[];

/** What a request costs, at a rate that all servers can answer and at the limit of each. */
export async function measureCost(builds: Builds, rounds: number, say: (text: string) => void): Promise<Measure[]> {
  const steady = await inTurns(builds.ours, {}, rounds, measureSteady, (round) => {
    say(`cost at ${RATE} requests/s: round ${round} of ${rounds}`);
  });
  const limit = await inTurns(builds.oursInContainer, { LOAD_SHEDDING: 'off' }, rounds, measureLimit, (round) => {
    say(`cost at saturation: round ${round} of ${rounds}`);
  });
  const [cost, limitCost, rate] = [valuesOf(steady, 'cost'), valuesOf(limit, 'cost'), valuesOf(limit, 'rate')];
  return [
    ...names.map((name) => summary(`CPU per request at ${RATE}/s: ${titles[name]}`, 'µs', cost[name])),
    summary('  ours ÷ bare', 'x', ratios(cost.ours, cost.bare), { atMost: 2 }),
    summary('  stock ÷ bare', 'x', ratios(cost.stock, cost.bare)),
    ...names.map((name) => summary(`CPU per request at saturation: ${titles[name]}`, 'µs', limitCost[name])),
    summary('  ours ÷ bare', 'x', ratios(limitCost.ours, limitCost.bare)),
    summary('  stock ÷ bare', 'x', ratios(limitCost.stock, limitCost.bare)),
    ...names.map((name) => summary(`requests at saturation: ${titles[name]}`, '/s', rate[name])),
    summary('peak memory of ours, 256 MiB container', 'MB', valuesOf(limit, 'memory').ours.slice(-1), { atMost: 130 }),
  ];
}

async function measureSteady(name: Name, { url, cpu }: ServerProcess): Promise<{ cost: number }> {
  const before = cpu();
  const result = await openLoop({ url, kind: 'network', rate: RATE, seconds: SECONDS, connections: CONNECTIONS });
  if (result.statuses['200'] !== result.sent)
    throw new Error(`${titles[name]} did not answer every request with 200 at ${RATE}/s: ${JSON.stringify(result)}`);
  return { cost: ((cpu() - before) * 1e6) / result.sent };
}

async function measureLimit(
  name: Name,
  { url, cpu, peakMemory }: ServerProcess,
): Promise<{ cost: number; rate: number; memory: number }> {
  const before = cpu();
  const { perSecond, requests, failed } = await closedLoop({
    url,
    kind: 'network',
    connections: CONNECTIONS,
    seconds: SATURATION_SECONDS,
  });
  if (failed > 0) throw new Error(`${titles[name]} failed ${failed} of ${requests} requests at saturation`);
  return { cost: ((cpu() - before) * 1e6) / requests, rate: perSecond, memory: peakMemory() };
}

/**
 * Measures every server once a round, so that a slow minute of the machine hits all alike. The first round warms them
 * up.
 */
async function inTurns<Result>(
  ours: readonly string[],
  env: Readonly<Record<string, string>>,
  rounds: number,
  measure: (name: Name, server: ServerProcess) => Promise<Result>,
  onRound: (round: number) => void,
): Promise<Record<Name, Result[]>> {
  const servers: [Name, ServerProcess][] = [];
  const results: Record<Name, Result[]> = { bare: [], ours: [], stock: [], express: [], hono: [] };
  try {
    for (const name of names) servers.push([name, await startServer(name === 'ours' ? ours : [server(name)], env)]);
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, process] of servers) {
        const result = await measure(name, process);
        if (round > 0) results[name].push(result);
      }
      if (round > 0) onRound(round);
    }
  } finally {
    await endServers(servers.map(([, process]) => process));
  }
  return results;
}

function valuesOf<Key extends string>(results: Record<Name, Record<Key, number>[]>, key: Key): Record<Name, number[]> {
  const values = (name: Name): number[] => results[name].map((result) => result[key]);
  return {
    bare: values('bare'),
    ours: values('ours'),
    stock: values('stock'),
    express: values('express'),
    hono: values('hono'),
  };
}

const ratios = (over: readonly number[], under: readonly number[]): number[] =>
  over.map((value, round) => value / (under[round] ?? Number.NaN));
