import type { Controller } from '@gitops/settings';
import { CONTROLLER_ACCOUNTS } from '@gitops/settings/accounts';
import type { PolicyDocument } from './document.ts';
import { karpenterPolicy } from './karpenter-policy.ts';
import { externalSecretsPolicy, loadBalancerControllerPolicy } from './policies.ts';
import type { PodIdentity } from './trust.ts';

/** A service account that calls AWS, and what its pods may do there. */
export interface PodIdentityRole extends PodIdentity {
  /** Ending of the role's name. */
  readonly id: string;
  readonly managed?: readonly string[];
  readonly policy?: PolicyDocument;
}

export interface PodIdentityOptions {
  readonly accountId: string;
  readonly region: string;
  readonly cluster: string;
  /** The key that encrypts the cluster's secrets; undefined for AWS's own. */
  readonly keyArn: string | undefined;
  /** The role of the nodes that Karpenter adds, and the queue that it reads, by their names. */
  readonly nodeRole: string;
  readonly queue: string;
  /** The controllers that run in the cluster; metrics-server calls no AWS API. */
  readonly controllers: readonly Controller[];
}

/**
 * Every service account of a cluster that calls AWS. The namespaces and names are those of EKS's add-ons, and of settings,
 * with which `make check` compares what the controllers' charts render.
 */
export function podIdentities({ controllers, ...place }: PodIdentityOptions): PodIdentityRole[] {
  const rights: Partial<Record<Controller, Pick<PodIdentityRole, 'id' | 'policy'>>> = {
    'aws-load-balancer-controller': { id: 'load-balancers', policy: loadBalancerControllerPolicy() },
    'external-secrets': { id: 'external-secrets', policy: externalSecretsPolicy(place) },
    karpenter: { id: 'karpenter', policy: karpenterPolicy(place) },
  };
  return [
    { id: 'vpc-cni', namespace: 'kube-system', serviceAccount: 'aws-node', managed: ['AmazonEKS_CNI_Policy'] },
    {
      id: 'ebs-csi',
      namespace: 'kube-system',
      serviceAccount: 'ebs-csi-controller-sa',
      managed: ['AmazonEBSCSIDriverEKSClusterScopedPolicy'],
    },
    ...controllers.flatMap((controller): PodIdentityRole[] => {
      const account = CONTROLLER_ACCOUNTS[controller];
      const right = rights[controller];
      return account === undefined || right === undefined ? [] : [{ ...account, ...right }];
    }),
  ];
}
