import type { Mistake } from './slip.ts';
import { inFile, replace } from './slip.ts';

/** Pods that ask for a node that their cluster cannot have. */
export const NODES: readonly Mistake[] = inFile(
  'clusters/staging/metrics-server.yaml',
  {
    'a zone that the cluster is not in': replace(
      'replicas: 2',
      'replicas: 2\nnodeSelector:\n  topology.kubernetes.io/zone: us-east-1c',
    ).reports(/nodeSelector\.topology\.kubernetes\.io\/zone: must be us-east-1a or us-east-1b/),
    'a label that no node has': replace('replicas: 2', 'replicas: 2\nnodeSelector:\n  disk: ssd').reports(
      /nodeSelector\.disk: no node of the cluster has the label disk/,
    ),
    'a type that neither the node group has nor Karpenter adds': replace(
      'replicas: 2',
      'replicas: 2\nnodeSelector:\n  node.kubernetes.io/instance-type: m7i.large',
    ).reports(/nodeSelector\.node\.kubernetes\.io\/instance-type: must be t3\.medium or t3\.large/),
    'a kind of node that Karpenter may not buy': replace(
      'replicas: 2',
      'replicas: 2\nnodeSelector:\n  karpenter.sh/capacity-type: spot',
    ).reports(/nodeSelector\.karpenter\.sh\/capacity-type: must be on-demand/),
  },
  'metrics-server',
);
