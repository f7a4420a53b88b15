import type { EksCluster } from '@cdktf/provider-aws/lib/eks-cluster/index.js';
import { EksNodeGroup } from '@cdktf/provider-aws/lib/eks-node-group/index.js';
import { LaunchTemplate } from '@cdktf/provider-aws/lib/launch-template/index.js';
import type { ITerraformDependable } from 'cdktf';
import type { AwsClusterSettings } from '@gitops/settings';
import { instanceType } from '@gitops/settings/instance-types';
import { trustOfService } from '../iam/trust.ts';
import { clusterRole, nameIn } from '../names.ts';
import { nodeUserData } from '../node-user-data.ts';
import type { PlatformStack } from './platform-stack.ts';

// Amazon Linux 2023.
const AMI_TYPES = { amd64: 'AL2023_x86_64_STANDARD', arm64: 'AL2023_ARM_64_STANDARD' } as const;

export interface NodeOptions {
  readonly settings: AwsClusterSettings;
  readonly cluster: EksCluster;
  readonly subnetIds: string[];
  /** What nodes need before they start. */
  readonly after: readonly ITerraformDependable[];
}

/** The node group of a cluster, with its role and launch template. */
export function addNodes(stack: PlatformStack, { settings, cluster, subnetIds, after }: NodeOptions): EksNodeGroup {
  const { nodeGroup, name } = settings;
  const { minSize, desiredSize, maxSize } = nodeGroup;
  const role = stack.role('node-role', {
    name: clusterRole(stack.project, settings, 'nodes'),
    trust: trustOfService('ec2.amazonaws.com'),
    // No rights of the CNI here: its own pods have them, by Pod Identity.
    managed: ['AmazonEKSWorkerNodePolicy', 'AmazonEC2ContainerRegistryPullOnly', 'AmazonSSMManagedInstanceCore'],
  });
  const template = launchTemplate(stack, settings);
  return new EksNodeGroup(stack, 'nodes', {
    clusterName: cluster.name,
    nodeGroupName: name,
    nodeRoleArn: role.arn,
    subnetIds,
    amiType: AMI_TYPES[instanceType(nodeGroup.instanceType).architecture],
    instanceTypes: [nodeGroup.instanceType],
    capacityType: nodeGroup.capacityType === 'spot' ? 'SPOT' : 'ON_DEMAND',
    launchTemplate: { id: template.id, version: `\${${template.fqn}.latest_version}` },
    scalingConfig: { minSize, desiredSize, maxSize },
    updateConfig: { maxUnavailablePercentage: 33 },
    nodeRepairConfig: { enabled: true },
    // The next apply does not undo what a person or an autoscaler has scaled.
    lifecycle: { ignoreChanges: ['scaling_config[0].desired_size'] },
    dependsOn: [...after, ...role.permissions],
  });
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
