import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { type Controller, readClusters } from '@gitops/settings';
import { nodeCounts } from '@gitops/settings/nodes';
import { addedNodes, fixedMonthlyUsd, nodeMonthlyUsd, readPrices } from '@gitops/settings/prices';
import { synthesize } from '../src/app.ts';
import { declaredResources, monthlyCosts, plannedResources, type Resource, totalOf } from '../src/cost.ts';

const repository = resolve(import.meta.dirname, '../..');
const near = (actual: number, expected: number): boolean => Math.abs(actual - expected) < 0.01;
const stacks = synthesize(repository, join(t.testdir(), 'out'));

t.test('no cluster lists for more than its budget', (t) => {
  for (const cluster of readClusters(repository)) {
    if (cluster.provider !== 'aws') continue;
    const resources = stacks
      .filter((stack) => stack.cluster === cluster.name)
      .flatMap(({ folder }) =>
        declaredResources(
          JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as Parameters<typeof declaredResources>[0],
        ),
      );
    const { controllers } = cluster;
    const costs = monthlyCosts(resources, cluster.region, { controllers, added: addedNodes(cluster, 'expected') });
    const total = totalOf(costs);
    t.ok(
      total <= cluster.budget.monthlyUsd,
      `${total.toFixed(0)} dollars; ` +
        `clusters/${cluster.name}/cluster.yaml: budget.monthlyUsd: ${cluster.budget.monthlyUsd}`,
    );
    // Alerts multiply the nodes that there are (packages/settings/src/prices.ts), as if all were of the group's type.
    const { group, added } = nodeCounts(cluster).expected;
    const fromSettings = fixedMonthlyUsd(cluster) + (group + added) * nodeMonthlyUsd(cluster);
    t.ok(
      near(fromSettings, total),
      `${cluster.name}: ${fromSettings.toFixed(2)} by its settings, ${total.toFixed(2)} by its stacks`,
    );
    // A budget far above is no ceiling.
    t.ok(
      total > cluster.budget.monthlyUsd * 0.7,
      `${cluster.name}: ${total.toFixed(0)} dollars are far below the budget of ${cluster.budget.monthlyUsd}`,
    );
  }
  t.end();
});

const group = (capacity_type: string): Resource => ({
  type: 'aws_eks_node_group',
  values: { instance_types: ['t3.medium'], capacity_type, scaling_config: { desired_size: 2 } },
});
const usd = (resources: readonly Resource[], ...controllers: readonly Controller[]): number =>
  totalOf(monthlyCosts(resources, 'us-east-1', { controllers }));

t.test('each kind costs what the list says', (t) => {
  t.ok(near(usd([{ type: 'aws_eks_cluster', values: {} }]), 73));
  t.ok(near(usd([group('ON_DEMAND')]), 60.736), 'two t3.medium');
  t.ok(near(usd([group('SPOT')]), 24.2944));
  t.ok(
    near(
      usd([
        group('ON_DEMAND'),
        { type: 'aws_launch_template', values: { block_device_mappings: [{ ebs: { volume_size: 20 } }] } },
      ]),
      63.936,
    ),
    'and 20 GiB each',
  );
  t.ok(
    near(
      usd([
        { type: 'aws_nat_gateway', values: {} },
        { type: 'aws_eip', values: {} },
      ]),
      32.85 + 2.25 + 3.65,
    ),
  );
  const subnets = ['a', 'b'].map((availability_zone) => ({ type: 'aws_subnet', values: { availability_zone } }));
  t.ok(
    near(usd(subnets, 'aws-load-balancer-controller'), 16.425 + 5.84 + 7.3),
    'a load balancer with an address in each zone',
  );
  t.ok(near(usd([], 'kube-prometheus-stack'), 2.24), 'the volumes of Prometheus, Alertmanager and Grafana');
  t.ok(
    near(usd([{ type: 'aws_vpc_endpoint', values: { vpc_endpoint_type: 'Interface', subnet_ids: ['a', 'b'] } }]), 14.6),
  );
  t.equal(usd([{ type: 'aws_vpc_endpoint', values: { vpc_endpoint_type: 'Gateway' } }]), 0);
  t.equal(usd([]), 0);
  t.end();
});

t.test('a plan and a stack give the same', (t) => {
  const values = { instance_types: ['t3.medium'], capacity_type: 'ON_DEMAND', scaling_config: [{ desired_size: 2 }] };
  const plan = {
    planned_values: {
      root_module: {
        resources: [
          { mode: 'managed', type: 'aws_eks_node_group', values },
          { mode: 'data', type: 'aws_nat_gateway', values: {} },
        ],
      },
    },
  };
  t.equal(usd(plannedResources(plan)), usd([group('ON_DEMAND')]));
  t.same(plannedResources({}), []);
  t.end();
});

t.test('each price of the default region says where it was read', (t) => {
  const { sources, ...prices } = readPrices().regions['us-east-1'] ?? {};
  t.ok(Object.keys(prices).length > 10);
  t.same(Object.keys(sources ?? {}).sort(), Object.keys(prices).sort());
  t.end();
});

t.test('what has no price is refused by name', (t) => {
  t.throws(() => monthlyCosts([], 'af-south-1', { controllers: [] }), /prices\.json has no prices for af-south-1/);
  const unknown = {
    type: 'aws_eks_node_group',
    values: { instance_types: ['m8g.large'], scaling_config: { desired_size: 2 } },
  };
  t.throws(() => monthlyCosts([unknown], 'us-east-1', { controllers: [] }), /no price for m8g\.large in us-east-1/);
  t.ok(Object.keys(readPrices().regions).length > 1);
  t.end();
});
