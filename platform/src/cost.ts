import { readFileSync } from 'node:fs';
import { valueAt } from '@gitops/settings/yaml-file';

// What the stacks of a cluster cost a month by list price. A figure to compare plans by, and to be warned by before a
// bill comes; the bill itself depends on traffic, which is assumed (platform/data/prices.json says how much).

interface RegionPrices {
  readonly eksClusterHour: number;
  readonly natGatewayHour: number;
  readonly natGigabyte: number;
  readonly publicAddressHour: number;
  readonly loadBalancerHour: number;
  readonly loadBalancerCapacityUnitHour: number;
  readonly gp3GigabyteMonth: number;
  readonly interfaceEndpointHour: number;
  readonly logGigabyte: number;
  readonly backupGigabyteMonth: number;
  readonly kmsKeyMonth: number;
  readonly secretMonth: number;
  readonly instanceHour: Readonly<Record<string, number>>;
}

export interface Prices {
  readonly hoursPerMonth: number;
  readonly assumed: {
    readonly natGigabytes: number;
    readonly logGigabytes: number;
    readonly backupGigabytes: number;
    readonly loadBalancers: number;
    readonly loadBalancerCapacityUnits: number;
    /** What spot machines cost of the on-demand price. */
    readonly spotShare: number;
  };
  readonly regions: Readonly<Record<string, RegionPrices>>;
}

/** The prices of platform/data/prices.json. */
export const readPrices = (): Prices =>
  JSON.parse(readFileSync(new URL('../data/prices.json', import.meta.url), 'utf8')) as Prices;

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
export const declaredResources = (stack: {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, object>>>>;
}): Resource[] =>
  Object.entries(stack.resource ?? {}).flatMap(([type, resources]) =>
    Object.values(resources).map((values) => ({ type, values })),
  );

/** The resources that there will be after a plan, as `tofu show -json` has it. */
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
 * What the resources of a cluster cost a month, one line a kind, dearest first.
 * @param region decides the prices; throws where platform/data/prices.json has none for it or for an instance type
 * @param hasLoadBalancers whether the load balancer controller makes an ALB for the services
 */
export function monthlyCosts(
  resources: readonly Resource[],
  region: string,
  { hasLoadBalancers }: { readonly hasLoadBalancers: boolean },
  { regions, assumed, hoursPerMonth }: Prices = readPrices(),
): Cost[] {
  const price = regions[region];
  if (price === undefined) throw new Error(`platform/data/prices.json has no prices for ${region}; add them`);
  const all = (type: string): object[] =>
    resources.filter((resource) => resource.type === type).map(({ values }) => values);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const line = (item: string, quantity: number, each: number): Cost[] =>
    quantity === 0 ? [] : [{ item, quantity, usd: quantity * each }];
  const hourly = (item: string, quantity: number, perHour: number): Cost[] =>
    line(item, quantity, perHour * hoursPerMonth);

  const gateways = all('aws_nat_gateway').length;
  const templates = all('aws_launch_template');
  const nodes = all('aws_eks_node_group').map((group) => {
    const type = String(first(group, 'instance_types'));
    const perHour = price.instanceHour[type];
    if (perHour === undefined)
      throw new Error(`platform/data/prices.json has no price for ${type} in ${region}; add it`);
    return {
      type,
      count: Number(valueIn(group, 'scaling_config', 'desired_size')),
      spot: valueAt(group, ['capacity_type']) === 'SPOT',
      perHour,
    };
  });
  const diskGiB = sum(
    templates.map((template) => Number(valueIn(first(template, 'block_device_mappings'), 'ebs', 'volume_size'))),
  );
  const endpoints = all('aws_vpc_endpoint').filter(
    (endpoint) => valueAt(endpoint, ['vpc_endpoint_type']) === 'Interface',
  );
  const balancers = hasLoadBalancers ? assumed.loadBalancers : 0;
  // A load balancer has a public address in each zone that it stands in.
  const zones = new Set(all('aws_subnet').map((subnet) => String(valueAt(subnet, ['availability_zone'])))).size;

  const costs = [
    ...hourly('EKS control plane', all('aws_eks_cluster').length, price.eksClusterHour),
    ...nodes.flatMap(({ type, count, spot, perHour }) =>
      hourly(`nodes, ${type}${spot ? ', spot' : ''}`, count, perHour * (spot ? assumed.spotShare : 1)),
    ),
    ...line('node disks, GiB of gp3', diskGiB * sum(nodes.map(({ count }) => count)), price.gp3GigabyteMonth),
    ...hourly('NAT gateways', gateways, price.natGatewayHour),
    ...line('NAT traffic, GB assumed', gateways === 0 ? 0 : assumed.natGigabytes, price.natGigabyte),
    ...hourly(
      'load balancers, assumed',
      balancers,
      price.loadBalancerHour + assumed.loadBalancerCapacityUnits * price.loadBalancerCapacityUnitHour,
    ),
    ...hourly('public IPv4 addresses', all('aws_eip').length + balancers * zones, price.publicAddressHour),
    ...hourly(
      'interface endpoints, each in each zone',
      sum(endpoints.map((endpoint) => (valueAt(endpoint, ['subnet_ids']) as unknown[] | undefined)?.length ?? zones)),
      price.interfaceEndpointHour,
    ),
    ...line(
      'logs, GB assumed',
      all('aws_cloudwatch_log_group').length === 0 ? 0 : assumed.logGigabytes,
      price.logGigabyte,
    ),
    ...line(
      'backups of volumes, GB assumed',
      all('aws_backup_plan').length === 0 ? 0 : assumed.backupGigabytes,
      price.backupGigabyteMonth,
    ),
    ...line('KMS keys', all('aws_kms_key').length, price.kmsKeyMonth),
    ...line('secrets', all('aws_secretsmanager_secret').length, price.secretMonth),
  ];
  return costs.sort((a, b) => b.usd - a.usd);
}

/** US dollars a month, all lines together. */
export const totalOf = (costs: readonly Cost[]): number => costs.reduce((sum, { usd }) => sum + usd, 0);

/** A block is a map in a stack and a list in a plan. */
const first = (from: unknown, key: string): unknown => {
  const value = valueAt(from, [key]);
  return Array.isArray(value) ? (value as unknown[])[0] : value;
};
const valueIn = (from: unknown, block: string, key: string): unknown => valueAt(first(from, block), [key]);
