import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { SynthesizedStack } from '../../src/app.ts';
import type { AddedInstance } from '../../src/commands/search.ts';
import { requireEmptyZones } from '../../src/commands/zones.ts';
import type { Tofu } from '../../src/tofu.ts';
import { CALLER, storyOf } from '../apply-in-tests.ts';
import { type Change, openPlatform, outputOf, type Platform } from '../platform-in-tests.ts';
import type { Values } from '../simulated-aws/values.ts';

// Changes of a cluster's settings while it serves: what they do in AWS, and that at no moment the nodes or their way out
// of the network are gone.

/** What is wrong with the cluster at this moment; undefined where all is well. */
function outage({ cloud }: Platform): string | undefined {
  const serves = cloud.things('aws_eks_node_group').length > 0;
  if (!serves && cloud.things('aws_eks_cluster').length > 0) return 'no node group';
  for (const subnet of cloud.things('aws_subnet')) {
    if ((subnet.values.tags as Record<string, string>).tier !== 'private') continue;
    const association = cloud
      .things('aws_route_table_association')
      .find(({ values }) => values.subnet_id === subnet.id);
    // A subnet that is new has no nodes yet.
    if (association === undefined) continue;
    const route = cloud
      .things('aws_route')
      .find(({ values }) => values.route_table_id === association.values.route_table_id);
    const gateway = cloud.things('aws_nat_gateway').find(({ id }) => id === route?.values.nat_gateway_id);
    if (gateway === undefined) return `no way out of ${String(subnet.values.availability_zone)}`;
  }
  return undefined;
}

/** Applies stacks to what their settings are now, and returns what happened to some types: `update aws_route`. */
async function applied(t: Test, platform: Platform, stacks: readonly string[], types: RegExp): Promise<string[]> {
  const { cloud } = platform;
  const before = cloud.timeline.length;
  const outages = new Set<string>();
  cloud.faults.after = () => {
    const found = outage(platform);
    if (found !== undefined) outages.add(`${found}, after ${cloud.timeline.at(-1)?.type ?? ''}`);
  };
  for (const stack of stacks) {
    const run = await platform.engine(stack).apply();
    t.equal(run.code, 0, `${stack}${run.code === 0 ? '' : outputOf(run)}`);
  }
  cloud.faults.after = () => undefined;
  t.same([...outages], []);
  return cloud.timeline
    .slice(before)
    .filter(({ type }) => types.test(type))
    .map(({ operation, type }) => `${operation} ${type}`);
}

const NETWORK = ['bootstrap-111111111111', 'dev-network'];
const ROUTING = /^aws_(nat_gateway|route|route_table|route_table_association)$/;
const ONE: Change = ['dev', 'natGateways: one', 'natGateways: one # again'];
const PER_ZONE: Change = ['dev', 'natGateways: one', 'natGateways: per-zone'];

t.test('NAT gateways: one, then one for each zone, and back', async (t) => {
  const platform = await openPlatform(t, ({ name }) => NETWORK.includes(name));
  await platform.apply(...NETWORK);
  // What does not wait for it is then too early.
  Object.assign(platform.cloud.faults, { delays: { aws_route: 200 } });
  platform.change(PER_ZONE);
  t.same(await applied(t, platform, ['dev-network'], ROUTING), ['create aws_nat_gateway', 'update aws_route']);
  platform.change(ONE);
  t.same(await applied(t, platform, ['dev-network'], ROUTING), ['update aws_route', 'delete aws_nat_gateway']);
  t.equal(platform.cloud.things('aws_eip').length, 1, 'no address is paid for in vain');
  t.equal((await platform.engine('dev-network').plan()).code, 0);
});

interface StackJson {
  readonly resource: Record<string, Record<string, Values>>;
  moved?: unknown;
}

t.test('a network whose zones shared a table until now gets one for each', async (t) => {
  const platform = await openPlatform(t, ({ name }) => NETWORK.includes(name));
  const file = join(platform.engine('dev-network').folder, 'cdk.tf.json');
  const now = readFileSync(file, 'utf8');
  const stack = JSON.parse(now.replaceAll('private-us-east-1a-routes', 'private-routes')) as StackJson;
  Reflect.deleteProperty(stack, 'moved');
  Reflect.deleteProperty(stack.resource.aws_route_table ?? {}, 'private-us-east-1b-routes');
  Reflect.deleteProperty(stack.resource.aws_route ?? {}, 'private-to-nat-us-east-1b');
  const shared = '${aws_route_table.private-routes.id}';
  const association = stack.resource.aws_route_table_association?.['private-us-east-1b-association'] ?? {};
  Object.assign(association, { route_table_id: shared, depends_on: [] });
  Object.assign(stack.resource.aws_vpc_endpoint?.['endpoint-s3'] ?? {}, { route_table_ids: [shared] });
  writeFileSync(file, JSON.stringify(stack));
  await platform.apply(...NETWORK);
  t.equal(platform.cloud.things('aws_route_table').length, 2, 'public and private');

  writeFileSync(file, now);
  Object.assign(platform.cloud.faults, { delays: { aws_route: 200 } });
  t.same((await applied(t, platform, ['dev-network'], ROUTING)).sort(), [
    'create aws_route',
    'create aws_route_table',
    'update aws_route_table_association',
  ]);
});

const THREE_ZONES: Change = [
  'dev',
  '  natGateways: one',
  '  zones: [us-east-1a, us-east-1b, us-east-1c]\n  natGateways: one',
];
const REPLACED = ['create aws_eks_node_group', 'delete aws_eks_node_group'];
const UPDATED = ['update aws_eks_node_group'];
const ON_DEMAND: Change = ['dev', 'capacityType: spot', 'capacityType: on-demand'];
const sized = (min: number, desired: number, max: number): Change => [
  'dev',
  /minSize: 2\n +desiredSize: 2\n +maxSize: 6/,
  `minSize: ${min}\n  desiredSize: ${desired}\n  maxSize: ${max}`,
];

interface NodeChange {
  readonly name: string;
  readonly changes: readonly Change[];
  /** What it does to the node group. */
  readonly effect: readonly string[];
  /** The stacks, in the order in which they are applied. */
  readonly stacks?: readonly string[];
}

/** One after the other. */
const NODE_CHANGES: readonly NodeChange[] = [
  { name: 'a larger instance type', changes: [['dev', 't3.medium', 't3.large']], effect: REPLACED },
  {
    name: 'another architecture',
    changes: [
      ['dev', 't3.medium', 't4g.medium'],
      ['dev', '[t3.medium, t3.large]', '[t4g.medium, t4g.large]'],
    ],
    effect: REPLACED,
  },
  { name: 'on-demand', changes: [ON_DEMAND], effect: REPLACED },
  { name: 'a larger disk', changes: [ON_DEMAND, ['dev', 'diskGiB: 20', 'diskGiB: 30']], effect: UPDATED },
  { name: 'more nodes', changes: [ON_DEMAND, sized(2, 3, 6)], effect: UPDATED },
  { name: 'all bounds above what runs', changes: [ON_DEMAND, sized(4, 5, 5)], effect: UPDATED },
  { name: 'all bounds below what runs', changes: [ON_DEMAND, sized(1, 1, 1)], effect: UPDATED },
  {
    name: 'a third zone',
    changes: [ON_DEMAND, sized(1, 1, 1), THREE_ZONES],
    effect: REPLACED,
    stacks: ['dev-network', 'dev-cluster'],
  },
  {
    name: 'a zone less: the nodes leave it before its network goes',
    changes: [ON_DEMAND, sized(1, 1, 1)],
    effect: REPLACED,
    stacks: ['dev-cluster', 'dev-network'],
  },
];

/** Whether a network may be applied, as `make apply` asks before. */
function networkCheck(platform: Platform): (root: string, added?: readonly AddedInstance[]) => Promise<void> {
  const stackOf = (name: string): SynthesizedStack => {
    const found = platform.stacks.find((stack) => stack.name === name);
    if (found === undefined) throw new Error(`no stack ${name}`);
    return { ...found, folder: platform.engine(name).folder };
  };
  const tofu: Tofu = {
    run: async () => Promise.resolve(),
    capture: async ({ name }, args) => (await platform.engine(name).run(...args)).output,
    tryCapture: async ({ name }, args) => platform.engine(name).run(...args),
  };
  return async (root, added = []) =>
    requireEmptyZones(
      tofu,
      stackOf('dev-network'),
      async () => Promise.resolve(stackOf('dev-cluster')),
      async () => Promise.resolve(added),
      root,
    );
}

const refusal = (rule: string): { name: string; message: RegExp } => ({
  name: 'SettingsError',
  message: new RegExp(`^clusters/\\w+/cluster.yaml:\\d+: network.zones: ${rule}`),
});

t.test('a network keeps a zone while nodes run there, and the order of all', async (t) => {
  const platform = await openPlatform(t, ({ name }) => [...NETWORK, 'dev-cluster'].includes(name));
  const check = networkCheck(platform);
  await platform.apply(...NETWORK, 'dev-cluster');
  platform.change(THREE_ZONES);
  await platform.apply('dev-network', 'dev-cluster');
  const moved = platform.change(['dev', '  natGateways: one', '  zones: [us-east-1a, us-east-1c]\n  natGateways: one']);
  await t.rejects(check(moved), refusal('must keep the order of the zones that are there'));
  const root = platform.change(ONE);
  await t.rejects(check(root), refusal('must keep us-east-1c until its nodes are gone; '));
  t.equal((await platform.engine('dev-cluster').apply()).code, 0);
  const kept = { id: 'i-0', zone: 'us-east-1a' };
  const left = { id: 'i-1', zone: 'us-east-1c' };
  await t.rejects(
    check(root, [kept, left]),
    refusal('must keep the zones of nodes that Karpenter added: i-1 in us-east-1c; '),
  );
  await check(root, [kept]);
  t.equal((await platform.engine('dev-network').apply()).code, 0);
  await check(root);
});

t.test('a network keeps the zones that the control plane was created in', async (t) => {
  const platform = await openPlatform(t, ({ name }) => [...NETWORK, 'dev-cluster'].includes(name), [THREE_ZONES]);
  await platform.apply(...NETWORK, 'dev-cluster');
  const root = platform.change(ONE);
  t.equal((await platform.engine('dev-cluster').apply()).code, 0, 'the nodes leave it, the control plane cannot');
  await t.rejects(networkCheck(platform)(root), refusal('must keep us-east-1c: the control plane was created there'));
});

t.test('node groups: the new one comes before the old one goes, and sizes are set', async (t) => {
  const platform = await openPlatform(t, ({ name }) => [...NETWORK, 'dev-cluster'].includes(name));
  await platform.apply(...NETWORK, 'dev-cluster');
  const { cloud } = platform;
  for (const { name, changes, effect, stacks = ['dev-cluster'] } of NODE_CHANGES) {
    platform.change(...changes);
    t.same(await applied(t, platform, stacks, /^aws_eks_node_group$/), effect, name);
    t.equal(cloud.things('aws_eks_node_group').length, 1, name);
  }
  for (const stack of ['dev-network', 'dev-cluster'])
    t.equal((await platform.engine(stack).plan()).code, 0, `${stack}: nothing is left to do`);
  const [group] = cloud.things('aws_eks_node_group');
  t.match(group?.values, {
    capacity_type: 'ON_DEMAND',
    instance_types: ['t3.medium'],
    scaling_config: [{ min_size: 1, desired_size: 1, max_size: 1 }],
  });
});

t.test(
  'killed while the new node group comes, it goes on: the old one still serves, and what is left is named',
  async (t) => {
    const stacks = [...NETWORK, 'dev-cluster'];
    const platform = await openPlatform(t, ({ name }) => stacks.includes(name));
    await platform.apply(...stacks);
    platform.change(['dev', 'capacityType: spot', 'capacityType: on-demand']);
    const { cloud } = platform;
    const [old] = cloud.things('aws_eks_node_group');
    cloud.faults.after = () => {
      const { pid } = platform.engine('dev-cluster');
      if (cloud.timeline.at(-1)?.type === 'aws_eks_node_group' && pid !== undefined) process.kill(pid, 'SIGKILL');
    };
    const { apply, printed } = storyOf(platform, t.testdirName);
    t.notOk(await apply('dev-cluster'));
    cloud.faults.after = () => undefined;
    const lost = cloud.things('aws_eks_node_group').find(({ id }) => id !== old?.id);
    t.ok(await apply('dev-cluster'));
    t.match(printed.join('\n'), `has others in their place; check and delete them:\n  ${String(lost?.values.arn)}`);
    t.same(
      cloud.tagged({ cluster: 'dev' }, CALLER).filter(({ arn }) => arn.includes(':nodegroup/')).length,
      2,
      'the one of the state and the one that was lost; the old one is gone',
    );
    t.equal((await platform.engine('dev-cluster').plan()).code, 0);
  },
);
