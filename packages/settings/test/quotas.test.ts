import t from 'tap';
import { demands, quotaProblems, QUOTAS } from '../src/quotas.ts';
import { lastZoneLetter, REGIONS, zoneIdProblem, ZONES_WITHOUT_EKS } from '../src/regions.ts';
import { type AwsClusterSettings, readCluster, sortClusters } from '../src/settings.ts';
import { FILES, problemsOf, repository } from './cluster-fixtures.ts';

const cluster = readCluster(repository(t), 'dev') as AwsClusterSettings;
const with4Zones: AwsClusterSettings = {
  ...cluster,
  network: {
    ...cluster.network,
    zones: ['us-east-1a', 'us-east-1b', 'us-east-1c', 'us-east-1d'],
    natGateways: 'per-zone',
  },
};
const neededOf = (clusters: readonly AwsClusterSettings[]): Record<string, number> =>
  Object.fromEntries(demands(clusters).map(({ quota, needed }) => [quota, needed]));

t.test('what clusters need of the quotas of their account', (t) => {
  t.same(neededOf([cluster]), {
    vpcs: 2,
    elasticIps: 1,
    natGatewaysPerZone: 1,
    nodesPerGroup: 3,
    onDemandVcpus: 0,
    // 3 nodes and 4 during an update, of 2 each.
    spotVcpus: 14,
  });
  const pool = { instanceTypes: ['t3.large'], capacityTypes: ['on-demand'], expectedNodes: 0, maxCpus: 8 } as const;
  const pooled = { ...with4Zones, nodePool: pool as unknown as AwsClusterSettings['nodePool'] } as AwsClusterSettings;
  t.match(neededOf([cluster, pooled]), {
    vpcs: 3,
    elasticIps: 5,
    natGatewaysPerZone: 2,
    onDemandVcpus: 8,
    spotVcpus: 14 + 22,
  });
  t.end();
});

t.test('quotas are counted in the account and region, and may be raised', (t) => {
  const rules = (...args: Parameters<typeof quotaProblems>): string[] => quotaProblems(...args).map(({ rule }) => rule);
  t.same(rules(cluster, [with4Zones]), []);
  t.match(rules(with4Zones, [with4Zones]), [
    /^needs a higher quota: the settings ask for 8 Elastic IP addresses in us-east-1 of account 111111111111, which has 5; ask AWS for more \(Service Quotas, ec2 L-0263D0A3\), and write it in packages\/settings\/data\/quotas\.json$/,
  ]);
  t.same(
    rules(with4Zones, [
      { ...with4Zones, region: 'us-east-2' },
      { ...with4Zones, accountId: '2' },
    ]),
    [],
  );
  const raised = { accountId: '111111111111', region: 'us-east-1' } as const;
  t.same(rules(with4Zones, [with4Zones], [{ ...raised, quota: 'elasticIps', value: 8 }]), []);
  t.match(rules(with4Zones, [with4Zones], [{ ...raised, quota: 'elasticIps', value: 7 }]), [
    /ask for 8 .* which has 7;/,
  ]);
  t.match(rules(cluster, [], [{ ...raised, quota: 'spotVcpus', value: 13 }]), [/ask for 14 vCPUs of spot instances/]);
  t.same(rules(cluster, []), [], 'the vCPUs that an account has, AWS knows alone');
  t.end();
});

t.test('of clusters that share an account, the newer one is told, and it alone cannot be used', (t) => {
  const further: Record<string, string> = {};
  for (const number of [1, 2, 3, 4])
    further[`test-${String(number)}`] = FILES.dev
      .replace('name: dev', `name: test-${String(number)}`)
      .replace('10.0.0.0/16', `10.${String(number)}.0.0/16`);
  const folder = repository(t, {}, further);
  t.match(problemsOf(t, folder), [
    /^clusters\/test-4\/cluster\.yaml:4: accountId: needs a higher quota: the settings ask for 6 VPCs in us-east-1 of account 111111111111, which has 5; .* \(it is "111111111111"\)$/,
  ]);
  const { clusters, faults } = sortClusters(folder);
  t.same([...faults.keys()], ['test-4']);
  t.same(
    clusters.map(({ name }) => name),
    ['dev', 'local', 'test-1', 'test-2', 'test-3'],
  );
  t.end();
});

t.test('every quota has its source and its code, every region its zones', (t) => {
  for (const [name, { source, code, default: most }] of Object.entries(QUOTAS)) {
    t.match(source, /^Amazon \w+ user guide, "/, name);
    t.match(code, /^L-[0-9A-F]{8}$/);
    t.ok(most > 0);
  }
  for (const region of REGIONS) t.match(lastZoneLetter(region), /^[c-g]$/);
  t.same(ZONES_WITHOUT_EKS, ['us-east-1e', 'ca-central-1c'], 'of us-west-1 the name differs between accounts');
  t.equal(zoneIdProblem('us-east-1', 'use1-az3'), 'EKS places no control plane there');
  t.equal(zoneIdProblem('ap-northeast-1', 'apne1-az3'), 'NAT gateways are not available there');
  t.equal(zoneIdProblem('us-east-1', 'use1-az1'), undefined);
  t.end();
});
