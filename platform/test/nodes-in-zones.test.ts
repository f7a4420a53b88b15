import t from 'tap';
import { type AwsClusterSettings, readCluster } from '@gitops/settings';
import type { Volume } from '../src/commands/zone-facts.ts';
import { requireNoAddedNodes, requireZonesForNodes } from '../src/commands/zones.ts';
import { repositoryWith } from './platform-in-tests.ts';

// What `make apply` asks AWS before it changes nodes, and refuses.

t.test('nodes stay where volumes of pods are, and go where AWS has their type', async (t) => {
  const root = repositoryWith(t.testdir({}), []);
  const cluster = readCluster(root, 'dev');
  if (cluster.provider !== 'aws') throw new Error('dev is not on AWS');
  const check = async (volumes: readonly Volume[], offered: readonly string[]): Promise<void> =>
    requireZonesForNodes(cluster, root, {
      volumes: async () => Promise.resolve(volumes),
      offers: async () => Promise.resolve(offered),
    });
  const [a, b] = ['us-east-1a', 'us-east-1b'];
  await check([], []);
  await check([{ id: 'vol-1', zone: a }], [a, b, 'us-east-1c']);
  await t.rejects(
    check(
      [
        { id: 'vol-1', zone: a },
        { id: 'vol-2', zone: 'us-east-1c' },
      ],
      [a, b],
    ),
    {
      name: 'SettingsError',
      message:
        /^clusters\/shared\/cluster\.yaml:\d+: network\.zones: must keep the zones of the volumes that pods have: vol-2 in us-east-1c; move/,
    },
  );
  await t.rejects(check([], [a]), {
    message:
      /^clusters\/dev\/cluster\.yaml:\d+: nodeGroup\.instanceType: must be a type that AWS has in us-east-1b too; .*\n.*: nodePool\.instanceTypes: must have a type that AWS has in us-east-1b too; these are in us-east-1a/,
  });
});

t.test('the node pool stays while nodes that Karpenter added run', async (t) => {
  const root = repositoryWith(t.testdir({}), []);
  const cluster = readCluster(root, 'dev');
  if (cluster.provider !== 'aws') throw new Error('dev is not on AWS');
  const { nodePool, ...without } = cluster;
  t.ok(nodePool);
  const check = async (settings: AwsClusterSettings, ...ids: readonly string[]): Promise<void> =>
    requireNoAddedNodes(settings, root, async () => Promise.resolve(ids.map((id) => ({ id, zone: 'us-east-1a' }))));
  await check(cluster, 'i-1');
  await check(without);
  await t.rejects(check(without, 'i-1', 'i-2'), {
    message:
      /^clusters\/dev\/cluster\.yaml:\d+: nodePool: must stay while nodes .*: i-1 in us-east-1a, i-2 in us-east-1a; /,
  });
});
