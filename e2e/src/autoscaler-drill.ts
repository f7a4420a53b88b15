import type { Test } from 'tap';
import { machineLoad } from './machine-load.ts';
import { makeLoad, scalingText } from './make-load.ts';
import type { Stack } from './stack.ts';

/** Of the chart; the maximum is that of clusters/local/fastify-service.yaml. */
export const [MINIMUM, MAXIMUM] = [2, 4];

/** Load that two pods are too few for, all the time. How fast it is met is printed, not asserted. */
export async function scaleOut(t: Test, stack: Stack, duration: string): Promise<void> {
  t.equal((await stack.deployment()).spec.replicas, MINIMUM, 'it begins with the minimum');
  // The soak's requests at its half of the rate: 400 a second, as the plateau of the scenario `load`.
  const { summary } = await makeLoad(stack, 'soak', { duration, rate: 800 });
  t.comment(`${scalingText(summary)}\nload of the machine: ${machineLoad()}`);
  t.equal(summary.scaling?.lowest, MINIMUM);
  t.ok((summary.scaling?.highest ?? 0) > MINIMUM, 'pods were added');
  t.ok((summary.scaling?.highest ?? 0) <= MAXIMUM, 'not more than the maximum');
}
