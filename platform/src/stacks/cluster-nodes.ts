import { DataAwsSsmParameter } from '@cdktf/provider-aws/lib/data-aws-ssm-parameter/index.js';
import type { EksCluster } from '@cdktf/provider-aws/lib/eks-cluster/index.js';
import { EksNodeGroup } from '@cdktf/provider-aws/lib/eks-node-group/index.js';
import { LaunchTemplate } from '@cdktf/provider-aws/lib/launch-template/index.js';
import { type ITerraformDependable, TerraformLocal, TerraformVariable } from 'cdktf';
import type { AwsClusterSettings } from '@gitops/settings';
import { instanceType } from '@gitops/settings/instance-types';
import { trustOfService } from '../iam/trust.ts';
import { clusterRole, nameIn } from '../names.ts';
import { nodeUserData } from '../node-user-data.ts';
import type { PlatformStack } from './platform-stack.ts';

// Amazon Linux 2023: the type of its image, and the architecture as its public parameters name it.
const IMAGES = {
  amd64: { amiType: 'AL2023_x86_64_STANDARD', architecture: 'x86_64' },
  arm64: { amiType: 'AL2023_ARM_64_STANDARD', architecture: 'arm64' },
} as const;

/** No rights of the CNI here: its own pods have them, by Pod Identity. */
export const NODE_POLICIES = [
  'AmazonEKSWorkerNodePolicy',
  'AmazonEC2ContainerRegistryPullOnly',
  'AmazonSSMManagedInstanceCore',
];

/** The address of the node group in the cluster's stack. */
export const NODE_GROUP = 'aws_eks_node_group.nodes';

/**
 * The variable by which `make apply` keeps the nodes at the release of their image while control plane and add-ons are
 * upgraded before them (commands/upgrade.ts). Empty: the release of the settings.
 */
export const HELD_RELEASE = 'held_node_release';

export interface NodeOptions {
  readonly settings: AwsClusterSettings;
  readonly cluster: EksCluster;
  readonly subnetIds: string[];
  /** What nodes need before they start. */
  readonly after: readonly ITerraformDependable[];
}

/**
 * The node group of a cluster, with its role and launch template.
 *
 * A change of the instance type, the capacity type or the zones is another node group to EKS. The new one comes before
 * the old one goes, and gets a name of its own: two groups of one name cannot exist. EKS drains the nodes of the old one
 * (EKS user guide, "Delete a managed node group").
 */
export function addNodes(stack: PlatformStack, { settings, cluster, subnetIds, after }: NodeOptions): EksNodeGroup {
  const { nodeGroup, name } = settings;
  const { amiType } = IMAGES[instanceType(nodeGroup.instanceType).architecture];
  const { minSize, desiredSize, maxSize } = nodeGroup;
  const role = stack.role('node-role', {
    name: clusterRole(stack.project, settings, 'nodes'),
    trust: trustOfService('ec2.amazonaws.com'),
    managed: NODE_POLICIES,
  });
  const template = launchTemplate(stack, settings);
  const release = nodeRelease(stack, settings);
  return new EksNodeGroup(stack, 'nodes', {
    clusterName: cluster.name,
    nodeGroupNamePrefix: `${name}-`,
    nodeRoleArn: role.arn,
    subnetIds,
    amiType,
    // By the release and not by the settings: a node that is held back keeps its version too.
    version: `\${regex("^[0-9]+\\\\.[0-9]+", ${release})}`,
    releaseVersion: `\${${release}}`,
    instanceTypes: [nodeGroup.instanceType],
    capacityType: nodeGroup.capacityType === 'spot' ? 'SPOT' : 'ON_DEMAND',
    launchTemplate: { id: template.id, version: `\${${template.fqn}.latest_version}` },
    scalingConfig: { minSize, desiredSize, maxSize },
    updateConfig: { maxUnavailablePercentage: 33 },
    nodeRepairConfig: { enabled: true },
    // By which an interrupted apply finds it again.
    tags: { Name: nameIn(settings, 'nodes') },
    // Nothing else scales it, so Git decides. Were its desired size ignored, EKS would refuse a minimum above it.
    lifecycle: { createBeforeDestroy: true },
    dependsOn: [...after, ...role.permissions],
  });
}

/**
 * The release of the nodes' image, as an expression: that of the settings, or the one that EKS recommends today. A
 * recommended one is followed on purpose: it fixes what is known to be broken, dev gets it first, and the plan shows it.
 */
function nodeRelease(stack: PlatformStack, { kubernetesVersion, nodeGroup }: AwsClusterSettings): string {
  new TerraformVariable(stack, HELD_RELEASE, {
    type: 'string',
    default: '',
    description: 'Release of the image that nodes keep during the first steps of an upgrade',
  }).overrideLogicalId(HELD_RELEASE);
  const held = `var.${HELD_RELEASE}`;
  if (nodeGroup.release !== undefined) return `(${held} == "" ? "${nodeGroup.release}" : ${held})`;
  return `(${held} == "" ? ${recommendedRelease(stack, kubernetesVersion, nodeGroup)} : ${held})`;
}

type NodeGroup = AwsClusterSettings['nodeGroup'];

/** Where AWS publishes the images for a version of Kubernetes (EKS user guide, "Retrieve recommended Amazon Linux AMI IDs"). */
const imageParameters = (kubernetesVersion: string, { instanceType: type }: NodeGroup): string =>
  `/aws/service/eks/optimized-ami/${kubernetesVersion}/amazon-linux-2023/${architectureOf(type)}/standard`;

const architectureOf = (type: string): string => IMAGES[instanceType(type).architecture].architecture;

/** The release of the nodes' image that EKS recommends today, as an expression. */
function recommendedRelease(stack: PlatformStack, kubernetesVersion: string, nodeGroup: NodeGroup): string {
  const recommended = new DataAwsSsmParameter(stack, 'node-release', {
    name: `${imageParameters(kubernetesVersion, nodeGroup)}/recommended/release_version`,
  });
  // The attribute `value` would be hidden in plans, since other parameters are secret.
  return `${recommended.fqn}.insecure_value`;
}

/**
 * The parameter with the image of Karpenter's nodes, as an expression: that of the node group's release, for the version
 * that the control plane runs. Not Karpenter's alias, al2023@v20260901: its nodes would follow the control plane at once,
 * before the add-ons (karpenter-provider-aws v1.14.1, pkg/providers/amifamily/al2023.go, which has the parameter's name).
 * @param controlPlane the version that runs, as an expression: that of the settings may not be applied yet
 */
export function nodeImage(stack: PlatformStack, { nodeGroup }: AwsClusterSettings, controlPlane: string): string {
  const { release } = nodeGroup;
  const date = release?.slice(-8) ?? `\${regex("[0-9]+$", ${recommendedRelease(stack, controlPlane, nodeGroup)})}`;
  const image = `amazon-eks-node-al2023-${architectureOf(nodeGroup.instanceType)}-standard-${controlPlane}-v${date}`;
  // Values of a chart are JSON in a string, in which an expression may have no quotes.
  const local = new TerraformLocal(
    stack,
    'node-image',
    `${imageParameters(controlPlane, nodeGroup)}/${image}/image_id`,
  );
  return local.toString();
}

function launchTemplate(stack: PlatformStack, settings: AwsClusterSettings): LaunchTemplate {
  const { nodeGroup } = settings;
  const tags = { ...stack.tags, Name: nameIn(settings, 'node') };
  return new LaunchTemplate(stack, 'node-template', {
    name: nameIn(settings, 'nodes'),
    updateDefaultVersion: true,
    // Pods cannot reach the node's credentials: one hop ends at the node.
    metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1 },
    blockDeviceMappings: [
      {
        deviceName: '/dev/xvda',
        ebs: { volumeType: 'gp3', volumeSize: nodeGroup.diskGiB, encrypted: 'true', deleteOnTermination: 'true' },
      },
    ],
    // The provider's default tags do not reach what a template creates.
    tagSpecifications: ['instance', 'volume', 'network-interface'].map((resourceType) => ({ resourceType, tags })),
    userData: Buffer.from(nodeUserData(nodeGroup.instanceType)).toString('base64'),
  });
}
