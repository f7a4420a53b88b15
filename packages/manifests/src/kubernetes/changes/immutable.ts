import { groupKindOf, type KubernetesObject } from '../object.ts';
import { mebibytes } from '../quantity.ts';
import type { Service } from '../workload.ts';
import { type FieldChange, isWithin } from './fields.ts';

/**
 * Fields that the API server treats as immutable, by group/kind (Kubernetes 1.36: ValidateImmutableField and others,
 * pkg/apis/∗/validation). What needs more than a look at the path is in `isImmutable`.
 */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  'apps/Deployment': ['spec.selector'],
  'apps/ReplicaSet': ['spec.selector'],
  'apps/DaemonSet': ['spec.selector'],
  'batch/Job': [
    'spec.template',
    'spec.selector',
    'spec.completionMode',
    'spec.podFailurePolicy',
    'spec.backoffLimitPerIndex',
    'spec.managedBy',
    'spec.successPolicy',
  ],
  '/Secret': ['type'],
  'rbac.authorization.k8s.io/RoleBinding': ['roleRef'],
  'rbac.authorization.k8s.io/ClusterRoleBinding': ['roleRef'],
  'storage.k8s.io/StorageClass': ['provisioner', 'parameters', 'reclaimPolicy', 'volumeBindingMode'],
  'storage.k8s.io/CSIDriver': ['spec.attachRequired', 'spec.volumeLifecycleModes'],
  'scheduling.k8s.io/PriorityClass': ['value', 'preemptionPolicy'],
  'networking.k8s.io/IngressClass': ['spec.controller'],
  'apiextensions.k8s.io/CustomResourceDefinition': ['spec.group', 'spec.scope', 'spec.names.kind', 'spec.names.plural'],
};

/** All that may change in the spec of a StatefulSet (ValidateStatefulSetUpdate). */
const MUTABLE_IN_STATEFULSET = [
  'spec.replicas',
  'spec.ordinals',
  'spec.template',
  'spec.updateStrategy',
  'spec.revisionHistoryLimit',
  'spec.persistentVolumeClaimRetentionPolicy',
  'spec.minReadySeconds',
];

/** What is immutable in a ConfigMap or Secret that is marked so. */
const DATA = ['data', 'stringData', 'binaryData', 'immutable'];

const isWithinAny = (path: string, fields: readonly string[]): boolean => fields.some((field) => isWithin(path, field));

/** Whether the API server refuses a change of this field. */
export function isImmutable(
  before: KubernetesObject,
  after: KubernetesObject,
  path: string,
  change: FieldChange,
): boolean {
  const kind = groupKindOf(before);
  if (isWithinAny(path, IMMUTABLE[kind] ?? [])) return true;
  switch (kind) {
    case 'apps/StatefulSet':
      return path.startsWith('spec') && !isWithinAny(path, MUTABLE_IN_STATEFULSET);
    case '/PersistentVolumeClaim':
      return isImmutableInClaim(path, change);
    case '/ConfigMap':
    case '/Secret':
      return before.immutable === true && isWithinAny(path, DATA);
    case '/Service':
      return isImmutableInService(before, after, path, change);
    default:
      return false;
  }
}

function isImmutableInClaim(path: string, { before, after }: FieldChange): boolean {
  if (!path.startsWith('spec') || path === 'spec.volumeAttributesClassName') return false;
  // A claim may grow and never shrink.
  if (path === 'spec.resources.requests.storage') return mebibytes(after) < mebibytes(before);
  return !path.startsWith('spec.resources.requests');
}

function isImmutableInService(before: Service, after: Service, path: string, change: FieldChange): boolean {
  // A Service of type ExternalName may become anything.
  if (before.spec?.type === 'ExternalName' || after.spec?.type === 'ExternalName') return false;
  // What the new manifest omits, the API server takes over from the old object.
  if (change.after === undefined) return false;
  if (path === 'spec.loadBalancerClass') return before.spec?.type === after.spec?.type;
  return ['spec.clusterIP', 'spec.clusterIPs[0]', 'spec.ipFamilies[0]'].includes(path);
}
