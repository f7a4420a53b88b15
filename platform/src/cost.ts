import type { Controller } from '@gitops/settings';
import { type AddedNodes, instanceHour, type Prices, readPrices, regionPrices } from '@gitops/settings/prices';
import { valueAt } from '@gitops/settings/yaml-file';

// What the stacks of a cluster cost a month by list price: a figure to compare plans with, and to be warned by before a
// bill comes. The bill itself depends on traffic, which is assumed (see packages/settings/data/prices.json).

/** One resource of a stack or of a plan. */
export interface Resource {
  readonly type: string;
  readonly values: object;
}

/** One line of the table. */
export interface Cost {
  readonly item: string;
  readonly quantity: number;
  /** US dollars a month. */
  readonly usd: number;
}

/** The resources that a cdk.tf.json declares. */
export function declaredResources(stack: {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, object>>>>;
}): Resource[] {
  const resources: Resource[] = [];
  for (const [type, byId] of Object.entries(stack.resource ?? {}))
    for (const values of Object.values(byId)) resources.push({ type, values });
  return resources;
}

/** The resources that there will be after a plan, from `tofu show -json`. */
export const plannedResources = (plan: {
  readonly planned_values?: {
    readonly root_module?: {
      readonly resources?: readonly { readonly mode: string; readonly type: string; readonly values: object }[];
    };
  };
}): Resource[] =>
  (plan.planned_values?.root_module?.resources ?? [])
    .filter(({ mode }) => mode === 'managed')
    .map(({ type, values }) => ({ type, values }));

/**
 * What the resources of a cluster cost a month, one line a kind, the most expensive first.
 * @param region decides the prices; throws where packages/settings/data/prices.json has none for it or for an instance type
 * @param cluster.controllers what they create costs as well, load balancers and volumes
 * @param cluster.added the nodes that Karpenter has added
 */
export function monthlyCosts(
  resources: readonly Resource[],
  region: string,
  { controllers, added }: { readonly controllers: readonly Controller[]; readonly added?: AddedNodes | undefined },
  prices: Prices = readPrices(),
): Cost[] {
  const { assumed, hoursPerMonth } = prices;
  const price = regionPrices(prices, region);
  const costs: Cost[] = [];
  const monthly = (item: string, quantity: number, each: number): void => {
    if (quantity > 0) costs.push({ item, quantity, usd: quantity * each });
  };
  const hourly = (item: string, quantity: number, perHour: number): void => {
    monthly(item, quantity, perHour * hoursPerMonth);
  };
  const all = (type: string): object[] =>
    resources.filter((resource) => resource.type === type).map(({ values }) => values);
  const count = (type: string): number => all(type).length;

  hourly('EKS control plane', count('aws_eks_cluster'), price.eksClusterHour);

  let nodes = 0;
  for (const group of all('aws_eks_node_group')) {
    const { type, size, isSpot } = nodeGroup(group);
    hourly(`nodes, ${type}${isSpot ? ', spot' : ''}`, size, instanceHour(prices, region, type, isSpot));
    nodes += size;
  }
  if (added !== undefined) {
    const { type, isSpot, count: size } = added;
    hourly(`added nodes, ${type}${isSpot ? ', spot' : ''}`, size, instanceHour(prices, region, type, isSpot));
    nodes += size;
  }
  monthly('node disks, GiB of gp3', nodes * diskGiB(all('aws_launch_template')), price.gp3GigabyteMonth);

  const volumes = controllers.includes('kube-prometheus-stack') ? assumed.volumeGigabytes : 0;
  monthly('volumes of pods, GiB of gp3 assumed', volumes, price.gp3GigabyteMonth);

  const gateways = count('aws_nat_gateway');
  hourly('NAT gateways', gateways, price.natGatewayHour);
  monthly('NAT traffic, GB assumed', gateways === 0 ? 0 : assumed.natGigabytes, price.natGigabyte);

  const balancers = controllers.includes('aws-load-balancer-controller') ? assumed.loadBalancers : 0;
  const capacityUnits = assumed.loadBalancerCapacityUnits * price.loadBalancerCapacityUnitHour;
  hourly('load balancers, assumed', balancers, price.loadBalancerHour + capacityUnits);
  // A load balancer has a public address in each of its zones.
  const zones = new Set(all('aws_subnet').map((subnet) => valueAt(subnet, ['availability_zone']))).size;
  hourly('public IPv4 addresses', count('aws_eip') + balancers * zones, price.publicAddressHour);

  const endpoints = interfaceEndpoints(all('aws_vpc_endpoint'), zones);
  hourly('interface endpoints, each in each zone', endpoints, price.interfaceEndpointHour);
  const hasLogs = count('aws_cloudwatch_log_group') > 0;
  monthly('logs, GB assumed', hasLogs ? assumed.logGigabytes : 0, price.logGigabyte);
  const hasBackups = count('aws_backup_plan') > 0;
  monthly('backups of volumes, GB assumed', hasBackups ? assumed.backupGigabytes : 0, price.backupGigabyteMonth);
  monthly('KMS keys', count('aws_kms_key'), price.kmsKeyMonth);
  monthly('secrets', count('aws_secretsmanager_secret'), price.secretMonth);
  return costs.sort((a, b) => b.usd - a.usd);
}

/** US dollars a month, all lines together. */
export const totalOf = (costs: readonly Cost[]): number => costs.reduce((sum, { usd }) => sum + usd, 0);

const nodeGroup = (group: object): { type: string; size: number; isSpot: boolean } => ({
  type: String(first(group, 'instance_types')),
  size: Number(valueIn(group, 'scaling_config', 'desired_size')),
  isSpot: valueAt(group, ['capacity_type']) === 'SPOT',
});

/** The disk of one node. */
function diskGiB(templates: readonly object[]): number {
  let size = 0;
  for (const template of templates)
    size += Number(valueIn(first(template, 'block_device_mappings'), 'ebs', 'volume_size'));
  return size;
}

/** Interface endpoints, counted in each subnet; where a plan does not list these, in each zone. */
function interfaceEndpoints(endpoints: readonly object[], zones: number): number {
  let count = 0;
  for (const endpoint of endpoints) {
    if (valueAt(endpoint, ['vpc_endpoint_type']) !== 'Interface') continue;
    const subnets = valueAt(endpoint, ['subnet_ids']);
    count += Array.isArray(subnets) ? subnets.length : zones;
  }
  return count;
}

/** A block is a map in a stack and a list in a plan. */
const first = (from: unknown, key: string): unknown => {
  const value = valueAt(from, [key]);
  return Array.isArray(value) ? (value as unknown[])[0] : value;
};
const valueIn = (from: unknown, block: string, key: string): unknown => valueAt(first(from, block), [key]);
