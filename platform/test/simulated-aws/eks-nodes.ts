import { block, type Context, type DataSources, inSubnets, type Kinds, optional, type Reference } from './kind.ts';
import { regionalArn, roleNameOf, text, texts, type ThingContext, withRole } from './kind.ts';

// EKS: node groups. Known: the managed policies of their role, what they wait for, no node newer than the control plane,
// a release that fits its version, the bounds of the size, names, what a change replaces. Not known: whether a release
// exists, quotas of instances, and which pods a drained node gives up.

export const inCluster: Reference = {
  from: (values) => [text(values, 'cluster_name')],
  to: 'aws_eks_cluster',
  missingError: 'ResourceNotFoundException',
};

/** A role needs what EKS asks of it, before it is used. */
export function requirePolicies({ all, fail }: Context, roleArn: string, policies: readonly string[]): void {
  const attachments = all('aws_iam_role_policy_attachment').filter(({ values }) => values.role === roleNameOf(roleArn));
  const held = attachments.map(({ values }) => text(values, 'policy_arn').replace(/^.*\//, ''));
  for (const policy of policies)
    if (!held.includes(policy)) fail('InvalidParameterException', `the role ${roleArn} lacks ${policy}`);
}

/** 36 of "1.36" */
export const minorOf = (version: string): number => Number(/^1\.(\d+)$/.exec(version)?.[1] ?? 0);

/** The version of Kubernetes that a cluster runs now. */
export const versionOf = (name: string, { find }: Context): string =>
  text(find('aws_eks_cluster', ({ id }) => id === name)?.values ?? {}, 'version');

/**
 * Nodes are never newer than the control plane, and a release is made for one version of Kubernetes (the messages:
 * eksctl-io/eksctl#7976, hashicorp/terraform-provider-aws#14492).
 */
function checkNodeVersion(context: Context): void {
  const { values, fail } = context;
  const cluster = versionOf(text(values, 'cluster_name'), context);
  const version = optional(values, 'version')[0] ?? cluster;
  if (minorOf(version) > minorOf(cluster))
    fail('InvalidParameterException', `Requested Nodegroup version ${version} is above cluster version ${cluster}`);
  const [release] = optional(values, 'release_version');
  if (release !== undefined && !release.startsWith(`${version}.`))
    fail(
      'InvalidParameterException',
      `Requested release version ${release} is not valid for kubernetes version ${version}.`,
    );
}

/** The messages: terraform-aws-modules/terraform-aws-eks#3521, sassoftware/viya4-iac-aws#298. */
function checkSize({ values, fail }: Context): void {
  const { min_size: min, desired_size: desired, max_size: max } = block(values, 'scaling_config');
  if (Number(min) > Number(desired))
    fail(
      'InvalidParameterException',
      `Minimum capacity ${Number(min)} can't be greater than desired size ${Number(desired)}`,
    );
  if (Number(desired) > Number(max)) fail('InvalidParameterException', "desiredSize can't be greater than maxSize");
}

function checkNodeGroupUpdate(context: ThingContext): void {
  const { thing, values, fail } = context;
  checkSize(context);
  if (values.version === thing.values.version && values.release_version === thing.values.release_version) return;
  checkNodeVersion(context);
  if (minorOf(text(values, 'version')) < minorOf(text(thing.values, 'version')))
    fail('InvalidParameterException', 'Nodegroup version cannot be downgraded');
}

function checkNodes(context: Context): void {
  const { values, find, fail } = context;
  checkSize(context);
  checkNodeVersion(context);
  requirePolicies(context, text(values, 'node_role_arn'), [
    'AmazonEKSWorkerNodePolicy',
    'AmazonEC2ContainerRegistryPullOnly',
  ]);
  const cni = `${text(values, 'cluster_name')}:vpc-cni`;
  if (find('aws_eks_addon', ({ id }) => id === cni) === undefined)
    fail(
      'NodeCreationFailure',
      'Unhealthy nodes in the kubernetes cluster: ' + 'container runtime network not ready: cni plugin not initialized',
    );
  if (find('aws_route', (route) => typeof route.values.nat_gateway_id === 'string') === undefined)
    fail(
      'NodeCreationFailure',
      'Instances failed to join the kubernetes cluster: there is no way out of the private subnets',
    );
}

/** A name that is given, or made of a prefix and 26 digits, as the provider makes it. */
function nodeGroupName({ values, cloud }: Context): string {
  const [name] = optional(values, 'node_group_name');
  return name ?? `${text(values, 'node_group_name_prefix')}${String(cloud.operations).padStart(26, '0')}`;
}

/** The release of the image that EKS recommends for a version of Kubernetes, until a test plants another. */
const recommendedRelease = (version: string): string => `${version}.1-20260901`;

export const eksNodes: Kinds = {
  aws_eks_node_group: {
    id: (context) => `${text(context.values, 'cluster_name')}:${nodeGroupName(context)}`,
    // ForceNew in the schema of the provider's resource.
    fixed: [
      'cluster_name',
      'node_group_name',
      'node_group_name_prefix',
      'node_role_arn',
      'subnet_ids',
      'ami_type',
      'capacity_type',
      'instance_types',
    ],
    existsError: 'ResourceInUseException',
    references: [
      inCluster,
      withRole('node_role_arn', 'InvalidParameterException'),
      inSubnets((values) => texts(values, 'subnet_ids')),
      {
        from: (values) => optional(block(values, 'launch_template'), 'id'),
        to: 'aws_launch_template',
        missingError: 'InvalidRequestException',
      },
    ],
    checkCreate: checkNodes,
    checkUpdate: checkNodeGroupUpdate,
    computed: [
      'id',
      'arn',
      'node_group_name',
      'node_group_name_prefix',
      'resources',
      'status',
      'version',
      'release_version',
    ],
    fill: (context) => {
      const [cluster = '', name = ''] = context.id.split(':');
      const version = optional(context.values, 'version')[0] ?? versionOf(cluster, context);
      return {
        arn: regionalArn(context, 'eks', `nodegroup/${cluster}/${name}/00000000-0000-0000-0000-000000000000`),
        node_group_name: name,
        // The provider reads it out of the name.
        node_group_name_prefix: /^(.+)[0-9a-f]{26}$/.exec(name)?.[1] ?? '',
        resources: [],
        status: 'ACTIVE',
        version,
        release_version: context.values.release_version ?? recommendedRelease(version),
      };
    },
  },
};

/** Public parameters of one kind: the releases of the images of nodes. */
export const eksNodesData: DataSources = {
  aws_ssm_parameter: ({ values, find, fail }) => {
    const name = text(values, 'name');
    const version = /^\/aws\/service\/eks\/optimized-ami\/(1\.\d+)\/.+\/recommended\/release_version$/.exec(name)?.[1];
    if (version === undefined) return fail('ParameterNotFound', name);
    const newer = find('ssm_parameter', ({ id }) => id === name)?.values.value;
    const value = newer ?? recommendedRelease(version);
    return { id: name, type: 'String', value, insecure_value: value, version: 1 };
  },
};
