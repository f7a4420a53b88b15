import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { synthesize, type SynthesizedStack } from '../../src/app.ts';
import { BY_NAME, BY_OWNER, BY_TAGS, NOT_SOUGHT } from '../../src/recovery/identities.ts';
import { CALLER, type Story, storyOf } from '../apply-in-tests.ts';
import { inventory, openPlatform, outputOf, type Platform, repository } from '../platform-in-tests.ts';
import type { Thing } from '../simulated-aws/cloud.ts';
import { kindOf } from '../simulated-aws/kinds.ts';
import { AwsError } from '../simulated-aws/operations.ts';

const ACCOUNT = 'bootstrap-111111111111';
/** One change at a time, so that it is known which. */
const ONE = 1;
const STACKS = ['dev-network', 'dev-cluster', 'dev-argocd'];

/**
 * From now on OpenTofu is killed once AWS has created something, before AWS answers. What AWS overwrites without an
 * error may pass: each run does it again, and would never get further.
 */
function killAtChange(platform: Platform, name: string): void {
  platform.cloud.faults.after = () => {
    const { pid } = platform.engine(name);
    const { type = '' } = platform.cloud.timeline.at(-1) ?? {};
    if (pid !== undefined && kindOf(type).overwrites !== true) process.kill(pid, 'SIGKILL');
  };
}
const leaveAlone = ({ cloud }: Platform): void => void (cloud.faults.after = () => undefined);

t.test(
  'killed after each change in turn and run again, an apply leaves nothing missing and nothing twice',
  async (t) => {
    const isWanted = ({ name }: { name: string }): boolean => name === ACCOUNT || STACKS.includes(name);
    const [calm, haunted] = [await openPlatform(t, isWanted), await openPlatform(t, isWanted)];
    await calm.apply(ACCOUNT, ...STACKS);
    await haunted.apply(ACCOUNT);
    const { apply, printed } = storyOf(haunted, t.testdirName, ONE);
    for (const name of STACKS) {
      await haunted.engine(name).init();
      let kills = 0;
      killAtChange(haunted, name);
      while (!(await apply(name))) kills += 1;
      leaveAlone(haunted);
      t.ok(kills > 1, `${name}: killed ${kills} times`);
      const plan = await haunted.engine(name).plan();
      t.equal(plan.code, 0, `${name} is as planned${plan.code === 0 ? '' : outputOf(plan)}`);
      t.notOk(existsSync(join(haunted.engine(name).folder, 'recover.tf.json')), 'nothing is left beside the stack');
    }
    t.same(inventory(haunted), inventory(calm));
    t.notMatch(printed.join('\n'), /in their place/);

    for (const name of STACKS.toReversed()) {
      killAtChange(haunted, name);
      while ((await haunted.engine(name).destroy('-parallelism=1')).code !== 0);
      leaveAlone(haunted);
    }
    t.same(haunted.cloud.tagged({ cluster: 'dev' }, CALLER), [], 'and so on the way back');
  },
);

const openNetwork = async (t: Test): Promise<Story> => {
  const platform = await openPlatform(t, ({ name }) => [ACCOUNT, 'dev-network'].includes(name));
  await platform.apply(ACCOUNT);
  await platform.engine('dev-network').init();
  return storyOf(platform, t.testdirName, ONE);
};
const only = ({ cloud }: Platform, type: string): Thing => {
  const [thing, ...more] = cloud.things(type);
  if (thing === undefined || more.length > 0) throw new Error(`not one ${type}`);
  return thing;
};

t.test('a machine is lost with its state: nothing is created twice', async (t) => {
  const { platform, apply, printed } = await openNetwork(t);
  t.ok(await apply('dev-network'));
  t.same(printed, [], 'no search without a reason');
  const before = inventory(platform);
  rmSync(join(platform.engine('dev-network').folder, '../../../state/dev-network.tfstate'));
  t.ok(await apply('dev-network', { lost: true }));
  t.same(inventory(platform), before);
  t.equal((await platform.engine('dev-network').plan()).code, 0);
  t.match(printed, [
    /^an apply of dev-network was interrupted; it had created these, which are now in the state:\nRESOURCE +ID\n/,
  ]);
});

t.test('what exists twice stops it, with both named; what the state has another for is reported', async (t) => {
  const { platform, apply, printed } = await openNetwork(t);
  killAtChange(platform, 'dev-network');
  while (platform.cloud.things('aws_vpc').length === 0) t.notOk(await apply('dev-network'));
  leaveAlone(platform);
  const vpc = only(platform, 'aws_vpc');
  const second = platform.cloud.plant(
    'aws_vpc',
    { ...vpc.values, id: 'vpc-second', arn: 'arn:aws:ec2:us-east-1:111111111111:vpc/vpc-second' },
    CALLER,
  );
  const operations = platform.cloud.operations;
  await t.rejects(apply('dev-network'), {
    message: `aws_vpc.vpc exists more than once: ${String(vpc.values.arn)}, ${String(second.values.arn)}`,
    next: /^delete all but one/,
  });
  t.equal(platform.cloud.operations, operations, 'and nothing is made');

  platform.cloud.remove(second);
  t.ok(await apply('dev-network'));
  platform.cloud.plant('aws_vpc', second.values, CALLER);
  t.ok(await apply('dev-network', { lost: true }));
  t.match(printed.at(-1), /has others in their place[^]*\n {2}arn:aws:ec2:us-east-1:111111111111:vpc\/vpc-second$/);
  t.equal(platform.cloud.things('aws_vpc').length, 2, 'deleting it is for whoever looked');
});

t.test("another owner's resource with the name of one of ours is left alone", async (t) => {
  const { platform, apply } = await openNetwork(t);
  const name = 'gitops-platform.dev.flow-logs';
  platform.cloud.plant(
    'aws_iam_role',
    { id: name, name, arn: `arn:aws:iam::111111111111:role/${name}`, tags_all: { owner: 'somebody' } },
    CALLER,
  );
  const operations = platform.cloud.operations;
  await t.rejects(apply('dev-network', { lost: true }), {
    message: `aws_iam_role.flow-log-role cannot be created: ${name} already exists, without the tag stack=dev-network`,
  });
  t.equal(platform.cloud.operations, operations, 'nothing of it is changed');
  t.equal((await platform.engine('dev-network').run('state', 'list')).output.trim(), '');
});

t.test('an apply that fails, or is refused, needs no search afterwards', async (t) => {
  const { platform, apply, printed } = await openNetwork(t);
  Object.assign(platform.cloud.faults, { throttle: 25 });
  await t.rejects(apply('dev-network'), /Throttling/);
  Object.assign(platform.cloud.faults, { throttle: 0 });
  t.ok(await apply('dev-network'));
  t.same(printed, []);
});

t.test('credentials expire in the midst of an apply: it says so, and the next run goes on from there', async (t) => {
  const { platform, apply, printed } = await openNetwork(t);
  const { cloud } = platform;
  let made = 0;
  cloud.faults.before = () => {
    made += 1;
    if (made > 7) throw new AwsError('ExpiredToken', 'The security token included in the request is expired');
  };
  await t.rejects(apply('dev-network'), /ExpiredToken: The security token included in the request is expired/);
  t.ok(cloud.things('aws_vpc').length === 1 && cloud.things('aws_nat_gateway').length === 0, 'half of it is there');
  cloud.faults.before = () => undefined;
  t.ok(await apply('dev-network'));
  t.notMatch(printed.join('\n'), /interrupted/, 'the state has all that was made, so nothing is searched for');
  t.equal(cloud.things('aws_vpc').length, 1);
  t.equal((await platform.engine('dev-network').plan()).code, 0);
});

t.test('a stack that cannot be planned fails with the errors of the plan', async (t) => {
  const { platform, apply } = await openNetwork(t);
  const file = join(platform.engine('dev-network').folder, 'cdk.tf.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"cidr_block": "10.0.0.0/16"', '"cidr_blok": "10.0.0.0/16"'));
  await t.rejects(apply('dev-network', { lost: true }), { message: /^dev-network cannot be planned\n/ });
  t.notOk(existsSync(join(platform.engine('dev-network').folder, 'recover.tf.json')));
});

interface TypeOfStack {
  readonly place: string;
  readonly type: string;
  /** The tags of each resource. */
  readonly tags: readonly string[];
}

function typesOf({ name, folder }: SynthesizedStack): TypeOfStack[] {
  const { resource } = JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as {
    resource: Record<string, Record<string, { tags?: object }>>;
  };
  return Object.entries(resource).map(([type, byId]) => ({
    place: `${name} ${type}`,
    type,
    tags: Object.values(byId).map(({ tags = {} }) => JSON.stringify(tags)),
  }));
}

t.test('every type of every stack is found in one way or need not be; tags tell those found by them apart', (t) => {
  const types = synthesize(repository, join(t.testdir({}), 'out')).flatMap(typesOf);
  t.ok(types.length > 50);
  for (const { place, type, tags } of types) {
    const ways = [type in BY_NAME, type in BY_TAGS, type in NOT_SOUGHT, BY_OWNER.includes(type)];
    t.equal(ways.filter(Boolean).length, 1, place);
    if (type in BY_TAGS) t.equal(new Set(tags).size, tags.length, place);
  }
  t.end();
});
