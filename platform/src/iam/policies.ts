import { readFileSync } from 'node:fs';
import { secretsOf } from '@gitops/settings';
import { boundaryArn, clusterRolePrefix } from '../names.ts';
import { allow, merge, type PolicyDocument } from './document.ts';

/** Writes VPC flow logs into one log group (VPC user guide, "IAM role for publishing flow logs"). */
export const flowLogPolicy = (logGroupArn: string): PolicyDocument =>
  allow({
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogGroups', 'logs:DescribeLogStreams'],
    Resource: [logGroupArn, `${logGroupArn}:*`],
  });

/** The policy that the AWS Load Balancer Controller's project publishes; the file in data/ says where. */
export const loadBalancerControllerPolicy = (): PolicyDocument =>
  (
    JSON.parse(
      readFileSync(new URL('../../data/aws-load-balancer-controller-policy.json', import.meta.url), 'utf8'),
    ) as { policy: PolicyDocument }
  ).policy;

/**
 * Lets External Secrets read the secrets of one cluster: those whose name begins with the cluster's.
 * @param keyArn the key that encrypts them; undefined for AWS's own
 */
export const externalSecretsPolicy = ({
  accountId,
  region,
  cluster,
  keyArn,
}: {
  readonly accountId: string;
  readonly region: string;
  readonly cluster: string;
  readonly keyArn: string | undefined;
}): PolicyDocument =>
  allow(
    {
      Action: [
        'secretsmanager:GetSecretValue',
        'secretsmanager:DescribeSecret',
        'secretsmanager:ListSecretVersionIds',
        'secretsmanager:GetResourcePolicy',
      ],
      Resource: `arn:aws:secretsmanager:${region}:${accountId}:secret:${secretsOf(cluster)}*`,
    },
    ...(keyArn === undefined
      ? []
      : [
          {
            Action: 'kms:Decrypt',
            Resource: keyArn,
            Condition: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } },
          },
        ]),
  );

/**
 * The policy of a cluster's key. The account decides by its roles who may use the key; without a statement for it
 * nobody could ever change the key again. CloudWatch Logs uses it for one log group (CloudWatch Logs user guide, "Encrypt
 * log data in CloudWatch Logs using AWS KMS").
 */
export const keyPolicy = ({
  accountId,
  region,
  logGroup,
}: {
  readonly accountId: string;
  readonly region: string;
  readonly logGroup: string;
}): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'RolesOfTheAccount',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${accountId}:root` },
      Action: 'kms:*',
      // In the policy of a key it is the key.
      Resource: '*',
    },
    {
      Sid: 'ControlPlaneLogs',
      Effect: 'Allow',
      Principal: { Service: `logs.${region}.amazonaws.com` },
      Action: [
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:Encrypt',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
      ],
      Resource: '*',
      Condition: {
        StringEquals: {
          'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${accountId}:log-group:${logGroup}`,
        },
      },
    },
  ],
});

/** Allows pushing images to these repositories, tagging them and reading what their scan found; no deletion. */
export const imagePushPolicy = (repositoryArns: readonly string[]): PolicyDocument =>
  allow(
    // This action has no resource.
    { Action: 'ecr:GetAuthorizationToken', Resource: '*' },
    {
      Action: [
        'ecr:BatchCheckLayerAvailability',
        'ecr:BatchGetImage',
        'ecr:CompleteLayerUpload',
        'ecr:DescribeImageScanFindings',
        'ecr:DescribeImages',
        'ecr:GetDownloadUrlForLayer',
        'ecr:InitiateLayerUpload',
        'ecr:PutImage',
        'ecr:UploadLayerPart',
      ],
      Resource: repositoryArns,
    },
  );

/** Lets nodes of other accounts pull images. */
export const imagePullPolicy = (accountIds: readonly string[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'ClustersOfOtherAccountsPull',
      Effect: 'Allow',
      Principal: { AWS: accountIds.map((id) => `arn:aws:iam::${id}:root`) },
      Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
    },
  ],
});

/** Refuses requests to a bucket without TLS. */
export const tlsOnlyPolicy = (bucketArn: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'TlsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: [bucketArn, `${bucketArn}/*`],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ],
});

/** Lets EventBridge put what EC2 announces into a queue; refuses requests without TLS. */
export const interruptionQueuePolicy = (queueArn: string, accountId: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'EventBridgeSends',
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queueArn,
      Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
    },
    {
      Sid: 'TlsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sqs:*',
      Resource: queueArn,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ],
});

/**
 * Allows reading and writing the state of an account's stacks; only the lock, a file beside each state, may be deleted.
 */
export const writeStatePolicy = (bucketArn: string): PolicyDocument =>
  allow(
    { Action: 's3:ListBucket', Resource: bucketArn },
    { Action: ['s3:GetObject', 's3:PutObject'], Resource: `${bucketArn}/*` },
    { Action: 's3:DeleteObject', Resource: `${bucketArn}/*.tflock` },
  );

/** The clusters whose roles CI may create and change. */
export interface ClusterRoles {
  readonly project: string;
  readonly accountId: string;
  readonly clusters: readonly string[];
}

/**
 * Allows creating, changing and deleting the roles of clusters, none of them without the boundary, and the instance
 * profiles of their nodes.
 */
export function clusterRolesPolicy({ project, accountId, clusters }: ClusterRoles): PolicyDocument {
  const named = (type: string): string[] =>
    clusters.map((cluster) => `arn:aws:iam::${accountId}:${type}/${clusterRolePrefix(project, cluster)}*`);
  const roles = named('role');
  return allow(
    {
      Action: ['iam:CreateRole', 'iam:PutRolePermissionsBoundary'],
      Resource: roles,
      Condition: { StringEquals: { 'iam:PermissionsBoundary': boundaryArn(project, accountId) } },
    },
    {
      Action: [
        'iam:AttachRolePolicy',
        'iam:DeleteRole',
        'iam:DeleteRolePolicy',
        'iam:DetachRolePolicy',
        'iam:GetRole',
        'iam:GetRolePolicy',
        'iam:ListAttachedRolePolicies',
        'iam:ListInstanceProfilesForRole',
        'iam:ListRolePolicies',
        'iam:PassRole',
        'iam:PutRolePolicy',
        'iam:TagRole',
        'iam:UntagRole',
        'iam:UpdateAssumeRolePolicy',
        'iam:UpdateRole',
      ],
      Resource: roles,
    },
    {
      // The role that it adds is one that it may pass.
      Action: [
        'iam:AddRoleToInstanceProfile',
        'iam:CreateInstanceProfile',
        'iam:DeleteInstanceProfile',
        'iam:GetInstanceProfile',
        'iam:RemoveRoleFromInstanceProfile',
        'iam:TagInstanceProfile',
        'iam:UntagInstanceProfile',
      ],
      Resource: named('instance-profile'),
    },
  );
}

/**
 * The most that any role of the platform may do, whatever its own policies allow. Out of reach are users and keys,
 * roles other than the clusters', assuming another role, this policy, and the roles by which CI comes in. So the holder
 * of one of these roles, CI or a pod, gains nothing by creating another.
 * @param bucketArn the account's state: it can be written, but not deleted
 */
export function boundaryPolicy({ bucketArn, ...roles }: ClusterRoles & { readonly bucketArn: string }): PolicyDocument {
  const { Statement } = merge(
    allow(
      {
        Sid: 'AllButIdentities',
        NotAction: ['account:*', 'iam:*', 'organizations:*', 'sts:AssumeRole'],
        Resource: '*',
      },
      // AWS services create roles of their own when they are used for the first time.
      { Sid: 'LookAtIdentities', Action: ['iam:Get*', 'iam:List*', 'iam:CreateServiceLinkedRole'], Resource: '*' },
    ),
    ...(roles.clusters.length === 0 ? [] : [clusterRolesPolicy(roles)]),
  );
  const stays = [
    's3:DeleteBucket',
    's3:DeleteBucketPolicy',
    's3:DeleteObjectVersion',
    's3:PutBucketPolicy',
    's3:PutBucketPublicAccessBlock',
    's3:PutBucketVersioning',
    's3:PutEncryptionConfiguration',
    's3:PutLifecycleConfiguration',
  ];
  return {
    Version: '2012-10-17',
    Statement: [
      ...Statement,
      { Sid: 'StateStays', Effect: 'Deny', Action: stays, Resource: [bucketArn, `${bucketArn}/*`] },
    ],
  };
}
