import { text } from '../kind.ts';
import { form, type Limits, outside } from './limit.ts';

export const LIMITS_OF_IAM: Readonly<Record<string, Limits>> = {
  aws_iam_role: {
    source: 'IAM API reference, CreateRole; IAM user guide, "IAM and AWS STS quotas"',
    unknown: 'the grammar of policies',
    quota: {
      most: 1000,
      error: ['LimitExceeded', 'Cannot exceed quota for RolesPerAccount: 1000'],
    },
    refuses: [
      form('name', /^[\w+=,.@-]+$/, [
        'ValidationError',
        'The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-',
      ]),
      outside('max_session_duration', 3600, 43_200, [
        'ValidationError',
        'The requested MaxSessionDuration must be between 3600 and 43200',
      ]),
      {
        what: 'a trust policy of more than 2,048 characters',
        when: ({ values }) => text(values, 'assume_role_policy').replace(/\s/g, '').length > 2048,
        error: ['LimitExceeded', 'Cannot exceed quota for ACLSizePerRole: 2048'],
      },
    ],
  },
  aws_iam_role_policy_attachment: {
    source: 'IAM user guide, "IAM and AWS STS quotas"',
    unknown: 'whether a policy of AWS exists; iam-policies.test.ts compares them with a list',
    quota: {
      most: 10,
      per: (values) => text(values, 'role'),
      error: ['LimitExceeded', 'Cannot exceed quota for PoliciesPerRole: 10'],
    },
  },
  aws_iam_role_policy: {
    source: 'IAM user guide, "IAM and AWS STS quotas"',
    unknown: 'the grammar of policies; iam-policies.test.ts reads them',
    refuses: [
      {
        what: 'more than 10,240 characters in all inline policies of a role',
        when: ({ values, all }) => {
          const others = all('aws_iam_role_policy').filter(
            ({ values: other }) => other.role === values.role && other.name !== values.name,
          );
          const policies = [values, ...others.map((other) => other.values)];
          return policies.reduce((sum, each) => sum + text(each, 'policy').replace(/\s/g, '').length, 0) > 10_240;
        },
        error: ['LimitExceeded', 'Maximum policy size of 10240 bytes exceeded for role'],
      },
    ],
  },
  aws_iam_policy: {
    source: 'IAM user guide, "IAM and AWS STS quotas" (iam.ts)',
    unknown: 'five versions of each, of which the provider deletes the oldest',
    quota: {
      most: 1500,
      error: ['LimitExceeded', 'Cannot exceed quota for PoliciesPerAccount: 1500'],
    },
    refuses: [
      form('name', /^[\w+=,.@-]{1,128}$/, ['ValidationError', 'The specified value for policyName is invalid.']),
    ],
  },
  aws_iam_instance_profile: {
    source:
      'IAM API reference, CreateInstanceProfile, AddRoleToInstanceProfile; IAM user guide, "IAM and AWS STS quotas"',
    unknown:
      'instances that run with it, whose rights go with it; whether EC2 may assume the role. IAM looks at neither',
    quota: {
      most: 1000,
      error: ['LimitExceeded', 'Cannot exceed quota for InstanceProfilesPerAccount: 1000'],
    },
    refuses: [
      form('name', /^[\w+=,.@-]{1,128}$/, [
        'ValidationError',
        'The specified value for instanceProfileName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-',
      ]),
    ],
  },
  aws_iam_openid_connect_provider: {
    source: 'IAM API reference, CreateOpenIDConnectProvider; IAM user guide, "IAM and AWS STS quotas"',
    unknown: 'whether the address answers',
    quota: {
      most: 100,
      error: ['LimitExceeded', 'Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100'],
    },
    refuses: [form('url', /^https:\/\/[^?#:]+$/, ['InvalidInput', 'Invalid Open ID Connect Provider URL'])],
  },
  aws_accessanalyzer_analyzer: {
    source: 'IAM Access Analyzer API reference, CreateAnalyzer; IAM user guide, "Access Analyzer quotas"',
    unknown: 'nothing',
    quota: {
      most: 1,
      per: (values) => text(values, 'type'),
      error: ['ServiceQuotaExceededException', 'The maximum number of analyzers of this type has been reached'],
    },
    refuses: [form('analyzer_name', /^[A-Za-z][\w.-]{0,254}$/, ['ValidationException', 'Invalid analyzer name'])],
  },
};
