import { CloudwatchEventRule } from '@cdktf/provider-aws/lib/cloudwatch-event-rule/index.js';
import { CloudwatchEventTarget } from '@cdktf/provider-aws/lib/cloudwatch-event-target/index.js';
import { EksAccessEntry } from '@cdktf/provider-aws/lib/eks-access-entry/index.js';
import type { EksCluster } from '@cdktf/provider-aws/lib/eks-cluster/index.js';
import { IamInstanceProfile } from '@cdktf/provider-aws/lib/iam-instance-profile/index.js';
import { SqsQueue } from '@cdktf/provider-aws/lib/sqs-queue/index.js';
import { SqsQueuePolicy } from '@cdktf/provider-aws/lib/sqs-queue-policy/index.js';
import type { AwsClusterSettings } from '@gitops/settings';
import { interruptionQueuePolicy } from '../iam/policies.ts';
import { trustOfService } from '../iam/trust.ts';
import { addedNodes, interruptionQueue, nameIn } from '../names.ts';
import { NODE_POLICIES } from './cluster-nodes.ts';
import type { PlatformStack } from './platform-stack.ts';

/**
 * What EC2 announces, by the id of its rule: a spot node that goes in two minutes, one that will probably, a node that
 * somebody stopped, maintenance of its host (Karpenter, "Disruption", Interruption).
 */
const NOTICES: Readonly<Record<string, { readonly source: string; readonly detailType: string }>> = {
  'spot-interruption': { source: 'aws.ec2', detailType: 'EC2 Spot Instance Interruption Warning' },
  rebalance: { source: 'aws.ec2', detailType: 'EC2 Instance Rebalance Recommendation' },
  'instance-state': { source: 'aws.ec2', detailType: 'EC2 Instance State-change Notification' },
  'scheduled-change': { source: 'aws.health', detailType: 'AWS Health Event' },
};

/**
 * What Karpenter needs for the nodes that it adds, beside its own role: their role and their way into the cluster, and a
 * queue with what EC2 announces, so that pods move before a node goes.
 */
export function addAddedNodes(stack: PlatformStack, settings: AwsClusterSettings, cluster: EksCluster): void {
  const name = addedNodes(stack.project, settings);
  // Not that of the node group, whose entry in the cluster comes and goes with the group.
  const role = stack.role('added-node-role', {
    name,
    trust: trustOfService('ec2.amazonaws.com'),
    managed: NODE_POLICIES,
  });
  new IamInstanceProfile(stack, 'added-node-profile', { name, role: role.name });
  new EksAccessEntry(stack, 'access-added-nodes', {
    clusterName: cluster.name,
    principalArn: role.arn,
    type: 'EC2_LINUX',
  });
  addInterruptionQueue(stack, settings);
}

function addInterruptionQueue(stack: PlatformStack, settings: AwsClusterSettings): void {
  const name = interruptionQueue(settings);
  const queue = new SqsQueue(stack, 'interruptions', {
    name,
    // An older notice is of a node that is gone.
    messageRetentionSeconds: 300,
    sqsManagedSseEnabled: true,
    // By which an interrupted apply finds it again.
    tags: { Name: name },
  });
  new SqsQueuePolicy(stack, 'interruptions-policy', {
    queueUrl: queue.url,
    policy: JSON.stringify(interruptionQueuePolicy(queue.arn, settings.accountId)),
  });
  for (const [id, { source, detailType }] of Object.entries(NOTICES)) {
    // Of all instances of the account in the region: Karpenter passes over those that are not its own.
    const rule = new CloudwatchEventRule(stack, id, {
      name: nameIn(settings, id),
      eventPattern: JSON.stringify({ source: [source], 'detail-type': [detailType] }),
    });
    new CloudwatchEventTarget(stack, `${id}-target`, { rule: rule.name, targetId: 'queue', arn: queue.arn });
  }
}
