import t from 'tap';
import { readCluster } from '../src/settings.ts';
import { append, type Edit, type FixtureName, problemsOf, replace, repository } from './cluster-fixtures.ts';

/** A mistake in one of the files: its one problem has this place and this text, exactly or by a pattern. */
type Mistake = readonly [file: FixtureName, edit: Edit, place: string, expected: string | RegExp];

const dev = (from: string, to: string, place: string, expected: string | RegExp): Mistake => [
  'dev',
  replace(from, to),
  place,
  expected,
];
const shared = (from: string, to: string, place: string, expected: string | RegExp): Mistake => [
  'shared',
  replace(from, to),
  place,
  expected,
];
const CIDR = '10.0.0.0/16';
const OFFICE = '203.0.113.0/24';

/** A freeze, right but for some of its fields. */
const freeze = (fields: Readonly<Record<string, string>>): Edit => {
  const right = { name: 'a', schedule: '"0 18 19 12 *"', duration: '16h', timeZone: 'UTC', reason: 'rest' };
  const entries = Object.entries({ ...right, ...fields }).map(([key, value]) => `${key}: ${value}`);
  return append(`freezes: [{ ${entries.join(', ')} }]`);
};

const MISTAKES: readonly Mistake[] = [
  dev('  zones:', '  zonse: [a]\n  zones:', '8: network.zonse', 'unknown setting (it is ["a"])'),
  dev('"111111111111"', '011111111111', '4: accountId', /^011111111111 must be quoted: Helm would print it as /),
  dev('"111111111111"', '"1"', '4: accountId', /^invalid value; expected: AWS account, 12 digits.* \(it is "1"\)$/),
  dev('name: dev', 'name: prod', '2: name', 'must be the folder\'s name, dev (it is "prod")'),
  dev('provider: aws', 'provider: azure', '3: provider', 'must be aws or local (it is "azure")'),
  dev('region: us-east-1\n', '', '1: region', 'missing'),
  dev('maxSize: 3', '', '10: nodeGroup.maxSize', 'missing'),
  dev('region: us-east-1', 'region: us-east-9', '5: region', /^must be us-east-1, .* or .* \(it is "us-east-9"\)$/),
  dev('t3.medium', 't3.tiny', '11: nodeGroup.instanceType', /^must be t3\.medium, .* \(it is "t3\.tiny"\)$/),
  dev('desiredSize: 2', 'desiredSize: 9', '13: nodeGroup.desiredSize', /^must be between minSize 2 and maxSize 3 /),
  dev(
    'maxSize: 3',
    'maxSize: 3\n  release: 1.35.1-20260901',
    '15: nodeGroup.release',
    'must be a release for Kubernetes 1.36, the kubernetesVersion of the cluster (it is "1.35.1-20260901")',
  ),
  dev('maxSize: 3', 'maxSize: 3\n  release: latest', '15: nodeGroup.release', /^invalid value; expected: Release of /),
  dev('desiredSize: 2', 'desiredSize: 1', '13: nodeGroup.desiredSize', /^must be between minSize 2 and maxSize 3 /),
  dev('logRetentionDays: 7', 'logRetentionDays: 8', '24: logRetentionDays', /^must be 1, 3, .* or 365 \(it is 8\)$/),
  dev('deletionProtection: false', 'deletionProtection: "no"', '21: deletionProtection', /^must be boolean; .*"no"\)$/),

  dev('natGateways: one', 'natGateways: two', '9: network.natGateways', 'must be one or per-zone (it is "two")'),
  dev(', us-east-1b', '', '8: network.zones', /^must not have fewer than 2 items; .*\(it is \["us-east-1a"\]\)$/),
  dev('us-east-1b', 'x y', '8: network.zones.1', /^invalid value; .*\(it is "x y"\)$/),
  dev(
    'us-east-1b]',
    'us-east-1b, a-c, a-d, a-e]',
    '8: network.zones',
    /^must not have more than 4 items; .*room for 4/,
  ),
  dev('us-east-1b', 'us-west-2b', '8: network.zones.1', /^must be a zone of us-east-1, .*\(it is "us-west-2b"\)$/),
  dev(
    'us-east-1b',
    'us-east-1e',
    '8: network.zones.1',
    'must be a zone in which EKS places control planes (it is "us-east-1e")',
  ),
  dev(CIDR, '10.0.1.0/16', '7: network.cidr', /^has host bits set; the network is 10\.0\.0\.0\/16 \(it is "10\.0\.1/),
  dev(
    CIDR,
    '172.20.0.0/16',
    '7: network.cidr',
    /^must not overlap 172\.20\.0\.0\/16, the addresses of Kubernetes Serv/,
  ),
  dev(
    CIDR,
    '10.0.0.0/17',
    '7: network.cidr',
    /^too small for .*: the \/24 of tier "public" in zone "us-east-1a" does not fit into 10\.0\.0\.0\/17: .*/,
  ),

  ...['0.0.0.0/16', '127.0.0.0/16', '169.254.0.0/16', '224.0.0.0/16', '239.1.0.0/16', '240.0.0.0/16'].map((cidr) =>
    dev(CIDR, cidr, '7: network.cidr', /^must not overlap \S+ \(.*\), which AWS refuses; for instance 10\.1\.0\.0\/16/),
  ),

  dev(OFFICE, '0.0.0.0/0', '18: api.publicCidrs.0', /^must not open the Kubernetes API to the world: .* is a \/16 /),
  dev(OFFICE, '0.0.0.0/1', '18: api.publicCidrs.0', /^must not open the Kubernetes API to the world: /),
  dev(OFFICE, '203.0.113.9/24', '18: api.publicCidrs.0', /^has host bits set; the network is 203\.0\.113\.0\/24 /),
  dev(OFFICE, 'office', '18: api.publicCidrs.0', /^invalid value; expected: Network that /),
  dev('[platform-team]', '[]', '19: api.adminRoles', /^must not have fewer than 1 items/),

  dev(
    'viewerRoles: []',
    'viewerRoles: [Platform-Team]',
    '20: api.viewerRoles.0',
    'is the same IAM role as api.adminRoles.0; list it once (it is "Platform-Team")',
  ),

  shared('"1.36"', '1.36', '8: kubernetesVersion', /^must be string; .*in quotes.*\(it is 1\.36\)$/),
  shared(
    '[metrics-server]',
    '[metrics]',
    '10: controllers.0',
    'must be aws-load-balancer-controller, metrics-server, external-secrets, prometheus-operator-crds, ' +
      'kube-prometheus-stack or karpenter (it is "metrics")',
  ),

  // A key's own line, though a map's value starts below it.
  [
    'local',
    append('network:\n  # why\n  cidr: 10.9.0.0/16'),
    '7: network',
    'unknown setting of a local cluster (it is {"cidr":"10.9.0.0/16"})',
  ],
  ['local', append('git: { branch: main }'), '7: git.branch', /^unknown setting of a local cluster/],
  // Of two files that have the key, the one whose value counts.
  ['dev', append('git: { revision: "" }'), '27: git.revision', /\(it is ""\)$/],
  ['dev', append('"a/b": 1'), '27: a/b', 'unknown setting (it is 1)'],
  ['dev', append('__proto__: { region: x }'), '27: __proto__', /^unknown setting/],
  ['dev', append('previews: { domain: Preview }'), '27: previews.domain', /^invalid value; expected: DNS name/],
  ['local', append('previews: { domain: a.example.com }'), '7: previews', /^unknown setting of a local cluster/],
  // A freeze whose cron line only Argo CD's own parser refuses is reported by `make check` (packages/manifests).
  ['dev', freeze({ schedule: '"0 18 19 12"' }), '27: freezes.0.schedule', /^invalid value; expected: When it begins/],
  ['dev', freeze({ schedule: '"*/5 * * * *"' }), '27: freezes.0.schedule', /^invalid value; expected: .*one number/],
  ['dev', freeze({ schedule: '"TZ=UTC 0 18 19 12 *"' }), '27: freezes.0.schedule', /^invalid value/],
  ['dev', freeze({ duration: '2 weeks' }), '27: freezes.0.duration', /^invalid value; expected: How long it lasts/],
  ['dev', freeze({ duration: '0h' }), '27: freezes.0.duration', /^invalid value/],
  [
    'dev',
    freeze({ timeZone: 'Europe/Berlni' }),
    '27: freezes.0.timeZone',
    /^unknown time zone \(it is "Europe\/Berlni"/,
  ],
  // Argo CD looks zones up by file names.
  ['dev', freeze({ timeZone: 'europe/berlin' }), '27: freezes.0.timeZone', /^unknown time zone/],
  ['local', freeze({ name: 'Year End' }), '7: freezes.0.name', /^invalid value; expected: name of the freeze/],
  ['shared', freeze({ reason: '""' }), '11: freezes.0.reason', /^must not have fewer than 1 characters/],

  // What no kind of cluster has is not taken for a setting of another kind.
  ['shared', append('extra: 1'), '11: extra', 'unknown setting (it is 1)'],

  ...[
    '10.0.0.0',
    '10.0.0.0/15',
    '10.0.0.0/29',
    '10.0.0.256/16',
    '10.0.0/16',
    '10..0.0/16',
    '010.0.0.0/16',
    '::/16',
  ].map((cidr) => dev(CIDR, `"${cidr}"`, '7: network.cidr', /^invalid value; expected: Address range/)),
];

t.test('each mistake is reported with file, line, key, rule and value', (t) => {
  for (const [file, edit, place, expected] of MISTAKES) {
    const found = problemsOf(t, repository(t, { [file]: edit }), file === 'shared' ? 'dev' : file);
    t.equal(found.length, 1, `${place} alone: ${found.join(' | ')}`);
    const start = `clusters/${file}/cluster.yaml:${place}: `;
    const [problem = ''] = found;
    t.ok(problem.startsWith(start), `${problem} is at ${start}`);
    const rest = problem.slice(start.length);
    if (typeof expected === 'string') t.equal(rest, expected);
    else t.match(rest, expected);
  }
  t.end();
});

t.test('two freezes of a cluster have two names', (t) => {
  const one = '{ name: a, schedule: "0 18 1 1 *", duration: 1h, timeZone: UTC, reason: rest }';
  const found = problemsOf(t, repository(t, { dev: append(`freezes:\n  - ${one}\n  - ${one}`) }), 'dev');
  t.strictSame(found, ['clusters/dev/cluster.yaml:29: freezes.1.name: another freeze has this name (it is "a")']);
  t.end();
});

t.test('the nodes that Karpenter may add', (t) => {
  const pool = (fields: object = {}): Edit =>
    append(
      `nodePool: ${JSON.stringify({ instanceTypes: ['t3.medium'], capacityTypes: ['spot'], expectedNodes: 1, maxCpus: 8, ...fields })}`,
    );
  const karpenter = replace('[metrics-server]', '[metrics-server, karpenter]');
  const problems = (dev: Edit, shared: Edit = karpenter): string[] =>
    problemsOf(t, repository(t, { dev, shared }), 'dev').map((problem) =>
      problem.replace(/^clusters\/dev\/cluster\.yaml:(?:1|27): /, '').replace(/ \(it is .*$/, ''),
    );
  t.equal(readCluster(repository(t, { dev: pool(), shared: karpenter }), 'dev').name, 'dev', 'all of it is right');
  t.same(
    problems(pool(), (text) => text),
    ['nodePool: needs karpenter, which `controllers` does not list'],
  );
  t.same(
    problems((text) => text),
    ['nodePool: missing; karpenter, which `controllers` lists, needs it'],
  );
  t.same(problems(pool({ expectedNodes: 5 })), [
    'nodePool.expectedNodes: must be at most 4, the nodes that maxCpus 8 allows',
  ]);
  t.same(problems(pool({ instanceTypes: ['t3.large', 't4g.large'] })), [
    'nodePool.instanceTypes.1: must be a type with amd64, the architecture of the node group',
  ]);
  t.match(problems(pool({ instanceTypes: ['t3.tiny'] })), [/^nodePool\.instanceTypes\.0: must be t3\.medium, /]);
  t.match(problems(pool({ capacityTypes: [] })), [/^nodePool\.capacityTypes: must not have fewer than 1 items/]);
  t.match(problems(pool({ maxCpus: 1, expectedNodes: 0 })), [/^nodePool\.maxCpus: must be >= 2/]);
  t.end();
});

t.test('previews need GitHub, its token by External Secrets, and one load balancer for all of them', (t) => {
  const previews = append('previews: { domain: preview.example.com }');
  const needs = (edit: Edit): string[] =>
    problemsOf(t, repository(t, { dev: previews, shared: edit }), 'dev').map((problem) =>
      problem.replace(/^clusters\/dev\/cluster\.yaml:27: previews: (.*) \(it is .*$/, '$1'),
    );
  t.same(
    needs((text) => text),
    ['aws-load-balancer-controller', 'external-secrets'].map(
      (name) => `need ${name}, which \`controllers\` does not list`,
    ),
  );
  const all = '[aws-load-balancer-controller, external-secrets]';
  const elsewhere = 'https://git.example.com/example/gitops-platform.git';
  t.same(
    needs((text) => text.replace('[metrics-server]', all).replace(/https:.*\.git/, elsewhere)),
    [`need a repository on GitHub, and git.repository is ${elsewhere}`],
  );
  t.end();
});

t.test('all mistakes are reported at once, of both files too, and where the kind of cluster is unknown', (t) => {
  const folder = repository(t, {
    dev: (text) =>
      text
        .replace('provider: aws', 'provider: azure')
        .replace('name: dev', 'name: x')
        .replace(/^( *(?:accountId|region|cidr|zones|natGateways|instanceType|minSize)): .*/gm, '$1: {}'),
    shared: (text) => `${text.replace('revision:', 'revison:').replace('"1.36"', '2')}extra: 1\n`,
  });
  const places = problemsOf(t, folder, 'dev').map((problem) => problem.split(': ', 2).join(' '));
  t.same(places.sort(), [
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

t.test('a file that is not a map of settings is refused with its position', (t) => {
  const cases: [string, RegExp][] = [
    ['', /^clusters\/dev\/cluster\.yaml:1: the file: is empty; it must be a map, at least {}$/],
    ['# nothing\n', /cluster\.yaml:1: the file: is empty; it must be a map, at least {}$/],
    ['- a\n', /cluster\.yaml:1: the file: must be a map$/],
    ['\uFEFFname: dev\n', /cluster\.yaml:1: the file: starts with a byte order mark/],
    ['name: dev\nname: dev\n', /cluster\.yaml:2: the file: Map keys must be unique/],
    ['name: dev\ngit:\n  revision: a\n  revision: b\n', /cluster\.yaml:4: the file: Map keys must be unique/],
    ['name:\n\tx: 1\n', /cluster\.yaml:2: the file: has a tab/],
    ['name: dev\nregion:\tus-east-1\n', /cluster\.yaml:2: the file: has a tab/],
    ['name: dev\nregion: *x\n', /cluster\.yaml:2: the file: \*x is an alias/],
    ['name: dev\n---\nname: dev\n', /cluster\.yaml:2: the file: .*multiple documents/],
    ['name: !x dev\n', /cluster\.yaml:1: the file: Unresolved tag/],
  ];
  for (const [text, message] of cases) {
    const found = problemsOf(t, repository(t, { dev: () => text }), 'dev');
    t.ok(found.length === 1 && message.test(found[0] ?? ''), `${String(message)}, alone, in ${found.join(' | ')}`);
  }
  t.same(problemsOf(t, repository(t), 'nowhere'), ['clusters/nowhere/cluster.yaml:1: the file: does not exist']);

  const both = repository(t, { dev: () => 'a: 1\n\tb: 2\n\tc: 3\n', shared: () => '- a\n' });
  t.equal(problemsOf(t, both, 'dev').length, 3, 'of both files at once');
  t.end();
});
