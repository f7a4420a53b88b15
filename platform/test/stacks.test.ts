import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { type AwsClusterSettings, readClusters, SettingsError } from '@gitops/settings';
import { subnetPlan } from '@gitops/settings/network';
import { synthesize, type SynthesizedStack } from '../src/app.ts';
import { nameIn } from '../src/names.ts';
import { type Change, repository, repositoryWith } from './platform-in-tests.ts';

type Resources = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
interface StackJson {
  readonly provider: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly terraform: Readonly<Record<string, unknown>>;
  readonly resource: Resources;
}

const outdir = join(t.testdir(), 'out');
const stacks = synthesize(repository, outdir);
const textOf = ({ folder }: SynthesizedStack): string => readFileSync(join(folder, 'cdk.tf.json'), 'utf8');
const readStack = (stack: SynthesizedStack): StackJson => JSON.parse(textOf(stack)) as StackJson;
const stackIn = (written: readonly SynthesizedStack[], name: string): StackJson => {
  const stack = written.find((candidate) => candidate.name === name);
  if (stack === undefined) throw new Error(`no stack ${name}`);
  return readStack(stack);
};
const read = (name: string): StackJson => stackIn(stacks, name);
const aws = readClusters(repository).filter((cluster): cluster is AwsClusterSettings => cluster.provider === 'aws');
const all = (stack: StackJson, type: string): Readonly<Record<string, unknown>>[] =>
  Object.values(stack.resource[type] ?? {});

/** The stacks of a copy of the repository with some settings changed. */
function withChanges(t: Test, ...changes: readonly Change[]): SynthesizedStack[] {
  const folder = t.testdir({});
  return synthesize(repositoryWith(join(folder, 'repository'), changes), join(folder, 'out'));
}

t.test('every stack comes after those that it depends on', (t) => {
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

t.test('roles whose names differ by one character have each an entry of their own', (t) => {
  const roles = ['a.b', 'a_b', 'a-b', 'a/b', 'a+b', 'ab'];
  const written = withChanges(t, ['dev', 'viewerRoles: [', `viewerRoles: [${roles.join(', ')}, `]);
  const entries = all(stackIn(written, 'dev-cluster'), 'aws_eks_access_entry').map((entry) =>
    String(entry.principal_arn),
  );
  for (const role of roles) t.equal(entries.filter((arn) => arn.endsWith(`:role/${role}`)).length, 1, role);
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

t.test('state is in the bucket of its account, with a lock, once the setting says so', (t) => {
  for (const stack of withChanges(t, ['shared', 'state: local', 'state: s3'])) {
    const { terraform, provider } = readStack(stack);
    const [account] = provider.aws?.[0]?.allowed_account_ids as string[];
    t.same((terraform.backend as Record<string, unknown>).s3, {
      bucket: `gitops-platform-state-${account ?? ''}`,
      key: `${stack.name}.tfstate`,
      region: 'us-east-1',
      encrypt: true,
      use_lockfile: true,
    });
  }
  t.end();
});

t.test('clusters stand in us-east-1, and one of them in 10.0.0.0/16', (t) => {
  for (const stack of stacks) t.equal(readStack(stack).provider.aws?.[0]?.region, 'us-east-1', stack.name);
  t.match(read('dev-network').resource.aws_vpc?.vpc, { cidr_block: '10.0.0.0/16' });
  t.end();
});

t.test('a cluster in another region is built there, and pulls from the one registry', (t) => {
  const changed = withChanges(t, [
    'dev',
    'network:\n',
    'region: eu-central-1\nnetwork:\n  zones: [eu-central-1a, eu-central-1b]\n',
  ]);
  const regions = new Map(changed.map((stack) => [stack.name, readStack(stack).provider.aws?.[0]?.region]));
  for (const [name, region] of regions)
    t.equal(region, name.startsWith('dev-') ? 'eu-central-1' : 'us-east-1', `${name} is in ${String(region)}`);

  const network = stackIn(changed, 'dev-network');
  t.same(
    new Set(all(network, 'aws_subnet').map(({ availability_zone }) => availability_zone)),
    new Set(['eu-central-1a', 'eu-central-1b']),
  );
  t.match(all(network, 'aws_vpc_endpoint'), [{ service_name: 'com.amazonaws.eu-central-1.s3' }]);

  const argocd = stackIn(changed, 'dev-argocd');
  t.match(argocd.provider.helm, [
    { kubernetes: { exec: { args: ['eks', 'get-token', '--cluster-name', 'dev', '--region', 'eu-central-1'] } } },
  ]);
  const [release] = all(argocd, 'helm_release').filter(({ name }) => name === 'root');
  const values = (release?.values as string[]).at(-1) ?? '';
  t.match(values, '"region":"eu-central-1"', 'the controllers of the cluster call AWS in its region');
  t.match(values, '"imageRegistry":"111111111111.dkr.ecr.us-east-1.amazonaws.com"');

  const secrets = stackIn(changed, 'dev-cluster').resource.aws_iam_role_policy?.['external-secrets-role-policy'];
  t.match(secrets?.policy, 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:dev/*');
  const push = stackIn(changed, 'bootstrap-111111111111').resource.aws_iam_role_policy?.['image-push-policy'];
  t.match(push?.policy, 'arn:aws:ecr:us-east-1:111111111111:repository/fastify-service');
  t.match(push?.policy, 'ecr:DescribeImageScanFindings', 'a release asks what the scan of its image found');
  for (const type of ['aws_ebs_encryption_by_default', 'aws_accessanalyzer_analyzer'])
    t.same(
      all(stackIn(changed, 'bootstrap-111111111111'), type).map(({ region }) => region),
      [undefined, 'eu-central-1'],
      `${type}: where the registry is, and where the cluster is`,
    );
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
        t.equal(routes, `\${aws_route_table.private-${zone}-routes.id}`, 'a table of its own');
        const gateway = exits === 1 ? cluster.network.zones[0] : zone;
        t.equal(
          network.resource.aws_route?.[`private-to-nat-${zone}`]?.nat_gateway_id,
          `\${aws_nat_gateway.nat-${gateway ?? ''}.id}`,
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
  const endpoints = (written: readonly SynthesizedStack[]): number =>
    all(stackIn(written, 'dev-network'), 'aws_vpc_endpoint').length;
  const changed = withChanges(t, ['dev', 'interfaceEndpoints: false', 'interfaceEndpoints: true']);
  t.same([endpoints(stacks), endpoints(changed)], [1, 9]);
  t.end();
});

t.test('the API of a cluster is open to its networks alone, and to none where there is none', (t) => {
  const vpcConfig = (written: readonly SynthesizedStack[]): unknown =>
    all(stackIn(written, 'dev-cluster'), 'aws_eks_cluster')[0]?.vpc_config;
  t.match(vpcConfig(stacks), {
    endpoint_private_access: true,
    endpoint_public_access: true,
    public_access_cidrs: ['203.0.113.0/24'],
  });
  t.match(vpcConfig(withChanges(t, ['dev', '[203.0.113.0/24]', '[]'])), {
    endpoint_private_access: true,
    endpoint_public_access: false,
  });
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

const REFUSED: readonly (readonly [...change: Change, problem: RegExp])[] = [
  ['staging', '10.1.0.0/16', '10.0.0.0/16', /staging\S+:\d+: network\.cidr: must not overlap the network of dev/],
  ['staging', '  cidr: 10.1.0.0/16\n', '', /staging\S+:\d+: network\.cidr: must not overlap the network of dev/],
  ['production', '10.2.0.0/16', '10.2.0.0/20', /production\S+:\d+: network\.cidr: too small for the subnets/],
  [
    'production',
    ', us-east-1b, us-east-1c]',
    ']',
    /production\S+:\d+: network\.zones: must not have fewer than 2 items/,
  ],
  ['production', 'us-east-1c', 'us-east-1e', /production\S+:\d+: network\.zones\.2: must be a zone in which EKS /],
  [
    'dev',
    'network:\n',
    'region: us-west-2\nnetwork:\n',
    /shared\S+:\d+: network\.zones\.0: must be a zone of us-west-2/,
  ],
  ['shared', /^region: us-east-1/m, 'region: us-east-7', /shared\S+:\d+: region: must be /],
  ['dev', 't3.medium', 't9.medium', /dev\S+:\d+: nodeGroup\.instanceType: must be /],
  ['dev', 'name: dev', 'name: development-cluster-of-the-platform-team', /dev\S+:\d+: name: .*31 lower-case letters/],
  [
    'dev',
    '203.0.113.0/24',
    '0.0.0.0/0',
    /dev\S+:\d+: api\.publicCidrs\.0: must not open the Kubernetes API to the world/,
  ],
  ['dev', 'minSize: 2', 'minSize: two', /dev\S+:\d+: nodeGroup\.minSize: must be integer/],
  ['shared', '"1.36"', '"1.33"', /shared\S+:\d+: kubernetesVersion: .*standard support/],
];

t.test('invalid settings are refused with file, key and rule, and what was written before stays', (t) => {
  const before = stacks.map(textOf);
  for (const [cluster, from, to, problem] of REFUSED) {
    const changed = repositoryWith(join(t.testdir({}), 'repository'), [[cluster, from, to]]);
    try {
      synthesize(changed, outdir);
      t.fail(`${cluster} was accepted: ${String(problem)}`);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      t.ok(
        error.problems.some((line) => line.startsWith('clusters/') && problem.test(line)),
        `${String(problem)} in ${error.problems.join(' | ')}`,
      );
    }
    t.same(stacks.map(textOf), before);
    t.notOk(existsSync(`${outdir}.new`));
  }
  t.end();
});
