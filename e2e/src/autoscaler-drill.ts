import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { processesOf, servicePods } from './faults.ts';
import { machineLoad } from './machine-load.ts';
import { makeLoad, scalingText } from './make-load.ts';
import type { Stack } from './stack.ts';

/** Of the chart; the maximum is that of clusters/local/fastify-service.yaml. */
export const [MINIMUM, MAXIMUM] = [2, 4];

/** The chart's request of CPU, in cores; the autoscaler wants 65 % of it in use. */
const REQUESTED = 0.25;
/** What the load uses of the minimum's requests: far more than the autoscaler wants, not more than the maximum's pods bear. */
const USED = 1.3;
/** Parts of RATE in the scenarios smoke and soak. */
const [SMOKE, SOAK] = [0.02, 0.5];

/** Seconds of CPU that the processes of the service's pods have used: the clock of /proc ticks a hundred times a second. */
async function cpuSeconds(stack: Stack): Promise<number> {
  let ticks = 0;
  for (const pod of await servicePods(stack))
    for (const pid of processesOf(stack.instance, pod)) {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      // Time in user mode and in the kernel: fields 14 and 15 of proc_pid_stat(5).
      ticks += Number(fields[11]) + Number(fields[12]);
    }
  return ticks / 100;
}

/** Requests per second that two pods are too few for. Measured, since a request costs less on a faster machine. */
async function rateFor(t: Pick<Test, 'comment'>, stack: Stack): Promise<number> {
  const some = async (): Promise<number> =>
    (await makeLoad(stack, 'smoke', { duration: '10s', rate: 150 / SMOKE })).summary.total.requests;
  // The first thousand requests of a process cost twice as much: their code is not compiled yet.
  await some();
  const before = await cpuSeconds(stack);
  const requests = await some();
  const perRequest = ((await cpuSeconds(stack)) - before) / requests;
  const rate = Math.ceil((MINIMUM * REQUESTED * USED) / perRequest);
  t.comment(`a request costs ${(perRequest * 1000).toFixed(2)} ms of CPU: ${rate} a second`);
  return rate;
}

/** Load that two pods are too few for, all the time. How fast it is met is printed, not asserted. */
export async function scaleOut(t: Test, stack: Stack, duration: string): Promise<void> {
  t.equal((await stack.deployment()).spec.replicas, MINIMUM, 'it begins with the minimum');
  const { summary } = await makeLoad(stack, 'soak', { duration, rate: (await rateFor(t, stack)) / SOAK });
  t.comment(`${scalingText(summary)}\nload of the machine: ${machineLoad()}`);
  t.equal(summary.scaling?.lowest, MINIMUM);
  t.ok((summary.scaling?.highest ?? 0) > MINIMUM, 'pods were added');
  t.ok((summary.scaling?.highest ?? 0) <= MAXIMUM, 'not more than the maximum');
}
