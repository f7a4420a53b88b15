import { allow, type PolicyDocument } from './document.ts';

/**
 * What Karpenter may do: what its project asks for (the CloudFormation template of aws/karpenter-provider-aws v1.14.1),
 * without instance profiles, which it does not make here, and without what nobody here uses: capacity reservations,
 * placement groups, zonal shifts. It starts, tags and ends only what carries the tags of its own cluster.
 */
export function karpenterPolicy({
  accountId,
  region,
  cluster,
  nodeRole,
  queue,
}: {
  readonly accountId: string;
  readonly region: string;
  readonly cluster: string;
  /** The role of the nodes, by its name, which is that of their instance profile. */
  readonly nodeRole: string;
  readonly queue: string;
}): PolicyDocument {
  const made = (...types: readonly string[]): string[] =>
    types.map((type) => `arn:aws:ec2:${region}:${accountId}:${type}/*`);
  const created = made('fleet', 'instance', 'volume', 'network-interface', 'launch-template', 'spot-instances-request');
  const owner = `kubernetes.io/cluster/${cluster}`;
  const requested = { [`aws:RequestTag/${owner}`]: 'owned', 'aws:RequestTag/eks:eks-cluster-name': cluster };
  const ownTags = {
    StringEquals: { [`aws:ResourceTag/${owner}`]: 'owned' },
    StringLike: { 'aws:ResourceTag/karpenter.sh/nodepool': '*' },
  };
  return allow(
    {
      Sid: 'StartFromImages',
      Action: ['ec2:RunInstances', 'ec2:CreateFleet'],
      Resource: [
        `arn:aws:ec2:${region}::image/*`,
        `arn:aws:ec2:${region}::snapshot/*`,
        ...made('security-group', 'subnet'),
      ],
    },
    {
      Sid: 'StartFromOwnTemplates',
      Action: ['ec2:RunInstances', 'ec2:CreateFleet'],
      Resource: made('launch-template'),
      Condition: ownTags,
    },
    {
      Sid: 'StartWithTags',
      Action: ['ec2:RunInstances', 'ec2:CreateFleet', 'ec2:CreateLaunchTemplate'],
      Resource: created,
      Condition: { StringEquals: requested, StringLike: { 'aws:RequestTag/karpenter.sh/nodepool': '*' } },
    },
    {
      Sid: 'TagWhatStarts',
      Action: 'ec2:CreateTags',
      Resource: created,
      Condition: {
        StringEquals: { ...requested, 'ec2:CreateAction': ['RunInstances', 'CreateFleet', 'CreateLaunchTemplate'] },
        StringLike: { 'aws:RequestTag/karpenter.sh/nodepool': '*' },
      },
    },
    {
      Sid: 'TagOwnInstances',
      Action: 'ec2:CreateTags',
      Resource: made('instance'),
      Condition: {
        ...ownTags,
        StringEqualsIfExists: { 'aws:RequestTag/eks:eks-cluster-name': cluster },
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['eks:eks-cluster-name', 'karpenter.sh/nodeclaim', 'Name'] },
      },
    },
    {
      Sid: 'EndOwn',
      Action: ['ec2:TerminateInstances', 'ec2:DeleteLaunchTemplate'],
      Resource: made('instance', 'launch-template'),
      Condition: ownTags,
    },
    {
      Sid: 'Look',
      Action: [
        'ec2:DescribeCapacityReservations',
        'ec2:DescribeImages',
        'ec2:DescribeInstances',
        'ec2:DescribeInstanceStatus',
        'ec2:DescribeInstanceTypeOfferings',
        'ec2:DescribeInstanceTypes',
        'ec2:DescribeLaunchTemplates',
        'ec2:DescribePlacementGroups',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSpotPriceHistory',
        'ec2:DescribeSubnets',
      ],
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': region } },
    },
    { Sid: 'Prices', Action: 'pricing:GetProducts', Resource: '*' },
    {
      Sid: 'Images',
      Action: 'ssm:GetParameter',
      // Public parameters belong to no account.
      Resource: `arn:aws:ssm:${region}:*:parameter/aws/service/*`,
    },
    {
      Sid: 'Cluster',
      Action: 'eks:DescribeCluster',
      Resource: `arn:aws:eks:${region}:${accountId}:cluster/${cluster}`,
    },
    {
      Sid: 'Interruptions',
      Action: ['sqs:DeleteMessage', 'sqs:GetQueueUrl', 'sqs:ReceiveMessage'],
      Resource: `arn:aws:sqs:${region}:${accountId}:${queue}`,
    },
    {
      Sid: 'PassRoleOfNodes',
      Action: 'iam:PassRole',
      Resource: `arn:aws:iam::${accountId}:role/${nodeRole}`,
      Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    },
    {
      Sid: 'InstanceProfile',
      Action: 'iam:GetInstanceProfile',
      Resource: `arn:aws:iam::${accountId}:instance-profile/${nodeRole}`,
    },
    // It looks for profiles of its own making that nobody needs any more, and finds none.
    { Sid: 'InstanceProfiles', Action: 'iam:ListInstanceProfiles', Resource: '*' },
  );
}
