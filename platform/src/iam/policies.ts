import { readFileSync } from 'node:fs';
import { allow, type PolicyDocument } from './document.ts';

/** Writes VPC flow logs into one log group (VPC user guide, "IAM role for publishing flow logs"). */
export const flowLogPolicy = (logGroupArn: string): PolicyDocument =>
  allow({ Action: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogGroups', 'logs:DescribeLogStreams'], Resource: [logGroupArn, `${logGroupArn}:*`] });

/** What the AWS Load Balancer Controller's project says that it needs; data/ has where it comes from. */
export const loadBalancerControllerPolicy = (): PolicyDocument =>
  (JSON.parse(readFileSync(new URL('../../data/aws-load-balancer-controller-policy.json', import.meta.url), 'utf8')) as { policy: PolicyDocument }).policy;

/**
 * Lets External Secrets read the secrets of one cluster: those whose name begins with the cluster's.
 * @param keyArn the key that encrypts them; none where that is AWS's own
 */
export const externalSecretsPolicy = ({ accountId, region, cluster, keyArn }: { readonly accountId: string; readonly region: string; readonly cluster: string; readonly keyArn: string | undefined }): PolicyDocument =>
  allow(
    { Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret', 'secretsmanager:ListSecretVersionIds', 'secretsmanager:GetResourcePolicy'], Resource: `arn:aws:secretsmanager:${region}:${accountId}:secret:${cluster}/*` },
    ...(keyArn === undefined ? [] : [{ Action: 'kms:Decrypt', Resource: keyArn, Condition: { StringEquals: { 'kms:ViaService': `secretsmanager.${region}.amazonaws.com` } } }]),
  );

/** Pushes images to these repositories and gives them further tags; deletes nothing. */
export const imagePushPolicy = (repositoryArns: readonly string[]): PolicyDocument =>
  allow(
    // This one knows no resource.
    { Action: 'ecr:GetAuthorizationToken', Resource: '*' },
    {
      Action: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:CompleteLayerUpload', 'ecr:DescribeImages', 'ecr:GetDownloadUrlForLayer', 'ecr:InitiateLayerUpload', 'ecr:PutImage', 'ecr:UploadLayerPart'],
      Resource: repositoryArns,
    },
  );

/** Nodes of other accounts pull what one registry holds. */
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

/** Refuses whoever talks to a bucket without TLS. */
export const tlsOnlyPolicy = (bucketArn: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Sid: 'TlsOnly', Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: [bucketArn, `${bucketArn}/*`], Condition: { Bool: { 'aws:SecureTransport': 'false' } } }],
});

/** Reads and writes the state of an account's stacks; the lock is a file beside each state, and only that is ever deleted. */
export const writeStatePolicy = (bucketArn: string): PolicyDocument =>
  allow(
    { Action: 's3:ListBucket', Resource: bucketArn },
    { Action: ['s3:GetObject', 's3:PutObject'], Resource: `${bucketArn}/*` },
    { Action: 's3:DeleteObject', Resource: `${bucketArn}/*.tflock` },
  );

/**
 * The most that any role of the platform may do, whatever its policies say: everything but what would let it out of here.
 * No users or keys, no change of this policy, none of the roles and of the provider that CI comes in by.
 */
export function boundaryPolicy(project: string, accountId: string): PolicyDocument {
  const iam = `arn:aws:iam::${accountId}`;
  return {
    Version: '2012-10-17',
    Statement: [
      { Sid: 'Everything', Effect: 'Allow', Action: '*', Resource: '*' },
      { Sid: 'NoUsersAndKeys', Effect: 'Deny', Action: ['iam:CreateUser', 'iam:CreateAccessKey', 'iam:CreateLoginProfile', 'organizations:LeaveOrganization'], Resource: '*' },
      {
        Sid: 'BoundaryAndWaysInStay',
        Effect: 'Deny',
        Action: ['iam:CreatePolicyVersion', 'iam:DeletePolicy', 'iam:DeletePolicyVersion', 'iam:SetDefaultPolicyVersion', 'iam:AttachRolePolicy', 'iam:DeleteRole', 'iam:DeleteRolePermissionsBoundary', 'iam:PutRolePolicy', 'iam:UpdateAssumeRolePolicy', 'iam:DeleteOpenIDConnectProvider'],
        Resource: [`${iam}:policy/${project}-*`, `${iam}:role/${project}-*`, `${iam}:oidc-provider/*`],
      },
    ],
  };
}

/**
 * What CI needs beside PowerUserAccess to apply the stacks of a cluster: roles whose names begin with the cluster's, and none
 * without the boundary.
 */
export function clusterRolesPolicy({ accountId, cluster, boundary }: { readonly accountId: string; readonly cluster: string; readonly boundary: string }): PolicyDocument {
  const roles = `arn:aws:iam::${accountId}:role/${cluster}-*`;
  return allow(
    { Action: ['iam:CreateRole', 'iam:PutRolePermissionsBoundary'], Resource: roles, Condition: { StringEquals: { 'iam:PermissionsBoundary': boundary } } },
    {
      Action: ['iam:AttachRolePolicy', 'iam:DeleteRole', 'iam:DeleteRolePolicy', 'iam:DetachRolePolicy', 'iam:GetRole', 'iam:GetRolePolicy', 'iam:ListAttachedRolePolicies', 'iam:ListInstanceProfilesForRole', 'iam:ListRolePolicies', 'iam:PassRole', 'iam:PutRolePolicy', 'iam:TagRole', 'iam:UntagRole', 'iam:UpdateAssumeRolePolicy', 'iam:UpdateRole'],
      Resource: roles,
    },
  );
}
