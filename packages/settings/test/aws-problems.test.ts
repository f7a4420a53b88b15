import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hasAddon, skipProblem, stepProblem } from '../src/eks-versions.ts';
import { zonesWithoutFamily } from '../src/regions.ts';
import { readCluster, versionProblems } from '../src/settings.ts';
import { append, type Edit, FILES, problemsOf, replace, repository } from './cluster-fixtures.ts';

const CIDR = '10.0.0.0/16';
const OFFICE = '203.0.113.0/24';
const ROLES = '[platform-team]';
const inRegion =
  (region: string, from = '', to = ''): Edit =>
  (text) =>
    text.replaceAll('us-east-1', region).replace(from, to);

t.test('what AWS would refuse in the midst of an apply is refused before, with file, line and key', (t) => {
  const mistakes: readonly [edit: Edit, place: string, rule: RegExp][] = [
    [replace(CIDR, '8.8.0.0/16'), '7: network.cidr', /^must be a private network, for instance 10\.1\.0\.0\/16: pods /],
    [
      replace(CIDR, '172.17.0.0/16'),
      '7: network.cidr',
      /^must not overlap 172\.17\.0\.0\/16, which services of AWS use inside a VPC/,
    ],
    [
      replace('us-east-1b', 'us-east-1h'),
      '8: network.zones.1',
      /^must be a zone that us-east-1 has: us-east-1a to us-east-1g \(packages\/settings\/data\/zones\.json\)/,
    ],
    [
      inRegion('eu-central-1', 'eu-central-1b', 'eu-central-1d'),
      '8: network.zones.1',
      /^must be a zone that eu-central-1 has: eu-central-1a to eu-central-1c /,
    ],
    [
      replace('maxSize: 3', 'maxSize: 451'),
      '14: nodeGroup.maxSize',
      /^needs a higher quota: the settings ask for 451 nodes of a managed node group in us-east-1 of account 111111111111, /,
    ],
    [replace(CIDR, '198.18.0.0/16'), '7: network.cidr', /^must be a private network/],
    ...['10.9.0.0/16', '192.168.0.0/24', '172.16.0.0/16', '100.64.0.0/16', '127.0.0.0/16'].map(
      (cidr): [Edit, string, RegExp] => [
        replace(OFFICE, cidr),
        '18: api.publicCidrs.0',
        /^must be a network of the internet, and \S+ \(.*\) is none; what is inside the VPC reaches the API anyway/,
      ],
    ),
    [replace(ROLES, '[team//ops]'), '19: api.adminRoles.0', /^must be a name, or a path and a name/],
    [replace(ROLES, '[/ops]'), '19: api.adminRoles.0', /^must be a name, or a path and a name/],
    [replace(ROLES, '[ops/]'), '19: api.adminRoles.0', /^must be a name, or a path and a name/],
    [replace(ROLES, `[${'a'.repeat(65)}]`), '19: api.adminRoles.0', /^must have a name of at most 64 characters/],
    [
      replace(ROLES, '[a/ops, b/Ops]'),
      '19: api.adminRoles.1',
      /^is the same IAM role as api\.adminRoles\.0; list it once \(it is "b\/Ops"\)$/,
    ],
    [
      replace(ROLES, '[gitops-platform-deploy-dev]'),
      '19: api.adminRoles.0',
      /^is the role of CI, which is an admin anyway; leave it out/,
    ],
    [replace(ROLES, '[gitops-platform.dev.nodes]'), '19: api.adminRoles.0', /^is a role of the cluster itself/],
    [
      inRegion('ap-south-2'),
      '5: region',
      /^must be one with prices in packages\/settings\/data\/prices\.json; add them there \(it is "ap-south-2"\)$/,
    ],
  ];
  for (const [edit, place, rule] of mistakes) {
    const [problem = '', ...more] = problemsOf(t, repository(t, { dev: edit }), 'dev');
    t.same(more, [], `${place} alone`);
    const start = `clusters/dev/cluster.yaml:${place}: `;
    t.ok(problem.startsWith(start), `${problem} is at ${start}`);
    t.match(problem.slice(start.length), rule);
  }
  t.end();
});

t.test('each type of node that Karpenter may add needs a price', (t) => {
  const pool = {
    instanceTypes: ['t3.large', 'm7i-flex.large'],
    capacityTypes: ['spot'],
    expectedNodes: 0,
    maxCpus: 8,
  };
  const dev: Edit = (text) => append(`nodePool: ${JSON.stringify(pool)}`)(inRegion('eu-central-1')(text));
  const shared = replace('[metrics-server]', '[karpenter]');
  t.same(problemsOf(t, repository(t, { dev, shared }), 'dev'), [
    'clusters/dev/cluster.yaml:27: nodePool.instanceTypes.1: must have a price for eu-central-1 in ' +
      'packages/settings/data/prices.json; add it there (it is "m7i-flex.large")',
  ]);
  t.end();
});

t.test('zones that lack the family of an instance type, as far as it is known', (t) => {
  t.same(zonesWithoutFamily('t3.medium'), [], 'of us-east-1e it is said that EKS lacks it');
  t.same(zonesWithoutFamily('t3.medium', { 'us-east-1f': ['t3'], 'us-east-1d': ['m8g'] }), ['us-east-1f']);
  t.end();
});

t.test('names that become too long, or no name of a bucket, are found by their settings', (t) => {
  const named = (name: string): Edit => replace('gitops-platform.git', `${name}.git`);
  const found = (name: string): readonly string[] => problemsOf(t, repository(t, { shared: named(name) }), 'dev');
  t.match(found('GitOps'), [
    /^clusters\/shared\/cluster\.yaml:3: git\.repository: must end in a name of lower-case letters, digits and dashes/,
  ]);
  t.match(found('a'.repeat(45)), [
    /^clusters\/shared\/cluster\.yaml:3: git\.repository: is too long: the bucket a+-state-111111111111 has 64 /,
    /^clusters\/dev\/cluster\.yaml:2: name: is too long with the name of the repository: the role a+\.dev\.external-secr/,
  ]);
  t.end();
});

t.test('what is one for all clusters on AWS does not differ between them', (t) => {
  const second = FILES.dev.replace('name: dev', 'name: test').replace(CIDR, '10.1.0.0/16');
  for (const [lines, key, rule] of [
    [
      'registry: { accountId: "222222222222" }',
      'registry.accountId',
      /^must be the same for all clusters on AWS, and dev has "999999999999" \(it is "222222222222"\)$/,
    ],
    ['registry: { region: eu-west-1 }', 'registry.region', /^must be the same .* dev has "us-east-1"/],
    ['state: s3', 'state', /^must be the same .* dev has "local"/],
    ['git: { ownerId: 7 }', 'git.ownerId', /^must be the same .* dev has "none"/],
  ] as const) {
    const [problem = '', ...more] = problemsOf(t, repository(t, {}, { test: append(lines)(second) }));
    t.same(more, []);
    const start = `clusters/test/cluster.yaml:27: ${key}: `;
    t.ok(problem.startsWith(start), problem);
    t.match(problem.slice(start.length), rule);
  }
  t.end();
});

t.test('versions that do not exist, or skip one after what is merged, are refused; a revert is not', (t) => {
  const folder = repository(t);
  const git = (...args: string[]): unknown =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=x', '-c', 'user.email=x@localhost', ...args], {
      stdio: 'ignore',
    });
  git('init', '-q', '-b', 'main');
  git('add', '.');
  git('commit', '-qm', 'first');
  const today = new Date('2026-06-01T00:00:00Z');
  const shared = join(folder, 'clusters/shared/cluster.yaml');
  const before = readFileSync(shared, 'utf8');
  const problems = (version: string): string[] => {
    writeFileSync(shared, before.replace('"1.36"', `"${version}"`));
    return versionProblems(folder, [readCluster(folder, 'dev'), readCluster(folder, 'local')], today);
  };
  t.same(problems('1.36'), []);
  t.match(problems('1.37'), [
    /^clusters\/shared\/cluster\.yaml:8: kubernetesVersion: must be a version that EKS offers: 1\.33, 1\.34, 1\.35, 1\.36 \(/,
  ]);
  t.same(problems('1.35'), [], 'what was merged may never have been applied');
  t.match(problems('1.32'), [/: kubernetesVersion: must be a version that EKS offers: /], 'back to one that exists');
  git('checkout', '-qb', 'older', 'main');
  problems('1.34');
  git('commit', '-qam', 'as it was');
  git('branch', '-f', 'main');
  t.same(problems('1.35'), []);
  t.match(problems('1.36'), [/: must be 1\.35: main has 1\.34, and EKS upgrades one minor version at a time /]);
  git('commit', '-qam', 'in a commit of a branch too');
  t.equal(problems('1.36').length, 1);
  git('branch', '-f', 'main');
  t.same(problems('1.36'), [], 'what is merged is compared with what runs, by make plan');
  t.same(versionProblems(repository(t), [readCluster(repository(t), 'dev')], today), [], 'without Git');
  t.end();
});

t.test('steps between versions, and add-ons for them', (t) => {
  t.equal(stepProblem('1.35', '1.35'), undefined);
  t.equal(stepProblem('1.35', '1.36'), undefined);
  t.match(stepProblem('1.34', '1.36'), /^must be 1\.35: the cluster runs 1\.34/);
  t.match(stepProblem('1.36', '1.34'), /^must not go back: the cluster runs 1\.36/);
  t.equal(skipProblem('1.36', '1.34', 'x has'), undefined);
  t.match(skipProblem('1.34', '1.36', 'x has'), /^must be 1\.35: x has 1\.34/);
  t.ok(hasAddon('vpc-cni', '1.36'));
  t.notOk(hasAddon('vpc-cni', '1.20'));
  t.notOk(hasAddon('vpc-cny', '1.36'));
  t.end();
});
