import { byArn, type Context, globalArn, idFromName, type Kinds, NOW, optional, type Reference } from './kind.ts';
import { regionalArn, text } from './kind.ts';

// IAM and its Access Analyzer. Known: names, lengths, the size of policies, that a boundary and a federated principal
// exist. Not known: what any policy allows; rights are not checked.

// IAM user guide, "IAM and AWS STS quotas"; policies without whitespace, the inline ones of a role together.
const LONGEST_ROLE_NAME = 64;
const LARGEST_INLINE_POLICY = 10_240;
const LARGEST_MANAGED_POLICY = 6_144;

const sizeOf = (policy: string): number => policy.replace(/\s/g, '').length;

const ofRole: Reference = {
  from: (values) => [text(values, 'role')],
  to: 'aws_iam_role',
  by: (values) => text(values, 'name'),
  missingError: 'NoSuchEntity',
  inUseError: 'DeleteConflict',
};

function checkRole({ values, find, fail }: Context): void {
  const name = text(values, 'name');
  if (name.length > LONGEST_ROLE_NAME) fail('ValidationError', `the name ${name} is longer than 64 characters`);
  const federated = /arn:aws:iam::\d+:oidc-provider\/[^"]+/.exec(text(values, 'assume_role_policy'))?.[0];
  if (federated === undefined) return;
  if (find('aws_iam_openid_connect_provider', (provider) => provider.values.arn === federated) === undefined)
    fail('MalformedPolicyDocument', `Invalid principal in policy: ${federated}`);
}

export const iam: Kinds = {
  aws_iam_role: {
    scope: 'account',
    id: idFromName,
    fixed: ['name', 'path'],
    existsError: 'EntityAlreadyExists',
    references: [
      {
        from: (values) => optional(values, 'permissions_boundary'),
        to: 'aws_iam_policy',
        by: byArn,
        missingError: 'NoSuchEntity',
        inUseError: 'DeleteConflict',
      },
    ],
    checkCreate: checkRole,
    computed: ['id', 'arn', 'create_date', 'unique_id'],
    fill: (context) => ({
      arn: globalArn(context, 'iam', `role/${context.id}`),
      create_date: NOW,
      unique_id: 'AROASIMULATED',
    }),
  },

  aws_iam_role_policy_attachment: {
    scope: 'account',
    overwrites: true,
    id: ({ values }) => `${text(values, 'role')}-${text(values, 'policy_arn').replace(/^.*\//, '')}`,
    fixed: ['role', 'policy_arn'],
    references: [ofRole],
    computed: ['id'],
  },

  aws_iam_role_policy: {
    scope: 'account',
    overwrites: true,
    id: ({ values }) => `${text(values, 'role')}:${text(values, 'name')}`,
    fixed: ['role', 'name'],
    references: [ofRole],
    checkCreate: ({ values, fail }) => {
      if (sizeOf(text(values, 'policy')) > LARGEST_INLINE_POLICY)
        fail('LimitExceeded', `Maximum policy size of 10240 bytes exceeded for role ${text(values, 'role')}`);
    },
    computed: ['id'],
  },

  aws_iam_policy: {
    scope: 'account',
    id: (context) => globalArn(context, 'iam', `policy/${text(context.values, 'name')}`),
    fixed: ['name', 'description'],
    existsError: 'EntityAlreadyExists',
    checkCreate: ({ values, fail }) => {
      if (sizeOf(text(values, 'policy')) > LARGEST_MANAGED_POLICY)
        fail('LimitExceeded', 'Cannot exceed quota for PolicySize: 6144');
    },
    computed: ['id', 'arn', 'policy_id', 'attachment_count'],
    fill: ({ id }) => ({ arn: id, policy_id: 'ANPASIMULATED', attachment_count: 0 }),
  },

  // IAM user guide, "Using instance profiles": one role each, which cannot be deleted before.
  aws_iam_instance_profile: {
    scope: 'account',
    id: idFromName,
    fixed: ['name', 'path'],
    existsError: 'EntityAlreadyExists',
    references: [ofRole],
    computed: ['id', 'arn', 'create_date', 'name_prefix', 'unique_id'],
    fill: (context) => ({
      arn: globalArn(context, 'iam', `instance-profile/${context.id}`),
      create_date: NOW,
      name_prefix: '',
      unique_id: 'AIPASIMULATED',
    }),
  },

  aws_iam_openid_connect_provider: {
    scope: 'account',
    id: (context) => globalArn(context, 'iam', `oidc-provider/${text(context.values, 'url').replace('https://', '')}`),
    fixed: ['url'],
    existsError: 'EntityAlreadyExists',
    computed: ['id', 'arn', 'thumbprint_list'],
    fill: ({ id }) => ({ arn: id, thumbprint_list: [] }),
  },

  aws_accessanalyzer_analyzer: {
    id: ({ values }) => text(values, 'analyzer_name'),
    fixed: ['analyzer_name', 'type'],
    existsError: 'ConflictException',
    computed: ['id', 'arn'],
    fill: (context) => ({ arn: regionalArn(context, 'access-analyzer', `analyzer/${context.id}`) }),
  },
};
