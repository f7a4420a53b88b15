import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { type AwsClusterSettings, clusterNames, readCluster, SettingsError } from '@gitops/settings';
import { subnetPlan } from '@gitops/settings/network';
import { synthesize, type SynthesizedStack } from '../src/app.ts';
import { nameIn } from '../src/names.ts';

const repository = resolve(import.meta.dirname, '../..');

type Resources = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
interface StackJson {
  readonly provider: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly terraform: Readonly<Record<string, unknown>>;
  readonly resource: Resources;
}

const outdir = join(t.testdir(), 'out');
const stacks = synthesize(repository, outdir);
const textOf = ({ folder }: SynthesizedStack): string => readFileSync(join(folder, 'cdk.tf.json'), 'utf8');
const read = (name: string): StackJson => {
  const stack = stacks.find((candidate) => candidate.name === name);
  if (stack === undefined) throw new Error(`there is no stack ${name}`);
  return JSON.parse(textOf(stack)) as StackJson;
};
const aws = clusterNames(repository).flatMap((name): AwsClusterSettings[] => {
  const settings = readCluster(repository, name);
  return settings.provider === 'aws' ? [settings] : [];
});
const all = (stack: StackJson, type: string): Readonly<Record<string, unknown>>[] =>
  Object.values(stack.resource[type] ?? {});

t.test('every stack comes after those that it stands on', (t) => {
  const seen = new Set<string>();
  for (const { name, after } of stacks) {
    for (const earlier of after) t.ok(seen.has(earlier), `${earlier} comes before ${name}`);
    seen.add(name);
  }
  t.equal(
    seen.size,
    new Set([...aws.map(({ accountId }) => accountId)]).size + 1 + 3 * aws.length,
    'one bootstrap an account, the registry, three stacks a cluster',
  );
  t.end();
});

t.test('every stack works in its own account alone, tags what it makes and names no folder of this machine', (t) => {
  for (const stack of stacks) {
    const { provider, terraform } = read(stack.name);
    const [configuration] = provider.aws ?? [];
    t.match(
      configuration,
      {
        allowed_account_ids: [/^\d{12}$/],
        default_tags: [{ tags: { project: 'gitops-platform', stack: stack.name } }],
      },
      stack.name,
    );
    t.match(terraform, {
      backend: { local: { path: `../../../state/${stack.name}.tfstate` } },
      required_providers: { aws: { source: 'hashicorp/aws', version: /^\d+\.\d+\.\d+$/ } },
    });
    t.notMatch(textOf(stack), repository);
  }
  t.end();
});

t.test('two synths write the same', (t) => {
  const again = synthesize(repository, join(t.testdir(), 'out'));
  t.same(again.map(textOf), stacks.map(textOf));
  t.end();
});

t.test('state lies in the bucket of its account, with a lock, once the setting says so', (t) => {
  const { repository: changed } = withChange(t, 'shared', (text) => text.replace('state: local', 'state: s3'));
  for (const stack of synthesize(changed, join(t.testdirName, 'out'))) {
    const { terraform, provider } = JSON.parse(textOf(stack)) as StackJson;
    const [account] = provider.aws?.[0]?.allowed_account_ids as string[];
    t.same((terraform.backend as Record<string, unknown>).s3, {
      bucket: `gitops-platform-state-${account ?? ''}`,
      key: `${stack.name}.tfstate`,
      region: 'eu-central-1',
      encrypt: true,
      use_lockfile: true,
    });
  }
  t.end();
});

t.test(
  'the network: the subnets of the plan, routes to the internet for the public ones and through NAT for the others',
  (t) => {
    for (const cluster of aws) {
      const network = read(nameIn(cluster, 'network'));
      t.same(
        new Map(
          Object.entries(network.resource.aws_subnet ?? {}).map(
            ([id, { cidr_block, availability_zone, map_public_ip_on_launch }]) => [
              id,
              [cidr_block, availability_zone, map_public_ip_on_launch],
            ],
          ),
        ),
        new Map(subnetPlan(cluster.network).map(({ tier, zone, cidr }) => [`${tier}-${zone}`, [cidr, zone, false]])),
      );
      const exits = cluster.network.natGateways === 'one' ? 1 : cluster.network.zones.length;
      t.same([all(network, 'aws_nat_gateway').length, all(network, 'aws_eip').length], [exits, exits], cluster.name);
      for (const gateway of all(network, 'aws_nat_gateway'))
        t.match(gateway, { subnet_id: /aws_subnet\.public-/, depends_on: ['aws_internet_gateway.internet-gateway'] });
      for (const zone of cluster.network.zones) {
        const routes = network.resource.aws_route_table_association?.[`private-${zone}-association`]?.route_table_id;
        t.equal(
          routes,
          exits === 1 ? '${aws_route_table.private-routes.id}' : `\${aws_route_table.private-${zone}-routes.id}`,
        );
      }
      t.match(all(network, 'aws_default_security_group'), [{ ingress: [], egress: [] }]);
    }
    t.end();
  },
);

t.test('the drawing of the network shows the subnets that there are', (t) => {
  const drawing = readFileSync(resolve(import.meta.dirname, '../src/stacks/network.ts'), 'utf8');
  for (const { cidr } of subnetPlan({ cidr: '10.0.0.0/16', zones: ['a', 'b'] })) t.match(drawing, ` ${cidr} `, cidr);
  t.end();
});

t.test('interface endpoints are a setting', (t) => {
  const { repository: changed } = withChange(t, 'dev', (text) =>
    text.replace('interfaceEndpoints: false', 'interfaceEndpoints: true'),
  );
  const endpoints = (folder: string): number =>
    all(
      JSON.parse(readFileSync(join(folder, 'stacks/dev-network/cdk.tf.json'), 'utf8')) as StackJson,
      'aws_vpc_endpoint',
    ).length;
  synthesize(changed, join(t.testdirName, 'out'));
  t.same([endpoints(outdir), endpoints(join(t.testdirName, 'out'))], [1, 9]);
  t.end();
});

t.test('the API of a cluster is open to its networks alone, and to none where there is none', (t) => {
  const vpcConfig = (folder: string): unknown =>
    Object.values(
      (JSON.parse(readFileSync(join(folder, 'stacks/dev-cluster/cdk.tf.json'), 'utf8')) as StackJson).resource
        .aws_eks_cluster ?? {},
    )[0]?.vpc_config;
  t.match(vpcConfig(outdir), {
    endpoint_private_access: true,
    endpoint_public_access: true,
    public_access_cidrs: ['203.0.113.0/24'],
  });
  const { repository: changed } = withChange(t, 'dev', (text) => text.replace('[203.0.113.0/24]', '[]'));
  synthesize(changed, join(t.testdirName, 'out'));
  t.match(vpcConfig(join(t.testdirName, 'out')), { endpoint_private_access: true, endpoint_public_access: false });
  t.end();
});

t.test('the root of the bindings is never loaded: it takes seconds and half a gigabyte', (t) => {
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  t.ok(
    loaded.some((file) => file.endsWith('provider-aws/lib/vpc/index.js')),
    'the bindings of resources are loaded',
  );
  t.same(
    loaded.filter((file) => /@cdktf\/provider-[a-z]+\/lib\/index(-lazy)?\.js$/.test(file)),
    [],
  );
  t.end();
});

/**
 * A copy of what the platform reads, with one cluster's settings changed. A change that changes nothing is a mistake of
 * the test.
 */
function withChange(t: Test, cluster: string, change: (text: string) => string): { repository: string } {
  const copy = join(t.testdir(), 'repository');
  for (const folder of ['clusters', 'argocd'])
    cpSync(join(repository, folder), join(copy, folder), { recursive: true });
  const file = join(copy, 'clusters', cluster, 'cluster.yaml');
  const text = readFileSync(file, 'utf8');
  if (change(text) === text) t.fail(`${cluster}: nothing was changed`);
  writeFileSync(file, change(text));
  return { repository: copy };
}

t.test('what cannot be is refused with file, key and rule, and what was written before stays', (t) => {
  const cases: [cluster: string, change: (text: string) => string, problem: RegExp][] = [
    [
      'staging',
      (text) => text.replace('10.1.0.0/16', '10.0.0.0/16'),
      /^clusters\/staging\/cluster\.yaml:\d+: network\.cidr: must not overlap with the network of dev/,
    ],
    [
      'dev',
      (text) => text.replace('10.0.0.0/16', '10.0.0.0/20'),
      /^clusters\/dev\/cluster\.yaml:\d+: network\.cidr: must hold the subnets of the cluster/,
    ],
    [
      'dev',
      (text) => text.replace(', eu-central-1b]', ']'),
      /^clusters\/dev\/cluster\.yaml:\d+: network\.zones: must not have fewer than 2 items/,
    ],
    [
      'dev',
      (text) => text.replaceAll('eu-central-1', 'eu-central-7'),
      /^clusters\/dev\/cluster\.yaml:\d+: region: must be /,
    ],
    [
      'dev',
      (text) => text.replace('t3.medium', 't9.medium'),
      /^clusters\/dev\/cluster\.yaml:\d+: nodeGroup\.instanceType: must be /,
    ],
    [
      'dev',
      (text) => text.replace('name: dev', 'name: development-cluster-of-the-platform-team'),
      /^clusters\/dev\/cluster\.yaml:\d+: name: .*31 small letters/,
    ],
    [
      'dev',
      (text) => text.replace('203.0.113.0/24', '0.0.0.0/0'),
      /^clusters\/dev\/cluster\.yaml:\d+: api\.publicCidrs\.0: must not open the Kubernetes API to the world/,
    ],
    [
      'dev',
      (text) => text.replace('minSize: 2', 'minSize: two'),
      /^clusters\/dev\/cluster\.yaml:\d+: nodeGroup\.minSize: must be integer/,
    ],
    [
      'shared',
      (text) => text.replace('"1.36"', '"1.33"'),
      /^clusters\/shared\/cluster\.yaml:\d+: kubernetesVersion: .*standard support/,
    ],
  ];
  const before = stacks.map(textOf);
  for (const [cluster, change, problem] of cases) {
    const { repository: changed } = withChange(t, cluster, change);
    try {
      synthesize(changed, outdir);
      t.fail(`${cluster} was accepted: ${String(problem)}`);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      t.ok(
        error.problems.some((line) => problem.test(line)),
        `${String(problem)} in ${error.problems.join(' | ')}`,
      );
    }
    t.same(stacks.map(textOf), before);
    t.notOk(existsSync(`${outdir}.new`));
  }
  t.end();
});
