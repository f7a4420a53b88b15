import { isDeepStrictEqual } from 'node:util';
import { type KubernetesObject, nameOf } from './object.ts';
import { mebibytes } from './quantity.ts';
import { autoscalerOf, groupOf, ingresses } from './workload.ts';

// What a change in Git does to a running cluster, read from the objects before and after it.

export type ChangeKind =
  /** The API server refuses it: the sync fails until somebody deletes the object. */
  | 'immutable'
  /** The load balancer, or the targets behind it, are made anew. */
  | 'load-balancer-replaced'
  | 'pod-restart'
  | 'removed'
  /** The number of pods gets another owner. */
  | 'replicas-handover'
  | 'change';

/** One field, or a whole object, that differs. */
export interface Change {
  /** Deployment/fastify-service */
  readonly object: string;
  /** spec.template.spec.containers[api].image; empty where the whole object came or went. */
  readonly path: string;
  readonly kind: ChangeKind;
  /** Undefined where there was nothing, as with `after` where nothing is left. */
  readonly before: unknown;
  readonly after: unknown;
  /** What happens in the cluster. */
  readonly consequence: string;
}

type Keys = readonly string[];
interface FieldChange {
  readonly keys: Keys;
  readonly before: unknown;
  readonly after: unknown;
}

/** What a rule says of a change. */
type Finding = Pick<Change, 'kind' | 'consequence'>;

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The names of a list's entries, where each has one of its own: Kubernetes merges such lists by name. */
function namesOf(list: readonly unknown[]): string[] | undefined {
  const names = list.map((entry) => (isMap(entry) && typeof entry.name === 'string' ? entry.name : undefined));
  return names.every((name) => name !== undefined) && new Set(names).size === names.length ? names : undefined;
}

const byName = (list: readonly unknown[]): Map<string, unknown> =>
  new Map((namesOf(list) ?? []).map((name, index) => [name, list[index]]));

/** Nothing, where the other side has a map with something in it, stands for an empty one. */
const asMap = (value: unknown, other: unknown): unknown =>
  value === undefined && isMap(other) && Object.keys(other).length > 0 ? {} : value;

/**
 * The leaves in which two values differ. A name stands for its entry in a list, so that one more entry is one
 * difference.
 */
function fieldChanges(before: unknown, after: unknown, keys: Keys = []): FieldChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  // A map that comes or goes is the fields in it, each of which has its own consequence; an entry of a list is one
  // thing.
  const [old, fresh] =
    keys.at(-1)?.startsWith('[') === true ? [before, after] : [asMap(before, after), asMap(after, before)];
  if (isMap(old) && isMap(fresh)) {
    return [...new Set([...Object.keys(old), ...Object.keys(fresh)])].flatMap((key) =>
      fieldChanges(old[key], fresh[key], [...keys, key]),
    );
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const [names, newNames] = [namesOf(before), namesOf(after)];
    if (names === undefined || newNames === undefined || before.length * after.length === 0) {
      return Array.from({ length: Math.max(before.length, after.length) }, (_, index) =>
        fieldChanges(before[index], after[index], [...keys, `[${index}]`]),
      ).flat();
    }
    const [was, is] = [byName(before), byName(after)];
    const entries = [...new Set([...names, ...newNames])].flatMap((name) =>
      fieldChanges(was.get(name), is.get(name), [...keys, `[${name}]`]),
    );
    // Another order alone is a difference as well: a pod template with it is another template.
    return entries.length > 0 ? entries : [{ keys, before: names, after: newNames }];
  }
  return [{ keys, before, after }];
}

const pathOf = (keys: Keys): string =>
  keys.reduce(
    (path, key) =>
      key.startsWith('[')
        ? path + key
        : /^[A-Za-z0-9_-]+$/.test(key)
          ? [path, key].filter((part) => part !== '').join('.')
          : `${path}[${key}]`,
    '',
  );

/** What stands at a key path of maps. */
const at = (object: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((inner, key) => (isMap(inner) ? inner[key] : undefined), object);

const startsWith = (path: string, field: string): boolean =>
  path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);

/**
 * Fields that the API server lets nobody change, by group/kind (Kubernetes 1.36: ValidateImmutableField and the like in
 * pkg/apis/∗/validation). What needs more than a look at the path is in `immutableBy`.
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
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

/** Kinds whose removal loses data, or takes much more with it, and what. */
const STATEFUL: Readonly<Record<string, string>> = {
  '/PersistentVolumeClaim': 'the volume goes with it, and its data, unless the StorageClass retains it',
  '/PersistentVolume': 'the cluster forgets the volume',
  '/Namespace': 'everything in it is deleted',
  'apps/StatefulSet': 'its pods stop; their claims stay behind without an owner',
  'apiextensions.k8s.io/CustomResourceDefinition': 'every object of this kind is deleted, in all namespaces',
};

const idOf = (object: KubernetesObject): string => `${groupOf(object)}/${object.kind}`;
const keyOf = (object: KubernetesObject): string =>
  `${idOf(object)} ${object.metadata.namespace ?? ''} ${object.metadata.name}`;

/** Argo CD deletes such an object and makes it anew: nothing of it is immutable. */
function isRemade({ metadata: { annotations = {} } }: KubernetesObject): boolean {
  return (
    annotations['argocd.argoproj.io/hook'] !== undefined ||
    ['Replace=true', 'Force=true'].every((option) =>
      annotations['argocd.argoproj.io/sync-options']?.split(',').includes(option),
    )
  );
}

const isWithin = (fields: readonly string[], path: string): boolean => fields.some((field) => startsWith(path, field));

/** Whether the API server refuses a change of this field. */
function immutableBy(before: KubernetesObject, after: KubernetesObject, path: string, change: FieldChange): boolean {
  const id = idOf(before);
  if (isWithin(IMMUTABLE[id] ?? [], path)) return true;
  switch (id) {
    case 'apps/StatefulSet':
      return (
        path.startsWith('spec') &&
        !isWithin(
          MUTABLE_IN_STATEFULSET.map((field) => `spec.${field}`),
          path,
        )
      );
    case '/PersistentVolumeClaim': {
      if (!path.startsWith('spec') || path === 'spec.volumeAttributesClassName') return false;
      // A claim may grow and never shrink.
      return path === 'spec.resources.requests.storage'
        ? mebibytes(change.after) < mebibytes(change.before)
        : !path.startsWith('spec.resources.requests');
    }
    case '/ConfigMap':
    case '/Secret':
      return before.immutable === true && isWithin(['data', 'stringData', 'binaryData', 'immutable'], path);
    case '/Service': {
      // What the new manifest leaves out, the API server fills in from the old one; an ExternalName may become
      // anything.
      if ([before, after].some((object) => at(object, 'spec.type') === 'ExternalName') || change.after === undefined)
        return false;
      return (
        ['spec.clusterIP', 'spec.clusterIPs[0]', 'spec.ipFamilies[0]'].includes(path) ||
        (path === 'spec.loadBalancerClass' && at(before, 'spec.type') === at(after, 'spec.type'))
      );
    }
    default:
      return false;
  }
}

const ALB = 'alb.ingress.kubernetes.io/';
const groupNameOf = ({ metadata }: KubernetesObject): string | undefined => metadata.annotations?.[`${ALB}group.name`];

const NEW_LOAD_BALANCER =
  'the load balancer is deleted and another one made: a new DNS name, and an outage until DNS leads there';
const NEW_TARGETS =
  'the load balancer and its DNS name stay, but its target group is made anew: requests fail until the first targets in it are healthy';

/**
 * What AWS Load Balancer Controller does about an Ingress. It finds a load balancer again by the name of its group, or
 * of the Ingress where it has none, and a target group by Ingress, Service and port; it replaces a load balancer of
 * another type or scheme, and target groups of another type, protocol or protocol version
 * (isSDKLoadBalancerRequiresReplacement and isSDKTargetGroupRequiresReplacement in pkg/deploy/elbv2, at 225f445,
 * 2026-08-17).
 */
function loadBalancerFinding(object: KubernetesObject, path: string, keys: Keys): Finding | undefined {
  const annotation =
    keys[1] === 'annotations' && keys[2]?.startsWith(ALB) === true ? keys[2].slice(ALB.length) : undefined;
  const isTargets = ['target-type', 'backend-protocol', 'backend-protocol-version', 'target-control-port'].some(
    (name) => annotation === name || annotation?.startsWith(`${name}.`) === true,
  );
  if (idOf(object) === '/Service')
    return isTargets ? { kind: 'load-balancer-replaced', consequence: NEW_TARGETS } : undefined;
  if (idOf(object) === 'networking.k8s.io/Ingress') {
    if (
      annotation === 'scheme' ||
      annotation === 'group.name' ||
      path === 'spec.ingressClassName' ||
      keys[2] === 'kubernetes.io/ingress.class'
    )
      return { kind: 'load-balancer-replaced', consequence: NEW_LOAD_BALANCER };
    if (isTargets || /^spec\.(defaultBackend|rules.*\.backend)\.service/.test(path))
      return { kind: 'load-balancer-replaced', consequence: NEW_TARGETS };
    if (annotation === 'load-balancer-name')
      return {
        kind: 'change',
        consequence: 'an existing load balancer keeps its name: the controller sets it only where it makes one',
      };
    return annotation === undefined
      ? undefined
      : { kind: 'change', consequence: 'the load balancer is changed in place' };
  }
  // The same by way of Gateway API.
  if (idOf(object) === 'gateway.networking.k8s.io/Gateway' && path === 'spec.gatewayClassName')
    return { kind: 'load-balancer-replaced', consequence: NEW_LOAD_BALANCER };
  if (object.kind === 'LoadBalancerConfiguration' && path === 'spec.scheme')
    return { kind: 'load-balancer-replaced', consequence: NEW_LOAD_BALANCER };
  if (object.kind === 'HTTPRoute' && startsWith(path, 'spec.parentRefs'))
    return {
      kind: 'load-balancer-replaced',
      consequence: 'the route moves to another load balancer: the old one answers 404 from then on',
    };
  if (object.kind === 'TargetGroupConfiguration' && /\.(targetType|protocol|protocolVersion)$/.test(path))
    return { kind: 'load-balancer-replaced', consequence: NEW_TARGETS };
  return undefined;
}

const text = (value: unknown): string => JSON.stringify(value);

/** What becomes of spec.replicas where an autoscaler comes or goes. */
function replicasFinding(
  before: KubernetesObject,
  after: KubernetesObject,
  old: readonly KubernetesObject[],
  fresh: readonly KubernetesObject[],
  { before: was, after: is }: FieldChange,
): Finding {
  const [had, has] = [autoscalerOf(before, old), autoscalerOf(after, fresh)];
  if (is === undefined && has !== undefined) {
    // Kubernetes, "Server-Side Apply", "Transferring ownership": a field that nobody else owns yet falls back to its
    // default.
    const fallback =
      had === undefined
        ? `; since the autoscaler is new, it has not written the field yet: the API server falls back to 1 pod until the autoscaler's first pass (15 s) asks for ${has.spec?.minReplicas ?? 1}`
        : '';
    return {
      kind: 'replicas-handover',
      consequence: `the number of pods belongs to the autoscaler from now on${fallback}`,
    };
  }
  if (had !== undefined && has === undefined)
    return {
      kind: 'replicas-handover',
      consequence: `the number of pods belongs to Git again: from what the autoscaler made of it to ${text(is ?? 1)} at once`,
    };
  if (is === undefined)
    return {
      kind: 'replicas-handover',
      consequence: `nobody owns the number of pods any more: the API server falls back from ${text(was)} to 1`,
    };
  return {
    kind: 'change',
    consequence:
      has === undefined
        ? `the number of pods changes to ${text(is)}`
        : 'Argo CD and the autoscaler overwrite each other',
  };
}

const PODS = ['apps/Deployment', 'apps/StatefulSet', 'apps/DaemonSet'];

function findingOf(
  before: KubernetesObject,
  after: KubernetesObject,
  old: readonly KubernetesObject[],
  fresh: readonly KubernetesObject[],
  change: FieldChange,
): Finding {
  const path = pathOf(change.keys);
  if (!isRemade(after) && immutableBy(before, after, path, change))
    return {
      kind: 'immutable',
      consequence: 'the API server refuses it; the sync fails until the object is deleted and made anew',
    };
  const loadBalancer = loadBalancerFinding(after, path, change.keys);
  if (loadBalancer !== undefined) return loadBalancer;
  if (PODS.includes(idOf(after)) && startsWith(path, 'spec.template'))
    return { kind: 'pod-restart', consequence: 'every pod is replaced, as the rollout strategy has it' };
  if (PODS.includes(idOf(after)) && path === 'spec.replicas') return replicasFinding(before, after, old, fresh, change);
  if (['/ConfigMap', '/Secret'].includes(idOf(after)) && /^(data|stringData|binaryData)/.test(path))
    return { kind: 'change', consequence: 'pods that read it as environment keep the old value until they restart' };
  return { kind: 'change', consequence: 'is changed in place' };
}

/** What becomes of a cluster when an object is removed. */
function removal(object: KubernetesObject, fresh: readonly KubernetesObject[]): Finding {
  const state = STATEFUL[idOf(object)];
  if (state !== undefined) return { kind: 'removed', consequence: state };
  if (idOf(object) === 'networking.k8s.io/Ingress') {
    const group = groupNameOf(object);
    const isShared = group !== undefined && ingresses(fresh).some((other) => groupNameOf(other) === group);
    if (isShared)
      return { kind: 'removed', consequence: `its rules go; the load balancer of group ${group} stays for the others` };
    return { kind: 'load-balancer-replaced', consequence: 'the load balancer is deleted, and its DNS name with it' };
  }
  if (idOf(object) === 'gateway.networking.k8s.io/Gateway')
    return { kind: 'load-balancer-replaced', consequence: 'the load balancer is deleted, and its DNS name with it' };
  return { kind: 'removed', consequence: 'Argo CD deletes it where pruning is on' };
}

/** Everything that differs between two states of the same application or cluster, and what comes of it. */
export function upgradeChanges(before: readonly KubernetesObject[], after: readonly KubernetesObject[]): Change[] {
  const [old, fresh] = [before, after].map((objects) => new Map(objects.map((object) => [keyOf(object), object]))) as [
    Map<string, KubernetesObject>,
    Map<string, KubernetesObject>,
  ];
  return [...new Set([...old.keys(), ...fresh.keys()])].flatMap((key): Change[] => {
    const [was, is] = [old.get(key), fresh.get(key)];
    if (was !== undefined && is !== undefined) {
      return fieldChanges(was, is).map((change) => ({
        object: nameOf(is),
        path: pathOf(change.keys),
        before: change.before,
        after: change.after,
        ...findingOf(was, is, before, after, change),
      }));
    }
    if (was !== undefined)
      return [{ object: nameOf(was), path: '', before: was, after: undefined, ...removal(was, after) }];
    return is === undefined
      ? []
      : [{ object: nameOf(is), path: '', before: undefined, after: is, kind: 'change', consequence: 'is created' }];
  });
}

/** Whether a change must not be merged without somebody who knows what they do. */
export const blocking = ({ kind, object }: Change): boolean =>
  kind === 'immutable' ||
  kind === 'load-balancer-replaced' ||
  (kind === 'removed' && Object.keys(STATEFUL).some((id) => object.startsWith(`${id.split('/')[1] ?? id}/`)));
