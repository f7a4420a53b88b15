import { type Measure, summary } from '@gitops/report/measure';
import type { Builds } from './builds.ts';
import { endServers, startServer } from './server-process.ts';

const LEAST_ROUNDS = 10;

/** From the start of a process until it takes connections. The first of each, with cold disk caches, is left out. */
export async function measureBoot(builds: Builds, rounds: number, say: (text: string) => void): Promise<Measure[]> {
  const count = Math.max(rounds, LEAST_ROUNDS);
  const times = { ours: [] as number[], bareBundle: [] as number[], bare: [] as number[] };
  const variants = [
    { args: builds.ours, times: times.ours },
    { args: builds.bareBundle, times: times.bareBundle },
    { args: builds.bare, times: times.bare },
  ];
  for (let round = 0; round <= count; round += 1) {
    for (const variant of variants) {
      const process = await startServer(variant.args);
      await endServers([process]);
      if (round > 0) variant.times.push(process.bootMilliseconds);
    }
  }
  say(`boot: ${count} rounds`);
  const ratio = (under: readonly number[]): number[] =>
    times.ours.map((time, round) => time / (under[round] ?? Number.NaN));
  return [
    summary('boot: bare Fastify', 'ms', times.bare),
    summary('boot: bare Fastify, bundled', 'ms', times.bareBundle),
    summary('boot: ours, as it ships', 'ms', times.ours),
    summary('  ours ÷ bare', 'x', ratio(times.bare), { atMost: 1.5 }),
    summary('  ours ÷ bare, bundled', 'x', ratio(times.bareBundle)),
  ];
}
