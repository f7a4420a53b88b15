import { readFileSync } from 'node:fs';
import { INTERFACE_ENDPOINTS } from './network.ts';
import { instanceTypesOf, mostNodes, nodeCounts } from './nodes.ts';
import type { AwsClusterSettings } from './schema.ts';
import type { Problem } from './schema-problems.ts';

/** US dollars; `sources` has the source of each price, or `unverified`. */
interface RegionPrices {
  readonly sources: 'unverified' | Readonly<Record<string, string>>;
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

/** The list prices of packages/settings/data/prices.json. */
export interface Prices {
  readonly hoursPerMonth: number;
  readonly assumed: {
    readonly natGigabytes: number;
    readonly logGigabytes: number;
    readonly backupGigabytes: number;
    /** GiB of the volumes that pods claim: those of monitoring, at their largest. */
    readonly volumeGigabytes: number;
    readonly loadBalancers: number;
    readonly loadBalancerCapacityUnits: number;
    /** What a spot instance costs, as a share of the on-demand price. */
    readonly spotShare: number;
  };
  readonly regions: Readonly<Record<string, RegionPrices>>;
}

const FILE = 'packages/settings/data/prices.json';

export const readPrices = (): Prices =>
  JSON.parse(readFileSync(new URL('../data/prices.json', import.meta.url), 'utf8')) as Prices;

/** The prices of a region. Throws where there are none. */
export function regionPrices({ regions }: Prices, region: string): RegionPrices {
  const found = regions[region];
  if (found === undefined) throw new Error(`${FILE} has no prices for ${region}; add them`);
  return found;
}

/** What an instance costs an hour, in US dollars. Throws where the region has no price for its type. */
export function instanceHour(prices: Prices, region: string, type: string, isSpot: boolean): number {
  const perHour = regionPrices(prices, region).instanceHour[type];
  if (perHour === undefined) throw new Error(`${FILE} has no price for ${type} in ${region}; add it`);
  return perHour * (isSpot ? prices.assumed.spotShare : 1);
}

/** Nodes that Karpenter has added, all alike. */
export interface AddedNodes {
  readonly type: string;
  readonly isSpot: boolean;
  readonly count: number;
}

/**
 * The nodes that Karpenter has added to a cluster: on an ordinary day of the cheapest type that it may buy; at the most
 * of the dearest, none of them spot where it may buy others. Throws where the region has no price for one of the types.
 */
export function addedNodes(
  { region, nodeGroup, nodePool }: AwsClusterSettings,
  nodes: 'least' | 'expected' | 'most',
  prices: Prices = readPrices(),
): AddedNodes | undefined {
  if (nodePool === undefined) return undefined;
  const perHour = (type: string): number => instanceHour(prices, region, type, false);
  if (nodes === 'most') {
    // Of each type as many as its CPUs allow.
    const isSpot = !nodePool.capacityTypes.includes('on-demand');
    const choices = nodePool.instanceTypes.map((type) => ({
      type,
      isSpot,
      count: mostNodes(nodePool.maxCpus, [type]),
    }));
    return choices.sort((a, b) => b.count * perHour(b.type) - a.count * perHour(a.type))[0];
  }
  const [type = nodeGroup.instanceType] = nodePool.instanceTypes.toSorted((a, b) => perHour(a) - perHour(b));
  const isSpot = nodePool.capacityTypes.includes('spot');
  return { type, isSpot, count: nodeCounts({ nodeGroup, nodePool })[nodes].added };
}

/**
 * What one more node of a cluster with its disk costs, in US dollars a month by list price. Throws where there is no
 * price for the region or for the type of its nodes.
 */
export function nodeMonthlyUsd({ region, nodeGroup }: AwsClusterSettings, prices: Prices = readPrices()): number {
  const { instanceType, capacityType, diskGiB } = nodeGroup;
  const perHour = instanceHour(prices, region, instanceType, capacityType === 'spot');
  return perHour * prices.hoursPerMonth + diskGiB * regionPrices(prices, region).gp3GigabyteMonth;
}

/**
 * What a cluster costs without its nodes, in US dollars a month by list price. `make cost` computes the same from the
 * resources of the stacks; a test of platform compares.
 */
export function fixedMonthlyUsd(cluster: AwsClusterSettings, prices: Prices = readPrices()): number {
  const { assumed, hoursPerMonth } = prices;
  const price = regionPrices(prices, cluster.region);
  const zones = cluster.network.zones.length;
  const gateways = cluster.network.natGateways === 'one' ? 1 : zones;
  const balancers = cluster.controllers.includes('aws-load-balancer-controller') ? assumed.loadBalancers : 0;
  const hasMonitoring = cluster.controllers.includes('kube-prometheus-stack');
  const hourly =
    price.eksClusterHour +
    gateways * price.natGatewayHour +
    balancers * (price.loadBalancerHour + assumed.loadBalancerCapacityUnits * price.loadBalancerCapacityUnitHour) +
    // Each gateway has a public address, and each load balancer one in each zone.
    (gateways + balancers * zones) * price.publicAddressHour +
    (cluster.interfaceEndpoints ? INTERFACE_ENDPOINTS.length * zones * price.interfaceEndpointHour : 0);
  return (
    hourly * hoursPerMonth +
    assumed.natGigabytes * price.natGigabyte +
    assumed.logGigabytes * price.logGigabyte +
    (hasMonitoring ? assumed.volumeGigabytes * price.gp3GigabyteMonth : 0) +
    assumed.backupGigabytes * price.backupGigabyteMonth +
    (cluster.customerKey ? price.kmsKeyMonth : 0) +
    secretsOf(cluster) * price.secretMonth
  );
}

/** The service's; the address of notifications; Grafana's and Alertmanager's; GitHub's token. */
function secretsOf({ controllers, previews }: AwsClusterSettings): number {
  const forNotifications = controllers.includes('external-secrets') ? 1 : 0;
  const forMonitoring = controllers.includes('kube-prometheus-stack') ? 2 : 0;
  return 1 + forNotifications + forMonitoring + (previews === undefined ? 0 : 1);
}

/** What the list of prices lacks for a cluster, without which its cost is unknown to the budget and to monitoring. */
export function priceProblem(cluster: AwsClusterSettings): Problem[] {
  const { region } = cluster;
  const prices = readPrices().regions[region];
  if (prices === undefined) return [{ keys: ['region'], rule: `must be one with prices in ${FILE}; add them there` }];
  return instanceTypesOf(cluster)
    .filter(({ name }) => prices.instanceHour[name] === undefined)
    .map(({ keys }) => ({ keys, rule: `must have a price for ${region} in ${FILE}; add it there` }));
}
