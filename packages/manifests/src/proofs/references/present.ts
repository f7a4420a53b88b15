import type { ClusterSettings } from '@gitops/settings';

/** An object that is in a cluster although nothing in Git renders it. */
export interface Present {
  /** group/Kind */
  readonly kind: string;
  readonly name: string;
  /** Where it is; in every namespace without it, or of the whole cluster. */
  readonly namespace?: string;
  /** Only in clusters of this provider. */
  readonly provider?: ClusterSettings['provider'];
  /** What brings it. */
  readonly because: string;
}

const kubernetes = (kind: string, because: string, ...names: readonly string[]): Present[] =>
  names.map((name) => ({ kind, name, because }));

export const PRESENT: readonly Present[] = [
  ...kubernetes('scheduling.k8s.io/PriorityClass', 'Kubernetes has them', 'system-cluster-critical', 'system-node-critical'), // prettier-ignore
  ...kubernetes('rbac.authorization.k8s.io/ClusterRole', 'Kubernetes has them', 'admin', 'edit', 'view', 'system:auth-delegator'), // prettier-ignore
  ...kubernetes('/Namespace', 'Kubernetes has them', 'default', 'kube-system', 'kube-public', 'kube-node-lease'),
  ...kubernetes('/ServiceAccount', 'Kubernetes makes one in each namespace', 'default'),
  ...kubernetes('/ConfigMap', 'Kubernetes makes one in each namespace', 'kube-root-ca.crt'),
  {
    kind: 'rbac.authorization.k8s.io/Role',
    name: 'extension-apiserver-authentication-reader',
    namespace: 'kube-system',
    because: 'Kubernetes has it',
  },
  { kind: '/Namespace', name: 'argocd', because: 'the installation of Argo CD makes it' },
  { kind: '/Secret', name: 'argocd-redis', namespace: 'argocd', because: 'a Job of the installation of Argo CD makes it' }, // prettier-ignore
  {
    kind: 'apiregistration.k8s.io/APIService',
    name: 'v1beta1.metrics.k8s.io',
    provider: 'local',
    because: 'metrics-server runs as a process of the machine',
  },
  {
    kind: 'networking.k8s.io/IngressClass',
    name: 'alb',
    provider: 'local',
    because: 'the machine simulates the load balancer',
  },
];

/** Groups whose definitions are there before Argo CD applies anything: its installation brings them. */
export const DEFINED_BEFORE = ['argoproj.io'];

/** Which entry of `controllers` in cluster.yaml brings an object or the definitions of a group; a test compares them. */
export const CONTROLLERS: readonly { readonly controller: string; readonly kind: string; readonly name: string }[] = [
  { controller: 'metrics-server', kind: 'apiregistration.k8s.io/APIService', name: 'v1beta1.metrics.k8s.io' },
  { controller: 'aws-load-balancer-controller', kind: 'networking.k8s.io/IngressClass', name: 'alb' },
  { controller: 'external-secrets', kind: 'external-secrets.io/ClusterSecretStore', name: 'aws-secrets-manager' },
  { controller: 'kube-prometheus-stack', kind: 'storage.k8s.io/StorageClass', name: 'gp3' },
];

/** Which entry of `controllers` brings the definitions of a group. */
export const DEFINITIONS_OF: Readonly<Record<string, string>> = {
  'elbv2.k8s.aws': 'aws-load-balancer-controller',
  'external-secrets.io': 'external-secrets',
  'monitoring.coreos.com': 'prometheus-operator-crds',
};
