import { readFileSync } from 'node:fs';
import { instanceType } from './instance-types.ts';
import { smallestType } from './nodes.ts';
import type { AwsClusterSettings } from './schema.ts';
import type { Problem } from './schema-problems.ts';

// What clusters need of the quotas of their account in a region. AWS refuses one more in the midst of an apply or, for
// vCPUs, later and in silence: pods wait for nodes that do not come.

export type QuotaName = 'vpcs' | 'elasticIps' | 'natGatewaysPerZone' | 'nodesPerGroup' | 'onDemandVcpus' | 'spotVcpus';

export interface Quota {
  readonly title: string;
  /** Service and code of Service Quotas. */
  readonly service: string;
  readonly code: string;
  readonly default: number;
  /** Whether AWS raises it without being asked: then the default says little, and `make apply` asks AWS. */
  readonly grows?: boolean;
  readonly source: string;
}

/** A quota that AWS has raised for an account in a region. */
export interface Raised {
  readonly accountId: string;
  readonly region: string;
  readonly quota: QuotaName;
  readonly value: number;
}

const data = JSON.parse(readFileSync(new URL('../data/quotas.json', import.meta.url), 'utf8')) as {
  readonly quotas: Readonly<Record<QuotaName, Quota>>;
  readonly raised: readonly Raised[];
};

export const QUOTAS = data.quotas;

type Cluster = Pick<AwsClusterSettings, 'accountId' | 'region' | 'network' | 'nodeGroup' | 'nodePool'>;

/** What the clusters of one account and region need of a quota. */
export interface Demand {
  readonly quota: QuotaName;
  readonly needed: number;
  /** The setting that decides it. */
  readonly keys: readonly string[];
}

/** What clusters of one account and region need together: at the most that their settings allow, or on an ordinary day. */
export function demands(clusters: readonly Cluster[], when: 'most' | 'expected' = 'most'): Demand[] {
  const sum = (of: (cluster: Cluster) => number): number => clusters.reduce((total, cluster) => total + of(cluster), 0);
  const inZones = new Map<string, number>();
  for (const { network } of clusters)
    for (const zone of zonesOfNat(network)) inZones.set(zone, (inZones.get(zone) ?? 0) + 1);
  return [
    { quota: 'vpcs', needed: clusters.length + DEFAULT_VPC, keys: ['accountId'] },
    { quota: 'elasticIps', needed: sum(({ network }) => zonesOfNat(network).length), keys: ['network', 'natGateways'] },
    { quota: 'natGatewaysPerZone', needed: Math.max(0, ...inZones.values()), keys: ['network', 'natGateways'] },
    {
      quota: 'nodesPerGroup',
      needed: Math.max(0, ...clusters.map(({ nodeGroup }) => nodeGroup.maxSize)),
      keys: ['nodeGroup', 'maxSize'],
    },
    {
      quota: 'onDemandVcpus',
      needed: sum((cluster) => vcpus(cluster, 'on-demand', when)),
      keys: ['nodeGroup', 'maxSize'],
    },
    { quota: 'spotVcpus', needed: sum((cluster) => vcpus(cluster, 'spot', when)), keys: ['nodeGroup', 'maxSize'] },
  ];
}

// Every region of an account has one, unless somebody deleted it.
const DEFAULT_VPC = 1;

const zonesOfNat = ({ zones, natGateways }: Cluster['network']): readonly string[] =>
  natGateways === 'per-zone' ? zones : zones.slice(0, 1);

/**
 * The vCPUs that a cluster runs of a kind. While EKS updates a node group, it adds two nodes for each zone (EKS user guide,
 * "Understand each phase of node updates").
 */
function vcpus(
  { network, nodeGroup, nodePool }: Cluster,
  kind: 'on-demand' | 'spot',
  when: 'most' | 'expected',
): number {
  const [nodes, added] =
    when === 'most'
      ? [nodeGroup.maxSize + 2 * network.zones.length, nodePool?.maxCpus ?? 0]
      : [
          nodeGroup.desiredSize,
          (nodePool?.expectedNodes ?? 0) * (smallestType(nodePool?.instanceTypes ?? [])?.cpus ?? 0),
        ];
  const ofGroup = nodeGroup.capacityType === kind ? nodes * instanceType(nodeGroup.instanceType).cpus : 0;
  return ofGroup + (nodePool?.capacityTypes.includes(kind) === true ? added : 0);
}

/** What an account has of a quota, as far as the data says; undefined where only AWS knows. */
function quotaOf({ accountId, region }: Cluster, name: QuotaName, raised: readonly Raised[]): number | undefined {
  const own = raised.find((each) => each.accountId === accountId && each.region === region && each.quota === name);
  return own?.value ?? (QUOTAS[name].grows === true ? undefined : QUOTAS[name].default);
}

/** A demand above a quota, as a problem of the setting that decides it. */
export function quotaProblem({ quota, needed, keys }: Demand, { accountId, region }: Cluster, most: number): Problem {
  const { title, service, code } = QUOTAS[quota];
  return {
    keys,
    rule:
      `needs a higher quota: the settings ask for ${needed} ${title} in ${region} of account ${accountId}, which has ` +
      `${most}; ask AWS for more (Service Quotas, ${service} ${code}), and write it in packages/settings/data/quotas.json`,
  };
}

/** What a cluster needs above the quotas of its account and region, with the older ones that share them. */
export function quotaProblems(cluster: Cluster, older: readonly Cluster[], raised = data.raised): Problem[] {
  const sharing = older.filter(({ accountId, region }) => accountId === cluster.accountId && region === cluster.region);
  const problems: Problem[] = [];
  for (const demand of demands([...sharing, cluster])) {
    const most = quotaOf(cluster, demand.quota, raised);
    if (most !== undefined && demand.needed > most) problems.push(quotaProblem(demand, cluster, most));
  }
  return problems;
}
