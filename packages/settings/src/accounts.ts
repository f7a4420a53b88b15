import type { Controller } from './schema.ts';

/** A service account of Kubernetes. */
export interface ServiceAccount {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * The service accounts of controllers that call AWS, as their charts render them: platform/ gives each a role, and `make
 * check` proves that their pods run as them. The other controllers call no AWS API.
 */
export const CONTROLLER_ACCOUNTS: Readonly<Partial<Record<Controller, ServiceAccount>>> = {
  'aws-load-balancer-controller': {
    namespace: 'aws-load-balancer-controller',
    serviceAccount: 'aws-load-balancer-controller',
  },
  'external-secrets': { namespace: 'external-secrets', serviceAccount: 'external-secrets' },
  karpenter: { namespace: 'karpenter', serviceAccount: 'karpenter' },
};
