import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { clusterFacts, clusterNames, readCluster, readClusters } from '../src/settings.ts';
import { append, FILES, problemsOf, replace, repository } from './cluster-fixtures.ts';

const root = resolve(import.meta.dirname, '../../..');

t.test('all clusters of the repository are valid, and editors check their files', (t) => {
  t.ok(clusterNames(root).length > 0);
  for (const name of clusterNames(root)) t.equal(readCluster(root, name).name, name);
  for (const name of ['shared', ...clusterNames(root)]) {
    const [first] = readFileSync(join(root, 'clusters', name, 'cluster.yaml'), 'utf8').split('\n');
    t.equal(first, '# yaml-language-server: $schema=../cluster.schema.json', name);
  }
  t.end();
});

t.test('a folder is a cluster if it has a cluster.yaml and is not the shared one', (t) => {
  const folder = t.testdir({
    clusters: {
      shared: { 'cluster.yaml': '' },
      b: { 'cluster.yaml': '' },
      a: { 'cluster.yaml': '' },
      empty: { 'app.yaml': '' },
      'cluster.yaml': '',
    },
  });
  t.same(clusterNames(folder), ['a', 'b']);
  t.end();
});

t.test('a cluster file is laid over the shared one, key by key', (t) => {
  const folder = repository(t, { dev: append('git: { revision: next }') });
  t.same(readCluster(folder, 'dev'), {
    name: 'dev',
    provider: 'aws',
    kubernetesVersion: '1.36',
    git: { repository: 'https://github.com/example/gitops-platform.git', revision: 'next' },
    registry: { accountId: '999999999999', region: 'us-east-1' },
    accountId: '111111111111',
    region: 'us-east-1',
    network: { cidr: '10.0.0.0/16', zones: ['us-east-1a', 'us-east-1b'], natGateways: 'one' },
    nodeGroup: { instanceType: 't3.medium', minSize: 2, desiredSize: 2, maxSize: 3, capacityType: 'spot', diskGiB: 20 },
    state: 'local',
    controllers: ['metrics-server'],
    api: { publicCidrs: ['203.0.113.0/24'], adminRoles: ['platform-team'], viewerRoles: [] },
    deletionProtection: false,
    customerKey: false,
    interfaceEndpoints: false,
    logRetentionDays: 7,
    backupRetentionDays: 7,
    budget: { monthlyUsd: 200, email: 'platform-team@example.com' },
  });
  const shared = repository(t, { shared: append('nodes: 9') });
  t.match(readCluster(shared, 'local'), { provider: 'local', nodes: 2 }, "the cluster's own value wins");
  t.end();
});

const DEFAULTS = append('region: us-east-1\nnetwork: { cidr: 10.0.0.0/16, zones: [us-east-1a, us-east-1b] }');
const withoutRegion = replace('region: us-east-1\n', '');
const withoutNetwork = replace('  cidr: 10.0.0.0/16\n  zones: [us-east-1a, us-east-1b]\n', '');

t.test('region and network of the shared file are those of clusters on AWS that name none', (t) => {
  const folder = repository(t, { shared: DEFAULTS, dev: (text) => withoutRegion(withoutNetwork(text)) });
  t.match(readCluster(folder, 'dev'), {
    region: 'us-east-1',
    network: { cidr: '10.0.0.0/16', zones: ['us-east-1a', 'us-east-1b'], natGateways: 'one' },
  });
  t.notMatch(readCluster(folder, 'local'), { region: 'us-east-1' }, 'a local cluster has neither');
  t.equal(readClusters(folder).length, 2);

  const own = replace('  cidr: 10.0.0.0/16', '  cidr: 10.7.0.0/16')(FILES.dev);
  t.match(readCluster(repository(t, { shared: DEFAULTS, dev: () => own }), 'dev'), {
    network: { cidr: '10.7.0.0/16', zones: ['us-east-1a', 'us-east-1b'] },
  });
  t.same(
    problemsOf(t, repository(t, { dev: (text) => withoutRegion(withoutNetwork(text)) }), 'dev'),
    [
      'clusters/dev/cluster.yaml:1: region: missing',
      'clusters/dev/cluster.yaml:5: network.cidr: missing',
      'clusters/dev/cluster.yaml:5: network.zones: missing',
    ],
    'without a default, each cluster has to name them',
  );
  t.end();
});

t.test('a cluster in another region names its own zones, and pulls from the one registry', (t) => {
  const inFrankfurt = replace('region: us-east-1', 'region: eu-central-1')(FILES.dev);
  const zones = '[eu-central-1a, eu-central-1b]';
  const folder = repository(t, { shared: DEFAULTS, dev: () => inFrankfurt.replace('[us-east-1a, us-east-1b]', zones) });
  const settings = readCluster(folder, 'dev');
  t.match(settings, { region: 'eu-central-1', network: { zones: ['eu-central-1a', 'eu-central-1b'] } });
  t.match(clusterFacts(settings).annotations, {
    region: 'eu-central-1',
    imageRegistry: '999999999999.dkr.ecr.us-east-1.amazonaws.com',
  });

  const withoutZones = repository(t, { shared: DEFAULTS, dev: () => withoutNetwork(inFrankfurt) });
  t.same(
    problemsOf(t, withoutZones, 'dev'),
    ['a', 'b'].map(
      (letter, index) =>
        `clusters/shared/cluster.yaml:12: network.zones.${index}: must be a zone of eu-central-1, such as ` +
        'eu-central-1a; a cluster outside the shared region names its own zones ' +
        `(it is "us-east-1${letter}")`,
    ),
  );
  t.end();
});

t.test('the networks of the clusters share no address, so that they can be joined one day', (t) => {
  t.same(
    readClusters(root).map(({ name }) => name),
    clusterNames(root),
  );
  const second = (cidr: string): string => FILES.dev.replace('name: dev', 'name: test').replace('10.0.0.0/16', cidr);
  t.equal(readClusters(repository(t, {}, { test: second('10.1.0.0/16') })).length, 3);
  t.same(problemsOf(t, repository(t, {}, { test: second('10.0.0.0/16') })), [
    'clusters/test/cluster.yaml:7: network.cidr: must not overlap the network of dev, 10.0.0.0/16 ' +
      '(it is "10.0.0.0/16")',
  ]);
  const copied = repository(t, {}, { aaa: second('10.0.0.0/16').replace('name: test', 'name: aaa') });
  for (const args of [
    ['init', '-q'],
    ['add', 'clusters/dev'],
    ['commit', '-q', '-m', 'dev'],
  ])
    execFileSync('git', ['-C', copied, '-c', 'user.name=x', '-c', 'user.email=x@localhost', ...args]);
  t.match(problemsOf(t, copied), [/^clusters\/aaa\/.* must not overlap the network of dev/], 'the newer one is blamed');
  const edited = repository(t, {}, { test: second('10.1.0.0/16') });
  for (const args of [
    ['init', '-q'],
    ['add', 'clusters'],
    ['commit', '-q', '-m', 'both'],
  ])
    execFileSync('git', ['-C', edited, '-c', 'user.name=x', '-c', 'user.email=x@localhost', ...args]);
  writeFileSync(join(edited, 'clusters/dev/cluster.yaml'), FILES.dev.replace('10.0.0.0/16', '10.1.0.0/16'));
  t.match(
    problemsOf(t, edited),
    [/^clusters\/dev\/cluster\.yaml:7: network\.cidr: must not overlap the network of test/],
    'of two clusters of one age, the one whose line was edited',
  );
  t.same(
    problemsOf(t, repository(t, { shared: DEFAULTS }, { test: withoutNetwork(second('10.0.0.0/16')) })),
    [
      'clusters/test/cluster.yaml:6: network.cidr: must not overlap the network of dev, 10.0.0.0/16 ' +
        '(it is "10.0.0.0/16")',
    ],
    'a second cluster cannot take the shared network, and has to name one in its own file',
  );
  t.same(
    problemsOf(t, repository(t, { shared: replace('state: local', 'state: nowhere') })),
    ['clusters/shared/cluster.yaml:9: state: must be local or s3 (it is "nowhere")'],
    'reported once for all clusters',
  );
  t.end();
});
