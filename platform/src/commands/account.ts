import { type AwsClusterSettings, settingProblem, SettingsError, sortClusters } from '@gitops/settings';
import { type Demand, demands, type QuotaName, quotaProblem, QUOTAS } from '@gitops/settings/quotas';
import { zoneIdProblem } from '@gitops/settings/regions';
import { callProgram } from './programs.ts';

// What only AWS knows of an account, asked before an apply begins: its zones, and its quotas of vCPUs.

export interface AccountFacts {
  /** The ids of the zones that the account may use in the cluster's region, by name; none where AWS did not say. */
  readonly zones: (cluster: AwsClusterSettings) => Promise<ReadonlyMap<string, string>>;
  /** What the account has of a quota in the cluster's region; undefined where AWS did not say. */
  readonly quota: (cluster: AwsClusterSettings, name: QuotaName) => Promise<number | undefined>;
}

/**
 * Throws SettingsError where the account lacks a zone of the settings, or the zone is one that EKS or NAT gateways are not
 * in: names mean other zones in each account, and AWS refuses by id.
 * @param root the repository's folder
 */
export async function requireZones(
  cluster: AwsClusterSettings,
  root: string,
  { zones }: Pick<AccountFacts, 'zones'>,
): Promise<void> {
  const ids = await zones(cluster);
  if (ids.size === 0) return;
  const problems: string[] = [];
  for (const [index, zone] of cluster.network.zones.entries()) {
    const id = ids.get(zone);
    const why = id === undefined ? undefined : zoneIdProblem(cluster.region, id);
    const add = (rule: string): void =>
      void problems.push(settingProblem(root, cluster.name, ['network', 'zones', String(index)], rule));
    if (id === undefined)
      add(`must be a zone of account ${cluster.accountId}, which has ${[...ids.keys()].sort().join(', ')}`);
    else if (why !== undefined) add(`must be another zone: in account ${cluster.accountId} it is ${id}, and ${why}`);
  }
  if (problems.length > 0) throw new SettingsError(problems);
}

/**
 * Throws SettingsError where the account may not run the nodes that clusters have on an ordinary day. Returns warnings for
 * the most that they may grow to: pods would wait for nodes that AWS does not start.
 * @param root the repository's folder
 */
export async function requireVcpus(
  cluster: AwsClusterSettings,
  root: string,
  { quota }: Pick<AccountFacts, 'quota'>,
): Promise<string[]> {
  const sharing = sortClusters(root).clusters.filter(
    (other): other is AwsClusterSettings =>
      other.provider === 'aws' && other.accountId === cluster.accountId && other.region === cluster.region,
  );
  const expected = new Map(demands(sharing, 'expected').map(({ quota: name, needed }) => [name, needed]));
  const report = (demand: Demand, most: number): string => {
    const { keys, rule } = quotaProblem(demand, cluster, most);
    return settingProblem(root, cluster.name, keys, rule);
  };
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const demand of demands(sharing)) {
    if (QUOTAS[demand.quota].grows !== true || demand.needed === 0) continue;
    const most = await quota(cluster, demand.quota);
    if (most === undefined || demand.needed <= most) continue;
    const needed = expected.get(demand.quota) ?? 0;
    if (needed > most) problems.push(report({ ...demand, needed, keys: ['nodeGroup', 'desiredSize'] }, most));
    else warnings.push(`warning: ${report(demand, most)}`);
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return warnings;
}

/** AWS's own answers. Both throw CommandError where AWS refuses the call. */
export const accountFacts: AccountFacts = {
  zones: async ({ region }) => {
    const answer = await callProgram(
      'aws',
      [
        ...['ec2', 'describe-availability-zones', '--region', region],
        ...['--filters', 'Name=zone-type,Values=availability-zone'],
        ...['--query', 'AvailabilityZones[].[ZoneName,ZoneId]', '--output', 'text'],
      ],
      { next: 'allow ec2:DescribeAvailabilityZones to the role that calls' },
    );
    const ids = new Map<string, string>();
    for (const line of answer.split('\n')) {
      const [zone, id] = line.trim().split(/\s+/);
      if (zone !== undefined && id !== undefined) ids.set(zone, id);
    }
    return ids;
  },
  quota: async ({ region }, name) => {
    const { service, code } = QUOTAS[name];
    const answer = await callProgram(
      'aws',
      [
        ...['service-quotas', 'list-service-quotas', '--region', region, '--service-code', service],
        ...['--query', `Quotas[?QuotaCode=='${code}'].Value`, '--output', 'text'],
      ],
      { next: 'allow servicequotas:ListServiceQuotas to the role that calls' },
    );
    return answer.trim() === '' ? undefined : Number(answer);
  },
};
