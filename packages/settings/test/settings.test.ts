import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { editorSchema } from '../src/schema.ts';
import { clusterFacts, clusterNames, readCluster, readClusters, SettingsError } from '../src/settings.ts';

const root = resolve(import.meta.dirname, '../../..');

// Files of the tests' own: a comment or an account id in the repository's may change without a word here.
const FILES = {
  shared: `# What all clusters have in common.
git:
  repository: https://github.com/example/gitops-platform.git
  revision: main
registry:
  accountId: "999999999999"
  region: eu-central-1
kubernetesVersion: "1.36"
state: local
controllers: [metrics-server]
`,
  dev: `# An aws cluster.
name: dev
provider: aws
accountId: "111111111111"
region: eu-central-1
network:
  cidr: 10.0.0.0/16
  zones: [eu-central-1a, eu-central-1b]
  natGateways: one
nodeGroup:
  instanceType: t3.medium
  minSize: 2
  desiredSize: 2
  maxSize: 3
  capacityType: spot
  diskGiB: 20
api:
  publicCidrs: [203.0.113.0/24]
  adminRoles: [platform-team]
  viewerRoles: []
deletionProtection: false
customerKey: false
interfaceEndpoints: false
logRetentionDays: 7
backupRetentionDays: 7
budget: { monthlyUsd: 200, email: platform-team@example.com }
`,
  local: `# A cluster on one machine.
name: local
provider: local
nodes: 2
controllers: []
`,
};
type Changes = Partial<Record<keyof typeof FILES, (text: string) => string>>;

/** A repository of these files, some of them changed. A change that changes nothing is a mistake of the test. */
function repository(t: Test, changes: Changes = {}): string {
  const folders = Object.entries(FILES).map(([name, text]) => {
    const change = changes[name as keyof typeof FILES];
    const content = change === undefined ? text : change(text);
    if (change !== undefined && content === text) t.fail(`${name}: nothing was changed`);
    return [name, { 'cluster.yaml': content }];
  });
  return t.testdir({ clusters: Object.fromEntries(folders) as Record<string, { 'cluster.yaml': string }> });
}

function problems(t: Test, folder: string, cluster?: string): readonly string[] {
  try {
    if (cluster === undefined) readClusters(folder);
    else readCluster(folder, cluster);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  t.fail('was accepted');
  return [];
}

t.test('all clusters of the repository are well-formed, and editors check their files', (t) => {
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
  const folder = repository(t, { dev: (text) => `${text}git: { revision: next }\n` });
  t.same(readCluster(folder, 'dev'), {
    name: 'dev',
    provider: 'aws',
    kubernetesVersion: '1.36',
    git: { repository: 'https://github.com/example/gitops-platform.git', revision: 'next' },
    registry: { accountId: '999999999999', region: 'eu-central-1' },
    accountId: '111111111111',
    region: 'eu-central-1',
    network: { cidr: '10.0.0.0/16', zones: ['eu-central-1a', 'eu-central-1b'], natGateways: 'one' },
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
  const fewer = repository(t, { shared: (text) => `${text}nodes: 9\n` });
  t.match(readCluster(fewer, 'local'), { provider: 'local', nodes: 2 }, "the cluster's own value wins");
  t.end();
});

t.test('the networks of the clusters share no address, so that they can be joined one day', (t) => {
  t.same(
    readClusters(root).map(({ name }) => name),
    clusterNames(root),
  );
  const folder = (cidr: string): string => {
    const network = repository(t, { dev: (text) => `${text}# one of two\n` });
    mkdirSync(join(network, 'clusters/test'));
    writeFileSync(
      join(network, 'clusters/test/cluster.yaml'),
      FILES.dev.replace('name: dev', 'name: test').replace('10.0.0.0/16', cidr),
    );
    return network;
  };
  t.equal(readClusters(folder('10.1.0.0/16')).length, 3);
  t.same(problems(t, folder('10.0.0.0/16')), [
    'clusters/test/cluster.yaml:7: network.cidr: must not overlap with the network of dev, 10.0.0.0/16 (it is "10.0.0.0/16")',
  ]);
  t.same(
    problems(t, repository(t, { shared: (text) => text.replace('state: local', 'state: nowhere') })),
    ['clusters/shared/cluster.yaml:9: state: must be local or s3 (it is "nowhere")'],
    'told once for all clusters',
  );
  t.end();
});

t.test('each mistake is named with file, line, key, rule and value', (t) => {
  const cases: [keyof typeof FILES, (text: string) => string, RegExp][] = [
    [
      'dev',
      (text) => text.replace('  zones:', '  zonse: [a]\n  zones:'),
      /^clusters\/dev\/cluster\.yaml:8: network\.zonse: is no setting of this kind of cluster \(it is \["a"\]\)$/,
    ],
    [
      'dev',
      (text) => text.replace('"111111111111"', '011111111111'),
      /^clusters\/dev\/cluster\.yaml:4: accountId: 011111111111 must stand in quotes: Helm would print it as /,
    ],
    [
      'dev',
      (text) => text.replace('"111111111111"', '"1"'),
      /^clusters\/dev\/cluster\.yaml:4: accountId: does not fit: AWS account, 12 digits.* \(it is "1"\)$/,
    ],
    [
      'dev',
      (text) => text.replace('name: dev', 'name: prod'),
      /^clusters\/dev\/cluster\.yaml:2: name: must be the folder's name, dev \(it is "prod"\)$/,
    ],
    [
      'dev',
      (text) => text.replace('provider: aws', 'provider: azure'),
      /^clusters\/dev\/cluster\.yaml:3: provider: must be aws or local \(it is "azure"\)$/,
    ],
    [
      'dev',
      (text) => text.replace('natGateways: one', 'natGateways: two'),
      /^clusters\/dev\/cluster\.yaml:9: network\.natGateways: must be one or per-zone \(it is "two"\)$/,
    ],
    [
      'dev',
      (text) => text.replace(', eu-central-1b', ''),
      /^clusters\/dev\/cluster\.yaml:8: network\.zones: must not have fewer than 2 items: .*\(it is \["eu-central-1a"\]\)$/,
    ],
    [
      'dev',
      (text) => text.replace('eu-central-1b', 'x y'),
      /^clusters\/dev\/cluster\.yaml:8: network\.zones\.1: does not fit: .*\(it is "x y"\)$/,
    ],
    [
      'dev',
      (text) => text.replace('desiredSize: 2', 'desiredSize: 9'),
      /:13: nodeGroup\.desiredSize: must lie between minSize 2 and maxSize 3 \(it is 9\)/,
    ],
    [
      'dev',
      (text) => text.replace('desiredSize: 2', 'desiredSize: 1'),
      /:13: nodeGroup\.desiredSize: must lie between minSize 2 and maxSize 3 \(it is 1\)/,
    ],
    [
      'dev',
      (text) => text.replace('region: eu-central-1\n', ''),
      /^clusters\/dev\/cluster\.yaml:1: region: is missing$/,
    ],
    [
      'dev',
      (text) => text.replace('maxSize: 3', ''),
      /^clusters\/dev\/cluster\.yaml:10: nodeGroup\.maxSize: is missing$/,
    ],
    [
      'dev',
      (text) => text.replace('[eu-central-1a, eu-central-1b]', '[a-1a, a-1b, a-1c, a-1d, a-1e]'),
      /^clusters\/dev\/cluster\.yaml:8: network\.zones: must not have more than 4 items: .*room for 4/,
    ],
    [
      'dev',
      (text) => text.replace('eu-central-1b', 'eu-west-1b'),
      /^clusters\/dev\/cluster\.yaml:8: network\.zones\.1: must be a zone of eu-central-1: its name and a letter \(it is "eu-west-1b"\)$/,
    ],
    [
      'dev',
      (text) => text.replace('10.0.0.0/16', '10.0.1.0/16'),
      /^clusters\/dev\/cluster\.yaml:7: network\.cidr: must begin with the first address of the network, 10\.0\.0\.0\/16 \(it is "10\.0\.1\.0\/16"\)$/,
    ],
    [
      'dev',
      (text) => text.replace('10.0.0.0/16', '172.20.0.0/16'),
      /:7: network\.cidr: must not overlap with 172\.20\.0\.0\/16, from which Kubernetes gives Services/,
    ],
    [
      'dev',
      (text) => text.replace('203.0.113.0/24', '0.0.0.0/0'),
      /:18: api\.publicCidrs\.0: must not open the Kubernetes API to the world: \/16 is the widest .*\(it is "0\.0\.0\.0\/0"\)$/,
    ],
    ['dev', (text) => text.replace('203.0.113.0/24', '0.0.0.0/1'), /:18: api\.publicCidrs\.0: must not open/],
    [
      'dev',
      (text) => text.replace('203.0.113.0/24', '203.0.113.9/24'),
      /:18: api\.publicCidrs\.0: must begin with the first address of the network, 203\.0\.113\.0\/24/,
    ],
    [
      'dev',
      (text) => text.replace('203.0.113.0/24', 'office'),
      /:18: api\.publicCidrs\.0: does not fit: Network from which/,
    ],
    ['dev', (text) => text.replace('[platform-team]', '[]'), /:19: api\.adminRoles: must not have fewer than 1 items/],
    [
      'dev',
      (text) => text.replaceAll('eu-central-1', 'eu-central-9'),
      /:5: region: must be us-east-1 or .* \(it is "eu-central-9"\)$/,
    ],
    [
      'dev',
      (text) => text.replace('t3.medium', 't3.tiny'),
      /:11: nodeGroup\.instanceType: must be t3\.medium or .* \(it is "t3\.tiny"\)$/,
    ],
    [
      'dev',
      (text) => text.replace('logRetentionDays: 7', 'logRetentionDays: 8'),
      /:24: logRetentionDays: must be 1 or 3 or .*\(it is 8\)$/,
    ],
    [
      'dev',
      (text) => text.replace('deletionProtection: false', 'deletionProtection: "no"'),
      /:21: deletionProtection: must be boolean: .*\(it is "no"\)$/,
    ],
    [
      'shared',
      (text) => text.replace('[metrics-server]', '[metrics]'),
      /shared\/cluster\.yaml:10: controllers\.0: must be aws-load-balancer-controller or metrics-server or external-secrets \(it is "metrics"\)$/,
    ],
    [
      'dev',
      (text) => text.replace('10.0.0.0/16', '10.0.0.0/17'),
      /^clusters\/dev\/cluster\.yaml:7: network\.cidr: must hold the subnets of the cluster: the \/24 of tier "public" in zone "eu-central-1a" does not fit into 10\.0\.0\.0\/17: .* \(it is "10\.0\.0\.0\/17"\)$/,
    ],
    // A key's own line, though a map's value begins below it.
    [
      'local',
      (text) => `${text}network:\n  # why\n  cidr: 10.9.0.0/16\n`,
      /^clusters\/local\/cluster\.yaml:6: network: is no setting/,
    ],
    [
      'local',
      (text) => `${text}git: { branch: main }\n`,
      /^clusters\/local\/cluster\.yaml:6: git\.branch: is no setting/,
    ],
    // Of two files that have the key, the one whose value counts.
    [
      'dev',
      (text) => `${text}git: { revision: "" }\n`,
      /^clusters\/dev\/cluster\.yaml:27: git\.revision: .*\(it is ""\)$/,
    ],
    [
      'dev',
      (text) => `${text}"a/b": 1\n`,
      /^clusters\/dev\/cluster\.yaml:27: a\/b: is no setting of this kind of cluster \(it is 1\)$/,
    ],
    [
      'dev',
      (text) => `${text}__proto__: { region: x }\n`,
      /^clusters\/dev\/cluster\.yaml:27: __proto__: is no setting/,
    ],
    [
      'shared',
      (text) => text.replace('"1.36"', '1.36'),
      /^clusters\/shared\/cluster\.yaml:8: kubernetesVersion: must be string: .*in quotes.*\(it is 1\.36\)/,
    ],
    ...[
      '10.0.0.0',
      '10.0.0.0/15',
      '10.0.0.0/29',
      '10.0.0.256/16',
      '10.0.0/16',
      '10..0.0/16',
      '010.0.0.0/16',
      '::/16',
    ].map((cidr): [keyof typeof FILES, (text: string) => string, RegExp] => [
      'dev',
      (text) => text.replace('10.0.0.0/16', `"${cidr}"`),
      /^clusters\/dev\/cluster\.yaml:7: network\.cidr: does not fit: Address range/,
    ]),
  ];
  for (const [cluster, change, message] of cases) {
    const found = problems(t, repository(t, { [cluster]: change }), cluster === 'shared' ? 'dev' : cluster);
    t.ok(found.length === 1 && message.test(found[0] ?? ''), `${String(message)}, alone, in ${found.join(' | ')}`);
  }
  t.end();
});

t.test('all mistakes are told at once, also those of both files, and where the kind of cluster is unknown', (t) => {
  const folder = repository(t, {
    dev: (text) =>
      text
        .replace('provider: aws', 'provider: azure')
        .replace('name: dev', 'name: x')
        .replace(/^( *(?:accountId|region|cidr|zones|natGateways|instanceType|minSize)): .*/gm, '$1: {}'),
    shared: (text) => `${text.replace('revision:', 'revison:').replace('"1.36"', '2')}extra: 1\n`,
  });
  const keys = problems(t, folder, 'dev').map((problem) => problem.split(': ', 2).join(' '));
  t.same(keys.sort(), [
    'clusters/dev/cluster.yaml:11 nodeGroup.instanceType',
    'clusters/dev/cluster.yaml:12 nodeGroup.minSize',
    'clusters/dev/cluster.yaml:2 name',
    'clusters/dev/cluster.yaml:3 provider',
    'clusters/dev/cluster.yaml:4 accountId',
    'clusters/dev/cluster.yaml:5 region',
    'clusters/dev/cluster.yaml:7 network.cidr',
    'clusters/dev/cluster.yaml:8 network.zones',
    'clusters/dev/cluster.yaml:9 network.natGateways',
    'clusters/shared/cluster.yaml:11 extra',
    'clusters/shared/cluster.yaml:2 git.revision',
    'clusters/shared/cluster.yaml:4 git.revison',
    'clusters/shared/cluster.yaml:8 kubernetesVersion',
  ]);
  t.end();
});

t.test('a file that is no map of settings is refused with its position', (t) => {
  const cases: [string, RegExp][] = [
    ['', /^clusters\/dev\/cluster\.yaml:1: the file: is empty; it must be a map, {} at least$/],
    ['# nothing\n', /cluster\.yaml:1: the file: is empty; it must be a map, {} at least$/],
    ['- a\n', /cluster\.yaml:1: the file: must be a map$/],
    ['\uFEFFname: dev\n', /cluster\.yaml:1: the file: begins with a byte order mark/],
    ['name: dev\nname: dev\n', /cluster\.yaml:2: the file: Map keys must be unique/],
    ['name: dev\ngit:\n  revision: a\n  revision: b\n', /cluster\.yaml:4: the file: Map keys must be unique/],
    ['name:\n\tx: 1\n', /cluster\.yaml:2: the file: has a tab/],
    ['name: dev\nregion:\teu-central-1\n', /cluster\.yaml:2: the file: has a tab/],
    ['name: dev\nregion: *x\n', /cluster\.yaml:2: the file: \*x is an alias/],
    ['name: dev\n---\nname: dev\n', /cluster\.yaml:2: the file: .*multiple documents/],
    ['name: !x dev\n', /cluster\.yaml:1: the file: Unresolved tag/],
  ];
  for (const [text, message] of cases) {
    const found = problems(t, repository(t, { dev: () => text }), 'dev');
    t.ok(found.length === 1 && message.test(found[0] ?? ''), `${String(message)}, alone, in ${found.join(' | ')}`);
  }
  t.same(problems(t, repository(t), 'nowhere'), ['clusters/nowhere/cluster.yaml:1: the file: does not exist']);

  const both = repository(t, { dev: () => 'a: 1\n\tb: 2\n\tc: 3\n', shared: () => '- a\n' });
  t.equal(problems(t, both, 'dev').length, 3, 'of both files at once');
  t.end();
});

t.test(
  'facts: the registry of AWS clusters is shared and the local one never resolves; load balancers stand in the public subnets',
  (t) => {
    const folder = repository(t);
    t.same(clusterFacts(readCluster(folder, 'dev')), {
      labels: { 'argocd.argoproj.io/secret-type': 'cluster', cluster: 'dev', 'metrics-server': 'enabled' },
      annotations: {
        repoURL: 'https://github.com/example/gitops-platform.git',
        repoRevision: 'main',
        imageRegistry: '999999999999.dkr.ecr.eu-central-1.amazonaws.com',
        loadBalancerCidrs: '{10.0.128.0/24,10.0.129.0/24}',
        region: 'eu-central-1',
        vpcId: 'vpc-00000000000000000',
      },
    });
    t.equal(clusterFacts(readCluster(folder, 'dev'), { vpcId: 'vpc-1' }).annotations.vpcId, 'vpc-1');
    t.same(clusterFacts(readCluster(folder, 'local'), { repoURL: 'http://127.0.0.1:1/x.git' }), {
      labels: { 'argocd.argoproj.io/secret-type': 'cluster', cluster: 'local' },
      annotations: {
        repoURL: 'http://127.0.0.1:1/x.git',
        repoRevision: 'main',
        imageRegistry: 'registry.invalid',
        loadBalancerCidrs: '{127.0.0.0/8}',
      },
    });
    t.end();
  },
);

t.test('the schema for editors is the one that the settings are checked against', (t) => {
  t.equal(
    readFileSync(join(root, 'clusters/cluster.schema.json'), 'utf8'),
    editorSchema(),
    'run: pnpm --filter @gitops/settings schema',
  );
  t.end();
});

t.test('editors are told of unknown keys at every level and miss none, since the shared file may have it', (t) => {
  const objects: Record<string, unknown>[] = [];
  JSON.parse(editorSchema(), (_, value: unknown) => {
    if (typeof value === 'object' && value !== null && 'properties' in value) objects.push({ ...value });
    return value;
  });
  t.equal(objects.length, 7, 'the file, git, registry, network, api, nodeGroup and budget');
  for (const object of objects)
    t.ok(
      object.additionalProperties === false && !('required' in object),
      Object.keys(object.properties as object).join(),
    );
  t.end();
});
