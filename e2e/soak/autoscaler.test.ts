import t from 'tap';
import { MINIMUM, scaleOut } from '../src/autoscaler-drill.ts';
import { Stack, until } from '../src/stack.ts';

const stack = await Stack.open();

t.test('the autoscaler adds pods under a steady load, and takes them away after it', async (t) => {
  await scaleOut(t, stack, '5m');
  const start = Date.now();
  const seen: number[] = [];
  await until(
    'the minimum of pods again',
    async () => {
      const { replicas } = (await stack.deployment()).spec;
      if (seen.at(-1) !== replicas) seen.push(replicas);
      return replicas === MINIMUM ? true : undefined;
    },
    // Five quiet minutes, and a quarter of the pods in each minute after that.
    600_000,
  );
  t.comment(`pods after the load: ${seen.join(', ')}; the minimum again after ${(Date.now() - start) / 1000} s`);
  t.same(
    seen,
    [...seen].sort((a, b) => b - a),
    'it only takes away',
  );
});
