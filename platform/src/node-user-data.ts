import { instanceType, podsByPrefixes } from '@gitops/settings/instance-types';

/**
 * User data of a node with Amazon Linux 2023. Without it nodeadm counts one address a pod, and a t3.medium takes 17
 * pods whatever the CNI can do. It is multipart, since EKS adds a part of its own.
 */
export const nodeUserData = (type: string): string =>
  [
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="NODE"',
    '',
    '--NODE',
    'Content-Type: application/node.eks.aws',
    '',
    'apiVersion: node.eks.aws/v1alpha1',
    'kind: NodeConfig',
    'spec:',
    '  kubelet:',
    '    config:',
    `      maxPods: ${podsByPrefixes(instanceType(type))}`,
    '',
    '--NODE--',
    '',
  ].join('\n');
