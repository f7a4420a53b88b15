import { instanceType, podsByPrefixes } from '@gitops/settings/instance-types';

/**
 * What a node of Amazon Linux 2023 is told at its start: nodeadm would otherwise count one address a pod, and a
 * t3.medium would take 17 pods whatever the CNI can do. EKS puts the rest of its own beside it; that is why it comes as
 * a part of several.
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
