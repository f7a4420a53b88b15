import type { KubernetesObject } from './object.ts';

/** The namespace of an object. What a manifest does not say, the API server takes for default. */
export const namespaceOf = ({ metadata }: KubernetesObject): string => metadata.namespace ?? 'default';

/** The kinds that a chart may render and that belong to no namespace. */
const CLUSTER_WIDE = [
  'Namespace',
  'CustomResourceDefinition',
  'ClusterRole',
  'ClusterRoleBinding',
  'PersistentVolume',
  'StorageClass',
  'PriorityClass',
  'IngressClass',
  'IngressClassParams',
  'GatewayClass',
  'APIService',
  'ClusterSecretStore',
  'ClusterExternalSecret',
  'NodePool',
  'EC2NodeClass',
];

/** Whether an object belongs to no namespace. */
export const isClusterWide = ({ kind }: KubernetesObject): boolean =>
  /^(Validating|Mutating)/.test(kind) || CLUSTER_WIDE.includes(kind);

/**
 * Objects as they stand in the cluster: Argo CD puts those that name no namespace into the Application's own, after
 * rendering.
 */
export const inNamespace = (objects: readonly KubernetesObject[], namespace: string): KubernetesObject[] =>
  objects.map((object) =>
    object.metadata.namespace !== undefined || isClusterWide(object)
      ? object
      : { ...object, metadata: { ...object.metadata, namespace } },
  );
