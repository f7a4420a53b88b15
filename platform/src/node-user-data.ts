/**
 * Most pods of a node with prefix delegation: EKS user guide, "Assign more IP addresses to nodes with prefixes", for up to 30
 * vCPUs. The capacity proof counts with the same number.
 */
const MAX_PODS = 110;

/**
 * What a node of Amazon Linux 2023 is told at its start: nodeadm would otherwise count one address a pod, and a t3.medium would
 * take 17 pods whatever the CNI can do. EKS puts the rest of its own beside it; that is why it comes as a part of several.
 */
export const nodeUserData = (): string =>
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
    `      maxPods: ${MAX_PODS}`,
    '',
    '--NODE--',
    '',
  ].join('\n');
