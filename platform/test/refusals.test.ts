import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openPlatform, type Platform } from './platform-in-tests.ts';
import type { Run } from './simulated-aws/engine.ts';

// The tests of the platform are worth what the simulated AWS would refuse: each of these is a mistake that somebody makes, in the
// JSON of a stack, and the place where it comes out.

interface StackJson {
  readonly resource: Record<string, Record<string, Record<string, unknown>>>;
  readonly data: Record<string, Record<string, Record<string, unknown>>>;
}

interface Mistake {
  readonly name: string;
  readonly stack: 'bootstrap-111111111111' | 'registry' | 'dev-network' | 'dev-cluster' | 'dev-argocd';
  readonly make: (stack: StackJson) => void;
  /** Where it must come out at the latest. */
  readonly step: 'validate' | 'plan' | 'apply' | 'destroy';
  readonly says: RegExp;
  /** What is slow, in milliseconds: what does not wait for it is then too early. */
  readonly slow?: Readonly<Record<string, number>>;
}

function resource({ resource: resources }: StackJson, type: string, id: string): Record<string, unknown> {
  const found = resources[type]?.[id];
  if (found === undefined) throw new Error(`the stack has no ${type}.${id}`);
  return found;
}

function remove(from: Record<string, unknown>, key: string): void {
  if (!(key in from)) throw new Error(`there is no ${key} to remove`);
  Reflect.deleteProperty(from, key);
}

const MISTAKES: readonly Mistake[] = [
  { name: 'a misspelt argument', stack: 'dev-network', make: (stack) => (resource(stack, 'aws_vpc', 'vpc').cidr_blok = '10.0.0.0/16'), step: 'validate', says: /Extraneous JSON object property|Unsupported argument/ },
  { name: 'a misspelt argument in a block', stack: 'dev-cluster', make: (stack) => Object.assign(resource(stack, 'aws_eks_cluster', 'cluster').vpc_config as object, { endpoint_privat_access: true }), step: 'validate', says: /Extraneous JSON object property|Unsupported argument/ },
  { name: 'a required argument left out', stack: 'dev-cluster', make: (stack) => { remove(resource(stack, 'aws_eks_cluster', 'cluster'), 'role_arn'); }, step: 'validate', says: /Missing required argument/ },
  { name: 'a required block left out', stack: 'dev-cluster', make: (stack) => { remove(resource(stack, 'aws_eks_cluster', 'cluster'), 'vpc_config'); }, step: 'validate', says: /Insufficient vpc_config blocks/ },
  { name: 'a wrong type', stack: 'dev-cluster', make: (stack) => (resource(stack, 'aws_cloudwatch_log_group', 'logs').retention_in_days = 'a week'), step: 'validate', says: /Incorrect attribute value type/ },
  { name: 'a name of something that is not there', stack: 'dev-network', make: (stack) => (resource(stack, 'aws_nat_gateway', 'nat-eu-central-1a').subnet_id = '${aws_subnet.public-eu-central-1z.id}'), step: 'validate', says: /Reference to undeclared resource/ },
  { name: 'a circle', stack: 'dev-network', make: (stack) => (resource(stack, 'aws_internet_gateway', 'internet-gateway').depends_on = ['aws_nat_gateway.nat-eu-central-1a']), step: 'validate', says: /Cycle/ },
  { name: 'a NAT gateway that does not wait for the internet gateway', stack: 'dev-network', make: (stack) => { remove(resource(stack, 'aws_nat_gateway', 'nat-eu-central-1a'), 'depends_on'); remove(resource(stack, 'aws_eip', 'nat-address-eu-central-1a'), 'depends_on'); }, step: 'apply', says: /Gateway\.NotAttached/, slow: { aws_internet_gateway: 500 } },
  { name: 'a NAT gateway without an address', stack: 'dev-network', make: (stack) => { remove(resource(stack, 'aws_nat_gateway', 'nat-eu-central-1a'), 'allocation_id'); }, step: 'apply', says: /MissingParameter/ },
  { name: 'two subnets in one place', stack: 'dev-network', make: (stack) => (resource(stack, 'aws_subnet', 'public-eu-central-1b').cidr_block = '10.0.128.0/24'), step: 'apply', says: /InvalidSubnet\.Conflict/ },
  { name: 'flow logs that may write nowhere', stack: 'dev-network', make: (stack) => { Reflect.deleteProperty(stack.resource, 'aws_iam_role_policy'); remove(resource(stack, 'aws_flow_log', 'flow-log'), 'depends_on'); }, step: 'apply', says: /Access Denied for LogDestination/ },
  { name: 'a cluster that does not wait for its log group', stack: 'dev-cluster', make: (stack) => { const cluster = resource(stack, 'aws_eks_cluster', 'cluster'); cluster.depends_on = (cluster.depends_on as string[]).filter((name) => !name.includes('log_group')); }, step: 'apply', says: /ResourceAlreadyExistsException: aws_cloudwatch_log_group \/aws\/eks\/dev\/cluster/, slow: { aws_cloudwatch_log_group: 1000 } },
  { name: 'a cluster whose role may do nothing yet', stack: 'dev-cluster', make: (stack) => { remove(resource(stack, 'aws_eks_cluster', 'cluster'), 'depends_on'); }, step: 'apply', says: /InvalidParameterException: the role .* lacks AmazonEKSClusterPolicy/ },
  { name: 'a cluster in one zone', stack: 'dev-cluster', make: (stack) => ((resource(stack, 'aws_eks_cluster', 'cluster').vpc_config as Record<string, unknown>).subnet_ids = '${slice(data.aws_subnets.private-subnets.ids, 0, 1)}'), step: 'apply', says: /at least two different AZs/ },
  { name: 'an API that nobody reaches', stack: 'dev-cluster', make: (stack) => Object.assign(resource(stack, 'aws_eks_cluster', 'cluster').vpc_config as object, { endpoint_private_access: false, endpoint_public_access: false }), step: 'apply', says: /Private and public endpoint access cannot be false/ },
  { name: 'nodes that do not wait for the CNI', stack: 'dev-cluster', make: (stack) => { const nodes = resource(stack, 'aws_eks_node_group', 'nodes'); nodes.depends_on = (nodes.depends_on as string[]).filter((name) => !name.includes('addon')); }, step: 'apply', says: /NodeCreationFailure: .*cni plugin not initialized/ },
  { name: 'DNS that does not wait for nodes', stack: 'dev-cluster', make: (stack) => { remove(resource(stack, 'aws_eks_addon', 'coredns'), 'depends_on'); }, step: 'apply', says: /coredns is DEGRADED/ },
  { name: 'a CNI without a role', stack: 'dev-cluster', make: (stack) => { remove(resource(stack, 'aws_eks_addon', 'vpc-cni'), 'depends_on'); }, step: 'apply', says: /vpc-cni is DEGRADED: its service account aws-node has no role/ },
  { name: 'two roles of one name', stack: 'dev-cluster', make: (stack) => (resource(stack, 'aws_iam_role', 'backup-role').name = 'gitops-platform.dev.nodes'), step: 'apply', says: /EntityAlreadyExists: aws_iam_role gitops-platform\.dev\.nodes/ },
  { name: 'a name that is too long', stack: 'dev-cluster', make: (stack) => (resource(stack, 'aws_iam_role', 'backup-role').name = 'x'.repeat(65)), step: 'apply', says: /longer than 64 characters/ },
  { name: 'a policy that is too large', stack: 'dev-cluster', make: (stack) => (resource(stack, 'aws_iam_role_policy', 'load-balancers-role-policy').policy = 'x'.repeat(10_241)), step: 'apply', says: /Maximum policy size of 10240 bytes/ },
  { name: 'rights for somebody who has no entry', stack: 'dev-cluster', make: (stack) => { remove(resource(stack, 'aws_eks_access_policy_association', 'access-developers-policy'), 'depends_on'); Reflect.deleteProperty(stack.resource.aws_eks_access_entry ?? {}, 'access-developers'); }, step: 'apply', says: /ResourceNotFoundException: aws_eks_access_entry/ },
  { name: 'a role without the boundary of the account', stack: 'dev-cluster', make: (stack) => (resource(stack, 'aws_iam_role', 'node-role').permissions_boundary = 'arn:aws:iam::111111111111:policy/other'), step: 'apply', says: /NoSuchEntity: aws_iam_policy/ },
  { name: 'Argo CD before anybody may enter', stack: 'dev-cluster', make: (stack) => { Reflect.deleteProperty(stack.resource, 'aws_eks_access_policy_association'); }, step: 'apply', says: /Kubernetes cluster unreachable/ },
  { name: 'Argo CD without its namespace', stack: 'dev-argocd', make: (stack) => { remove(resource(stack, 'helm_release', 'argocd'), 'create_namespace'); }, step: 'apply', says: /namespaces "argocd" not found/ },
  { name: 'the root before Argo CD', stack: 'dev-argocd', make: (stack) => { remove(resource(stack, 'helm_release', 'root'), 'depends_on'); resource(stack, 'helm_release', 'argocd').depends_on = ['helm_release.root']; resource(stack, 'helm_release', 'root').create_namespace = true; }, step: 'apply', says: /no matches for kind "Application"/ },
  { name: 'GitHub trusted before it is known', stack: 'bootstrap-111111111111', make: (stack) => { for (const role of Object.values(stack.resource.aws_iam_role ?? {})) remove(role, 'depends_on'); Reflect.deleteProperty(stack.resource, 'aws_iam_openid_connect_provider'); }, step: 'apply', says: /MalformedPolicyDocument: Invalid principal|NoSuchEntity/ },
  { name: 'a repository policy for another repository', stack: 'registry', make: (stack) => (resource(stack, 'aws_ecr_repository_policy', 'fastify-service-pull').repository = 'other'), step: 'apply', says: /RepositoryNotFoundException/ },
  { name: 'an internet gateway that goes before what it carries', stack: 'dev-network', make: (stack) => { remove(resource(stack, 'aws_nat_gateway', 'nat-eu-central-1a'), 'depends_on'); remove(resource(stack, 'aws_eip', 'nat-address-eu-central-1a'), 'depends_on'); }, step: 'destroy', says: /has some mapped public address\(es\)/, slow: { aws_nat_gateway: 500 } },
];

// What is needed is slower than what needs it.
const SLOW = { aws_iam_role_policy_attachment: 100, aws_eks_pod_identity_association: 100, aws_eks_addon: 20 };

const ORDER = ['bootstrap-111111111111', 'registry', 'dev-network', 'dev-cluster', 'dev-argocd'];

/** Goes on until something is refused. */
async function firstRefusal(platform: Platform, from: string): Promise<{ step: string; run: Run } | undefined> {
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

for (const { name, stack, make, step, says, slow = SLOW } of MISTAKES) {
  t.test(`refused: ${name}`, async (t) => {
    const platform = await openPlatform(t, (candidate) => ORDER.includes(candidate.name));
    await platform.apply(...ORDER.slice(0, ORDER.indexOf(stack)));
    Object.assign(platform.cloud.faults, { delays: slow });
    const file = join(platform.engine(stack).folder, 'cdk.tf.json');
    const json = JSON.parse(readFileSync(file, 'utf8')) as StackJson;
    make(json);
    writeFileSync(file, JSON.stringify(json));
    const refusal = await firstRefusal(platform, stack);
    t.equal(refusal?.step, step);
    t.match(refusal?.run.output.replace(/\s+/g, ' '), says);
  });
}
