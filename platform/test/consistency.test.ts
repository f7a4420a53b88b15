import t from 'tap';
import { openPlatform } from './platform-in-tests.ts';
import type { Caller } from './simulated-aws/cloud.ts';
import { LATE } from './simulated-aws/limits/late.ts';
import { repeated } from './simulated-aws/repeated.ts';

// What AWS has made is not known to all of its services at once: their first calls are refused. The provider repeats what it
// knows to pass; all else the stacks order.

const caller: Caller = { accountId: '111111111111', region: 'us-east-1', defaultTags: {} };
const STACKS = ['bootstrap-111111111111', 'registry', 'dev-network', 'dev-cluster'];

const platform = await openPlatform(t, ({ name }) => STACKS.includes(name), [
  ['dev', 'customerKey: false', 'customerKey: true'],
]);
const { cloud } = platform;

t.test('the stacks come to their end while nothing new is known for a hundred operations', async (t) => {
  Object.assign(cloud.faults, { propagation: 100 });
  await platform.apply(...STACKS);
  Object.assign(cloud.faults, { propagation: 100 });
  const refused = new Set(cloud.timeline.filter(({ ended }) => !Number.isFinite(ended)).map(({ type }) => type));
  for (const type of ['aws_flow_log', 'aws_eks_access_policy_association', 'aws_kms_alias', 'aws_iam_role'])
    t.ok(refused.has(type), `${type} had to wait`);
});

t.test('each is refused in the words that the provider repeats it at, and accepted later', async (t) => {
  const first = cloud.remember();
  for (const [type, causes] of Object.entries(LATE)) {
    for (const { to, names, nameOf, error, repeatedAt } of causes) {
      first();
      const madeAt = (name: string): number => {
        const thing = cloud.things(to).find((candidate) => nameOf(candidate) === name);
        return cloud.timeline.findLastIndex(
          (entry) => entry.operation === 'create' && entry.type === to && entry.id === thing?.id,
        );
      };
      // Roles of people are not made here.
      const sample = cloud.things(type).find(({ values }) => names(values).some((name) => madeAt(name) >= 0));
      if (sample === undefined) throw new Error(`no ${type} names a ${to}`);
      cloud.remove(sample);
      const [name = ''] = names(sample.values);
      // New until two operations from now.
      Object.assign(cloud.faults, { propagation: cloud.timeline.length - madeAt(name) + 2 });
      const says = error(name).join(': ');
      await t.rejects(cloud.create(type, sample.values, caller), { message: says }, `${type} while ${to} is new`);
      t.match(says, repeatedAt);
      await t.resolves(
        repeated(type, async () => cloud.create(type, sample.values, caller)),
        'the provider repeats it until it passes',
      );
      Object.assign(cloud.faults, { propagation: 100 });
    }
  }
  first();
});
