// `make bench`, the part that measures the service: what a request costs, how soon it serves, what it does under too
// much load and while it is replaced. Everything runs on this machine: servers on one core, load on the other.
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Fail, type Parts, reportBench, runParts } from '@gitops/report/bench';
import type { Measure } from '@gitops/report/measure';
import { measureBoot } from './boot.ts';
import { type Builds, createBuilds } from './builds.ts';
import { CORES } from './children.ts';
import { measureCost } from './cost.ts';
import { measureOverload } from './overload.ts';
import { measureRolling } from './rolling.ts';

const usage = `Usage: node service/bench/main.ts [--rounds 7] [--only cost,boot,overload,rolling] [--json]
  --rounds   how often each thing is measured; boot at least 10 times, overload a half as often, at least 3 times, rolling once
  --only     parts to measure, with commas between them
  --json     print JSON instead of a table; .local/bench-service.json is written in any case
A part that fails loses its own figures and no other's; the exit code is 1 then.`;

type Measurement = (builds: Builds, rounds: number, say: (text: string) => void, fail: Fail) => Promise<Measure[]>;

const parts = {
  cost: measureCost,
  boot: measureBoot,
  overload: measureOverload,
  rolling: async (builds, _rounds, say) => measureRolling(builds, say),
} as const satisfies Record<string, Measurement>;
type Part = keyof typeof parts;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', default: Object.keys(parts).join(',') },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit();
}
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds must be a whole number from 1 on (it is ${values.rounds})`);
const only = values.only
  .split(',')
  .map((name) =>
    Object.hasOwn(parts, name)
      ? (name as Part)
      : fail(`--only knows ${Object.keys(parts).join(', ')} (not ${JSON.stringify(name)})`),
  );

function fail(message: string): never {
  console.error(`error: ${message}\n${usage}`);
  process.exit(1);
}

const start = performance.now();
const say = (text: string): void => {
  process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);
};

// This process belongs to the load: it asks, and reads what the servers write.
execFileSync('taskset', ['-acp', CORES.load, String(process.pid)], { stdio: 'ignore' });
const builds = await createBuilds();
process.on('exit', builds.remove);
say('bundled');

const selected: Parts = Object.fromEntries(
  only.map((part) => [part, async (fail: Fail) => parts[part](builds, rounds, say, fail)]),
);
reportBench(
  { rounds, ...(await runParts(selected)) },
  { file: resolve(import.meta.dirname, '../../.local/bench-service.json'), json: values.json },
);
