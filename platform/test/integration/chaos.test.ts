import t, { type Test } from 'tap';
import { inventory, openPlatform, outputOf, type Platform } from '../platform-in-tests.ts';
import type { Run } from '../simulated-aws/engine.ts';

// The largest of the clusters, with everything that a setting can add to it.
const CHANGES = [['production', 'deletionProtection: true', 'deletionProtection: false']] as const;
const ACCOUNT = 'bootstrap-333333333333';
const STACKS = ['production-network', 'production-cluster', 'production-argocd'];

/**
 * Interrupts the command line in the midst of its first change, again and again until nothing is left to do: each run
 * ends one change further. One change at a time, so that it is known which.
 */
async function interruptOften(platform: Platform, stack: string, step: 'apply' | 'destroy'): Promise<number> {
  for (let runs = 1; runs < 300; runs += 1) {
    const before = platform.cloud.operations;
    const run = await interrupted(platform, stack, step);
    const changes = platform.cloud.operations - before;
    if (run.code === 0 && changes === 0) return runs;
    if (changes !== 1) throw new Error(`a run that was interrupted made ${changes} changes: ${outputOf(run)}`);
  }
  throw new Error(`${stack} ${step}: no end in sight`);
}

/**
 * A run that is interrupted once AWS has made its first change, before AWS answers: no other change begins meanwhile.
 */
async function interrupted(platform: Platform, stack: string, step: 'apply' | 'destroy'): Promise<Run> {
  const engine = platform.engine(stack);
  let isFirst = true;
  platform.cloud.faults.after = async () => {
    const { pid } = engine;
    if (!isFirst || pid === undefined) return;
    isFirst = false;
    const stopping = new Promise<void>((resolve) => (platform.cloud.faults.stopping = resolve));
    process.kill(pid, 'SIGINT');
    await stopping;
  };
  const run = await engine[step]('-parallelism=1', '-refresh=false');
  platform.cloud.faults.after = () => undefined;
  return run;
}

async function opened(t: Test): Promise<Platform> {
  return openPlatform(t, ({ name }) => name === ACCOUNT || STACKS.includes(name), CHANGES);
}

t.test(
  'interrupted at each change in turn and run again, it is as if nothing had happened; so on the way back',
  async (t) => {
    const [calm, haunted] = [await opened(t), await opened(t)];
    await calm.apply(ACCOUNT, ...STACKS);
    await haunted.apply(ACCOUNT);
    const before = inventory(haunted);
    for (const stack of STACKS) {
      await haunted.engine(stack).init();
      t.ok((await interruptOften(haunted, stack, 'apply')) > 2, stack);
      const plan = await haunted.engine(stack).plan();
      t.equal(plan.code, 0, `${stack} is as planned${plan.code === 0 ? '' : outputOf(plan)}`);
    }
    t.same(inventory(haunted), inventory(calm), 'nothing is missing and nothing is there twice');
    for (const stack of STACKS.toReversed()) await interruptOften(haunted, stack, 'destroy');
    t.same(inventory(haunted), before);
  },
);

t.test('AWS may throttle every call', async (t) => {
  const platform = await opened(t);
  Object.assign(platform.cloud.faults, { throttle: 3 });
  await platform.apply(ACCOUNT, ...STACKS);
  t.ok(platform.cloud.throttled > 300);
  Object.assign(platform.cloud.faults, { throttle: 25 });
  t.match((await platform.engine('production-argocd').destroy()).errors, [/^Throttling/]);
  Object.assign(platform.cloud.faults, { throttle: 0 });
  t.equal((await platform.engine('production-argocd').destroy()).code, 0, 'and once it answers again, it goes on');
});
