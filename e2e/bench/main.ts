// `make bench`: measures what the README promises, on a stack of its own, and prints it beside what was asked for.
// Usage: node e2e/bench/main.ts [--rounds 20] [--part faults] [--cold] [--json]
//   --part measures that part alone; may be repeated
//   --cold also compiles the tools once from nothing, downloads included (about six minutes on two cores)
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Parts, reportBench, runParts } from '@gitops/report/bench';
import { instance } from './bench.ts';
import { measureDeployments } from './deployments.ts';
import { measureFaults } from './faults.ts';
import { measureMonitoring } from './monitoring.ts';
import { measurePodStarts } from './pod-starts.ts';
import { measureRelease } from './release.ts';
import { measureScale } from './scale.ts';
import { makeUp, measureColdStart, measureStarts, reset } from './starts.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    part: { type: 'string', multiple: true },
    cold: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number from 1 up (it is ${values.rounds})`);

const all: Parts = {
  starts: measureStarts,
  deployments: async () => {
    // Running already, unless the part before failed.
    await makeUp();
    return measureDeployments(rounds);
  },
  pods: async () => {
    await makeUp();
    return measurePodStarts(rounds);
  },
  monitoring: async () => {
    await makeUp();
    return measureMonitoring();
  },
  release: async () => {
    await makeUp();
    return measureRelease();
  },
  faults: async (fail) => {
    await makeUp();
    return measureFaults(fail);
  },
  // On a machine of its own: nothing else is deployed there.
  scale: async () => {
    await reset();
    await makeUp();
    return measureScale();
  },
  ...(values.cold && { cold: measureColdStart }),
};
const unknown = values.part?.find((name) => !Object.hasOwn(all, name));
if (unknown !== undefined) throw new Error(`--part must be one of ${Object.keys(all).join(', ')} (it is ${unknown})`);
const parts = Object.fromEntries(Object.entries(all).filter(([name]) => values.part?.includes(name) ?? true));
try {
  const result = { rounds, ...(await runParts(parts)) };
  reportBench(result, { file: resolve(instance.root, '.local/bench.json'), json: values.json });
} finally {
  await reset();
}
