import { setTimeout as sleep } from 'node:timers/promises';
import type { Fail } from '@gitops/report/bench';
import { messageOf } from '@gitops/report/errors';
import { type Measure, summary } from '@gitops/report/measure';
import type { Builds } from './builds.ts';
import type { ClosedLoopResult } from './closed-loop.ts';
import { watchLiveness } from './liveness.ts';
import { closedLoop, openLoop } from './load.ts';
import { endServers, type ServerProcess, startServer } from './server-process.ts';

const LEAST_ROUNDS = 3;
const SECONDS = 8;
const WARM_UP_SECONDS = 5;
const SATURATION_SECONDS = 5;
const SATURATION_CONNECTIONS = 20;
// Between two measurements, until whatever is left of a queue is gone.
const REST_SECONDS = 1.5;

const variants = ['on', 'off'] as const;
type Variant = (typeof variants)[number];

// How many connections are open when the overload begins. It matters: Node takes new connections one at a time, between
// the requests on old ones, so a crowd that has to connect first waits in the kernel, at no cost to the service.
const crowds = { 'kept connections': 1000, 'new connections': 0 } as const;
type Crowd = keyof typeof crowds;
const crowdNames = Object.keys(crowds) as Crowd[];

/** One server in overload. Rates a second, times in milliseconds. */
interface Overloaded {
  readonly goodput: number;
  readonly shed: number;
  readonly missed: number;
  readonly broken: number;
  readonly p50: number;
  readonly p99: number;
  readonly livezFailed: number;
  readonly livezLongest: number;
}

/** Twice the plans that the service can make, with and without load shedding, by clients that wait a second at most. */
export async function measureOverload(
  builds: Builds,
  rounds: number,
  say: (text: string) => void,
  fail: Fail,
): Promise<Measure[]> {
  const count = Math.max(LEAST_ROUNDS, Math.floor(rounds / 2));
  const servers: ServerProcess[] = [];
  const start = async (variant: Variant): Promise<ServerProcess> => {
    const server = await startServer(builds.oursInContainer, { LOAD_SHEDDING: variant });
    servers.push(server);
    return server;
  };
  const results: Record<Crowd, Record<Variant, Overloaded[]>> = {
    'kept connections': { on: [], off: [] },
    'new connections': { on: [], off: [] },
  };
  try {
    const [on, off] = [await start('on'), await start('off')];
    const saturate = async (seconds: number): Promise<ClosedLoopResult> =>
      closedLoop({ url: off.url, kind: 'plans', connections: SATURATION_CONNECTIONS, seconds });
    await saturate(WARM_UP_SECONDS);
    const { perSecond: saturation, failed } = await saturate(SATURATION_SECONDS);
    if (failed > 0) throw new Error(`${failed} plans failed at saturation`);
    await openLoop({ url: on.url, kind: 'plans', rate: saturation / 2, seconds: WARM_UP_SECONDS });
    say(`overload: ${Math.round(saturation)} plans/s at saturation`);
    const measureRound = async (crowd: Crowd): Promise<void> => {
      const measure = async (server: ServerProcess): Promise<Overloaded> => {
        const result = await overload(server, 2 * saturation, crowds[crowd], say);
        await sleep(REST_SECONDS * 1000);
        return result;
      };
      const round = { on: await measure(on), off: await measure(off) };
      for (const variant of variants) results[crowd][variant].push(round[variant]);
    };
    for (let round = 1; round <= count; round += 1) {
      for (const crowd of crowdNames)
        await measureRound(crowd).catch((error: unknown) => {
          fail(`${crowd}, round ${round}: ${messageOf(error)}`);
        });
      say(`overload: round ${round} of ${count}`);
    }
    const memory = variants.map((variant) =>
      summary(`peak memory in overload, shedding ${variant}, 256 MiB container`, 'MB', [
        { on, off }[variant].peakMemory(),
      ]),
    );
    return [
      summary('plans at saturation', '/s', [saturation]),
      ...crowdNames
        .filter((crowd) => results[crowd].off.length > 0)
        .flatMap((crowd) => measuresOf(crowd, results[crowd], saturation)),
      ...memory,
    ];
  } finally {
    await endServers(servers);
  }
}

async function overload(
  server: ServerProcess,
  rate: number,
  opened: number,
  say: (text: string) => void,
): Promise<Overloaded> {
  const liveness = watchLiveness(server.adminURL);
  const { statuses, missed, errors, p50, p99, lag } = await openLoop({
    url: server.url,
    kind: 'plans',
    rate,
    seconds: SECONDS,
    opened,
  });
  const { failed, longest } = await liveness.end();
  if (lag > 250) say(`overload: the load itself was up to ${Math.round(lag)} ms late; is the machine busy?`);
  const { 200: good = 0, 503: shed = 0, ...others } = statuses;
  if (Object.keys(others).length > 0) throw new Error(`answers other than 200 and 503: ${JSON.stringify(others)}`);
  return {
    goodput: good / SECONDS,
    shed: shed / SECONDS,
    missed: missed / SECONDS,
    broken: Object.values(errors).reduce((sum, count) => sum + count, 0),
    p50,
    p99,
    livezFailed: failed,
    livezLongest: longest,
  };
}

function measuresOf(crowd: Crowd, results: Record<Variant, readonly Overloaded[]>, saturation: number): Measure[] {
  const goodput = (variant: Variant): number[] => results[variant].map((result) => result.goodput);
  const [on, off] = [goodput('on'), goodput('off')];
  return [
    ...variants.flatMap((variant) => {
      const values = (key: keyof Overloaded): number[] => results[variant].map((result) => result[key]);
      return [
        summary(`overload, ${crowd}, shedding ${variant}: good answers`, '/s', values('goodput')),
        summary('  shed with 503', '/s', values('shed')),
        summary('  given up by the client after 1 s', '/s', values('missed')),
        summary('  broken connections', 'count', values('broken')),
        summary('  p50 of good answers', 'ms', values('p50')),
        summary('  p99 of good answers', 'ms', values('p99')),
        summary(
          '  /livez that failed, in all rounds',
          'count',
          [values('livezFailed').reduce((sum, count) => sum + count, 0)],
          variant === 'on' ? { atMost: 0 } : {},
        ),
        summary('  longest /livez', 'ms', values('livezLongest')),
      ];
    }),
    summary(
      '  good answers on ÷ off',
      'x',
      on.map((value, round) => value / (off[round] ?? Number.NaN)),
      { atLeast: 1 },
    ),
    summary(
      '  good answers on ÷ saturation',
      'x',
      on.map((value) => value / saturation),
    ),
  ];
}
