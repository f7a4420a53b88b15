import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openPlatform, type Platform, remember } from '../platform-in-tests.ts';
import type { Run } from '../simulated-aws/engine.ts';

// The tests of the platform are worth what the simulated AWS refuses: each is a mistake in a stack, and where it shows.

type Json = Record<string, unknown>;
interface StackJson {
  readonly resource: Json;
}

type Edit = (stack: StackJson) => void;
type Stack = 'bootstrap-111111111111' | 'registry' | 'dev-network' | 'dev-cluster' | 'dev-argocd';
type Step = 'validate' | 'plan' | 'apply' | 'destroy';
/** By type of resource, in milliseconds. */
type Delays = Readonly<Record<string, number>>;
interface Mistake {
  readonly name: string;
  /** Where it must come out at the latest. */
  readonly step: Step;
  readonly says: RegExp;
  readonly edits: readonly Edit[];
  /** What is slow: what does not wait for it is then too early. */
  readonly slow: Delays;
}

// What is needed is slower than what needs it.
const SLOW = { aws_iam_role_policy_attachment: 100, aws_eks_pod_identity_association: 100, aws_eks_addon: 20 };

const refusedAt =
  (step: Step) =>
  (name: string, says: RegExp, edits: readonly Edit[], slow: Delays = SLOW) => ({ name, step, says, edits, slow });
const atValidate = refusedAt('validate');
const atApply = refusedAt('apply');
const atDestroy = refusedAt('destroy');

/** What holds the last key of a path such as aws_vpc.vpc.cidr_block, and that key. */
function find({ resource }: StackJson, path: string): { parent: Json; key: string } {
  const keys = path.split('.');
  const key = keys.pop() ?? '';
  const parent = keys.reduce<unknown>((inner, name) => (inner as Json | undefined)?.[name], resource);
  if (typeof parent !== 'object' || parent === null) throw new Error(`the stack has no ${keys.join('.')}`);
  return { parent: parent as Json, key };
}

const set =
  (path: string, value: unknown): Edit =>
  (stack) => {
    const { parent, key } = find(stack, path);
    parent[key] = value;
  };

const remove =
  (path: string): Edit =>
  (stack) => {
    const { parent, key } = find(stack, path);
    if (!(key in parent)) throw new Error(`there is no ${path} to remove`);
    Reflect.deleteProperty(parent, key);
  };

/** Takes those out of depends_on whose address includes a text. */
const dropDependency =
  (path: string, text: string): Edit =>
  (stack) => {
    const { parent, key } = find(stack, `${path}.depends_on`);
    const before = parent[key] as string[];
    const after = before.filter((address) => !address.includes(text));
    if (after.length === before.length) throw new Error(`${path} does not depend on ${text}`);
    parent[key] = after;
  };

const removeFromEvery =
  (type: string, key: string): Edit =>
  (stack) => {
    for (const id of Object.keys(stack.resource[type] ?? {})) remove(`${type}.${id}.${key}`)(stack);
  };

const NAT = 'aws_nat_gateway.nat-us-east-1a';
const NAT_ADDRESS = 'aws_eip.nat-address-us-east-1a';
const CLUSTER = 'aws_eks_cluster.cluster';
const NODES = 'aws_eks_node_group.nodes';
const VPC_CONFIG = `${CLUSTER}.vpc_config`;
const BACKUP_ROLE = 'aws_iam_role.backup-role';
const UNKNOWN_ARGUMENT = /Extraneous JSON object property|Unsupported argument/;
const NAT_WAITS_FOR_NOTHING = [remove(`${NAT}.depends_on`), remove(`${NAT_ADDRESS}.depends_on`)];

const MISTAKES: Readonly<Record<Stack, readonly Mistake[]>> = {
  'bootstrap-111111111111': [
    atApply('GitHub trusted before it is known', /MalformedPolicyDocument: Invalid principal|NoSuchEntity/, [
      removeFromEvery('aws_iam_role', 'depends_on'),
      remove('aws_iam_openid_connect_provider'),
    ]),
  ],

  registry: [
    atApply('a repository policy for another repository', /RepositoryNotFoundException/, [
      set('aws_ecr_repository_policy.fastify-service-pull.repository', 'other'),
    ]),
  ],

  'dev-network': [
    atValidate('a misspelt argument', UNKNOWN_ARGUMENT, [set('aws_vpc.vpc.cidr_blok', '10.0.0.0/16')]),
    atValidate('a name of something that is not there', /Reference to undeclared resource/, [
      set(`${NAT}.subnet_id`, '${aws_subnet.public-us-east-1z.id}'),
    ]),
    atValidate('a circle', /Cycle/, [set('aws_internet_gateway.internet-gateway.depends_on', [NAT])]),
    atApply(
      'a NAT gateway that does not wait for the internet gateway',
      /Gateway\.NotAttached/,
      NAT_WAITS_FOR_NOTHING,
      { aws_internet_gateway: 500 },
    ),
    atApply('a NAT gateway without an address', /MissingParameter/, [remove(`${NAT}.allocation_id`)]),
    atApply('a network that no packet may have', /InvalidParameterValue: Value \(169\.254\.0\.0\/16\)/, [
      set('aws_vpc.vpc.cidr_block', '169.254.0.0/16'),
    ]),
    atApply('a network that is too large', /InvalidVpc\.Range/, [set('aws_vpc.vpc.cidr_block', '10.0.0.0/8')]),
    atApply('a subnet outside of its network', /InvalidSubnet\.Range/, [
      set('aws_subnet.public-us-east-1b.cidr_block', '10.1.0.0/24'),
    ]),
    atApply('two subnets in one place', /InvalidSubnet\.Conflict/, [
      set('aws_subnet.public-us-east-1b.cidr_block', '10.0.128.0/24'),
    ]),
    atApply('flow logs that may write nowhere', /Access Denied for LogDestination/, [
      remove('aws_iam_role_policy'),
      remove('aws_flow_log.flow-log.depends_on'),
    ]),
    atDestroy(
      'an internet gateway that goes before what it carries',
      /has some mapped public address\(es\)/,
      NAT_WAITS_FOR_NOTHING,
      { aws_nat_gateway: 500 },
    ),
  ],

  'dev-cluster': [
    atValidate('a misspelt argument in a block', UNKNOWN_ARGUMENT, [set(`${VPC_CONFIG}.endpoint_privat_access`, true)]),
    atValidate('a required argument left out', /Missing required argument/, [remove(`${CLUSTER}.role_arn`)]),
    atValidate('a required block left out', /Insufficient vpc_config blocks/, [remove(VPC_CONFIG)]),
    atValidate('a wrong type', /Incorrect attribute value type/, [
      set('aws_cloudwatch_log_group.logs.retention_in_days', 'a week'),
    ]),
    atApply(
      'a cluster that does not wait for its log group',
      /ResourceAlreadyExistsException: aws_cloudwatch_log_group \/aws\/eks\/dev\/cluster/,
      [dropDependency(CLUSTER, 'log_group')],
      { aws_cloudwatch_log_group: 1000 },
    ),
    atApply(
      'a cluster whose role may do nothing yet',
      /InvalidParameterException: the role .* lacks AmazonEKSClusterPolicy/,
      [remove(`${CLUSTER}.depends_on`)],
    ),
    atApply('a version that EKS does not have', /InvalidParameterException: unsupported Kubernetes version/, [
      set(`${CLUSTER}.version`, '1.28'),
    ]),
    atApply('an add-on for a newer Kubernetes', /Addon version specified is not supported/, [
      set('aws_eks_addon.coredns.addon_version', 'v1.99.0-eksbuild.1'),
    ]),
    atApply(
      'nodes that are newer than the control plane',
      /InvalidParameterException: Requested Nodegroup version 1\.99/,
      [set(`${NODES}.version`, '1.99'), set(`${NODES}.release_version`, '1.99.1-20260901')],
    ),
    atApply('an image for another version', /Requested release version 1\.34\.1-20260901 is not valid for kubernetes/, [
      set(`${NODES}.release_version`, '1.34.1-20260901'),
    ]),
    atApply('fewer nodes than the least', /Minimum capacity 3 can't be greater than desired size 2/, [
      set(`${NODES}.scaling_config.min_size`, 3),
    ]),
    atApply('more nodes than the most', /desiredSize can't be greater than maxSize/, [
      set(`${NODES}.scaling_config.desired_size`, 7),
    ]),
    atApply('a cluster in one zone', /at least two different AZs/, [
      set(`${VPC_CONFIG}.subnet_ids`, '${slice(data.aws_subnets.private-subnets.ids, 0, 1)}'),
    ]),
    atApply('an API that nobody reaches', /Private and public endpoint access cannot be false/, [
      set(`${VPC_CONFIG}.endpoint_private_access`, false),
      set(`${VPC_CONFIG}.endpoint_public_access`, false),
    ]),
    atApply('nodes that do not wait for the CNI', /NodeCreationFailure: .*cni plugin not initialized/, [
      dropDependency('aws_eks_node_group.nodes', 'addon'),
    ]),
    atApply('DNS that does not wait for nodes', /coredns is DEGRADED/, [remove('aws_eks_addon.coredns.depends_on')]),
    atApply(
      'a CNI without a role',
      /vpc-cni is DEGRADED: its service account aws-node has no role/,
      [remove('aws_eks_addon.vpc-cni.depends_on')],
      // On a busy machine the add-on may start late.
      { ...SLOW, aws_eks_pod_identity_association: 2000 },
    ),
    atApply('two roles of one name', /EntityAlreadyExists: aws_iam_role gitops-platform\.dev\.nodes/, [
      set(`${BACKUP_ROLE}.name`, 'gitops-platform.dev.nodes'),
    ]),
    atApply('a name that is too long', /longer than 64 characters/, [set(`${BACKUP_ROLE}.name`, 'x'.repeat(65))]),
    atApply('a policy that is too large', /Maximum policy size of 10240 bytes/, [
      set('aws_iam_role_policy.load-balancers-role-policy.policy', 'x'.repeat(10_241)),
    ]),
    atApply('rights for somebody who has no entry', /ResourceNotFoundException: aws_eks_access_entry/, [
      remove('aws_eks_access_policy_association.access-developers-policy.depends_on'),
      remove('aws_eks_access_entry.access-developers'),
    ]),
    atApply('a role without the boundary of the account', /NoSuchEntity: aws_iam_policy/, [
      set('aws_iam_role.node-role.permissions_boundary', 'arn:aws:iam::111111111111:policy/other'),
    ]),
    atApply('Argo CD before anybody may enter', /Kubernetes cluster unreachable/, [
      remove('aws_eks_access_policy_association'),
    ]),
  ],

  'dev-argocd': [
    atApply('Argo CD without its namespace', /namespaces "argocd" not found/, [
      remove('helm_release.argocd.create_namespace'),
    ]),
    atApply('the root before Argo CD', /no matches for kind "Application"/, [
      remove('helm_release.root.depends_on'),
      set('helm_release.argocd.depends_on', ['helm_release.root']),
      set('helm_release.root.create_namespace', true),
    ]),
  ],
};

const ORDER: readonly Stack[] = ['bootstrap-111111111111', 'registry', 'dev-network', 'dev-cluster', 'dev-argocd'];
const isStack = (name: string): boolean => ORDER.some((stack) => stack === name);

/** Goes on until something is refused. */
async function firstRefusal(platform: Platform, from: Stack): Promise<{ step: string; run: Run } | undefined> {
  for (const name of ORDER.slice(ORDER.indexOf(from))) {
    const engine = platform.engine(name);
    await engine.init();
    for (const step of ['validate', 'plan', 'apply'] as const) {
      const run = await engine[step]();
      if (run.code !== 0 && !(step === 'plan' && run.code === 2)) return { step, run };
    }
  }
  const run = await platform.engine(from).destroy();
  return run.code === 0 ? undefined : { step: 'destroy', run };
}

for (const stack of ORDER) {
  t.test(`mistakes in ${stack}`, async (t) => {
    const platform = await openPlatform(t, (candidate) => isStack(candidate.name));
    await platform.apply(...ORDER.slice(0, ORDER.indexOf(stack)));
    const restore = remember(platform, stack);
    for (const { name, step, says, edits, slow } of MISTAKES[stack]) {
      await t.test(`refused: ${name}`, async (t) => {
        restore();
        Object.assign(platform.cloud.faults, { delays: slow });
        const file = join(platform.engine(stack).folder, 'cdk.tf.json');
        const json = JSON.parse(readFileSync(file, 'utf8')) as StackJson;
        for (const edit of edits) edit(json);
        writeFileSync(file, JSON.stringify(json));
        const refusal = await firstRefusal(platform, stack);
        t.equal(refusal?.step, step);
        t.match(refusal?.run.output.replace(/\s+/g, ' '), says);
      });
    }
  });
}

/** Mistakes in a change of what is there: what EKS refuses of an update, in its words. */
const CHANGES: readonly (readonly [name: string, says: RegExp, edits: readonly Edit[]])[] = [
  [
    'a minor version skipped or gone back',
    /InvalidParameterException: Unsupported Kubernetes minor version update from 1\.36 to 1\.33/,
    [set(`${CLUSTER}.version`, '1.33')],
  ],
  [
    'a least size above what runs',
    /Minimum capacity 3 can't be greater than desired size 2/,
    [set(`${NODES}.scaling_config.min_size`, 3)],
  ],
  [
    'nodes that go back',
    /InvalidParameterException: Nodegroup version cannot be downgraded/,
    [set(`${NODES}.version`, '1.35'), set(`${NODES}.release_version`, '1.35.1-20260901')],
  ],
];

t.test('refused: a change of what is there', async (t) => {
  const platform = await openPlatform(t, ({ name }) =>
    ['bootstrap-111111111111', 'dev-network', 'dev-cluster'].includes(name),
  );
  await platform.apply(...platform.stacks.map(({ name }) => name));
  const engine = platform.engine('dev-cluster');
  const file = join(engine.folder, 'cdk.tf.json');
  const before = readFileSync(file, 'utf8');
  for (const [name, says, edits] of CHANGES) {
    const json = JSON.parse(before) as StackJson;
    for (const edit of edits) edit(json);
    writeFileSync(file, JSON.stringify(json));
    const run = await engine.apply();
    t.equal(run.code, 1, name);
    t.match(run.output.replace(/\s+/g, ' '), says, name);
  }
});
