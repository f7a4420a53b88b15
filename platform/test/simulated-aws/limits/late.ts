import type { Thing } from '../cloud.ts';
import { optional, text } from '../kind.ts';
import type { Values } from '../values.ts';

// What AWS does not know everywhere as soon as it has made it (IAM user guide, "Changes that I make are not always
// immediately visible"; Amazon S3 user guide, "Amazon S3 data consistency model"; AWS KMS developer guide, "AWS KMS eventual
// consistency"). `faults.propagation` says for how many operations.

/** Something that a creation names, and that may be too new for it. */
export interface Late {
  /** Its type. */
  readonly to: string;
  readonly names: (values: Values) => readonly string[];
  readonly nameOf: (thing: Thing) => unknown;
  /** What AWS says then. */
  readonly error: (name: string) => readonly [code: string, message: string];
  /** The words at which the provider repeats the creation; its file below internal/service. */
  readonly repeatedAt: RegExp;
  readonly provider: string;
}

const byArn = (thing: Thing): unknown => thing.values.arn;

const role = (attribute: string, provider: string, repeatedAt: RegExp, error: Late['error']): Late => ({
  to: 'aws_iam_role',
  names: (values) => optional(values, attribute),
  nameOf: byArn,
  error,
  repeatedAt,
  provider,
});

const bucket = (provider: string): readonly Late[] => [
  {
    to: 'aws_s3_bucket',
    names: (values) => optional(values, 'bucket'),
    nameOf: ({ id }) => id,
    error: () => ['NoSuchBucket', 'The specified bucket does not exist'],
    repeatedAt: /^NoSuchBucket/,
    provider,
  },
];

/** By the type that is created. */
export const LATE: Readonly<Record<string, readonly Late[]>> = {
  aws_eks_cluster: [
    role('role_arn', 'eks/cluster.go', /does not exist|Role could not be assumed/, (arn) => [
      'InvalidParameterException',
      `roleArn, ${arn}, does not exist`,
    ]),
  ],
  aws_eks_pod_identity_association: [
    role('role_arn', 'eks/pod_identity_association.go', /Role provided in the request does not exist/, () => [
      'InvalidParameterException',
      'Role provided in the request does not exist.',
    ]),
  ],
  aws_eks_access_entry: [
    role('principal_arn', 'eks/access_entry.go', /The specified principalArn is invalid: invalid principal/, () => [
      'InvalidParameterException',
      'The specified principalArn is invalid: invalid principal',
    ]),
  ],
  aws_eks_access_policy_association: [
    {
      to: 'aws_eks_access_entry',
      names: (values) => [`${text(values, 'cluster_name')}:${text(values, 'principal_arn')}`],
      nameOf: ({ id }) => id,
      error: () => [
        'ResourceNotFoundException',
        'The specified principalArn could not be found. You can view your access',
      ],
      repeatedAt: /The specified principalArn could not be found/,
      provider: 'eks/access_policy_association.go',
    },
  ],
  aws_flow_log: [
    role('iam_role_arn', 'ec2/vpc_flow_log.go', /Unable to assume given IAM role/, () => [
      'InvalidParameter',
      'Unable to assume given IAM role',
    ]),
  ],
  aws_backup_selection: [
    role('iam_role_arn', 'backup/selection.go', /cannot be assumed/, (arn) => [
      'InvalidParameterValueException',
      `IAM Role ${arn} cannot be assumed by AWS Backup`,
    ]),
  ],
  aws_iam_role: [
    {
      to: 'aws_iam_openid_connect_provider',
      names: ({ assume_role_policy: policy }) =>
        /arn:aws:iam::\d+:oidc-provider\/[^"]+/.exec(typeof policy === 'string' ? policy : '') ?? [],
      nameOf: byArn,
      error: (arn) => ['MalformedPolicyDocument', `Invalid principal in policy: "FEDERATED":"${arn}"`],
      repeatedAt: /Invalid principal in policy/,
      provider: 'iam/role.go',
    },
  ],
  aws_kms_alias: [
    {
      to: 'aws_kms_key',
      names: (values) => [text(values, 'target_key_id')],
      nameOf: ({ id }) => id,
      error: (key) => ['NotFoundException', `Key '${key}' does not exist`],
      repeatedAt: /^NotFoundException/,
      provider: 'kms/alias.go',
    },
  ],
  aws_s3_bucket_public_access_block: bucket('s3/bucket_public_access_block.go'),
  aws_s3_bucket_versioning: bucket('s3/bucket_versioning.go'),
  aws_s3_bucket_server_side_encryption_configuration: bucket('s3/bucket_server_side_encryption_configuration.go'),
  aws_s3_bucket_policy: bucket('s3/bucket_policy.go'),
  aws_s3_bucket_lifecycle_configuration: bucket('s3/bucket_lifecycle_configuration.go'),
};
