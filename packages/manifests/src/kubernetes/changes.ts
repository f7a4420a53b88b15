import { argocdStepFinding } from './changes/argocd-steps.ts';
import type { Change, Finding } from './changes/change.ts';
import { type FieldChange, fieldChanges, isWithin, pathOf } from './changes/fields.ts';
import { isImmutable, isReplaced } from './changes/immutable.ts';
import { loadBalancerFinding, loadBalancerRemoval } from './changes/load-balancer.ts';
import { replicasFinding } from './changes/replicas.ts';
import { groupKindOf, type KubernetesObject, nameOf } from './object.ts';

// What a change in Git does to a running cluster, read from the objects before and after it.

export type { Change, ChangeKind } from './changes/change.ts';

/** Kinds whose removal loses data or removes other objects as well, and what is lost. */
const STATEFUL: Readonly<Record<string, string>> = {
  '/PersistentVolumeClaim': 'its volume and data are deleted, unless the StorageClass retains them',
  '/PersistentVolume': 'the cluster forgets the volume',
  '/Namespace': 'everything in it is deleted',
  'apps/StatefulSet': 'its pods stop; their claims stay behind without an owner',
  'apiextensions.k8s.io/CustomResourceDefinition': 'every object of this kind is deleted, in all namespaces',
};

const PODS = ['apps/Deployment', 'apps/StatefulSet', 'apps/DaemonSet'];

type Objects = readonly KubernetesObject[];

/** Everything that differs between two states of one application, and what it does to the cluster. */
export function changesBetween(before: Objects, after: Objects): Change[] {
  const old = byIdentity(before);
  const fresh = byIdentity(after);
  const changes: Change[] = [];
  for (const key of new Set([...old.keys(), ...fresh.keys()])) {
    const was = old.get(key);
    const is = fresh.get(key);
    if (was !== undefined && is !== undefined) changes.push(...changesOfObject(was, is, before, after));
    else if (was !== undefined)
      changes.push({ object: nameOf(was), path: '', before: was, after: undefined, ...removal(was, after) });
    else if (is !== undefined)
      changes.push({
        object: nameOf(is),
        path: '',
        before: undefined,
        after: is,
        kind: 'change',
        consequence: 'is created',
      });
  }
  return changes;
}

/** An object stays the same across versions of its group. */
function byIdentity(objects: Objects): Map<string, KubernetesObject> {
  const known = new Map<string, KubernetesObject>();
  for (const object of objects) {
    const { namespace = '', name } = object.metadata;
    known.set(`${groupKindOf(object)} ${namespace} ${name}`, object);
  }
  return known;
}

const changesOfObject = (was: KubernetesObject, is: KubernetesObject, before: Objects, after: Objects): Change[] =>
  fieldChanges(was, is).map((change) => ({
    object: nameOf(is),
    path: pathOf(change.keys),
    before: change.before,
    after: change.after,
    ...findingOf(was, is, before, after, change),
  }));

function findingOf(
  was: KubernetesObject,
  is: KubernetesObject,
  before: Objects,
  after: Objects,
  change: FieldChange,
): Finding {
  const path = pathOf(change.keys);
  if (isImmutable(was, is, path, change))
    return {
      kind: 'immutable',
      consequence: 'the API server refuses it; the sync fails until the object is deleted and created again',
    };
  const step = argocdStepFinding(was, is, path);
  if (step !== undefined) return step;
  const loadBalancer = loadBalancerFinding(is, path, change.keys);
  if (loadBalancer !== undefined) return loadBalancer;
  const kind = groupKindOf(is);
  if (PODS.includes(kind) && isWithin(path, 'spec.template'))
    return { kind: 'pod-restart', consequence: 'every pod is replaced, by the rollout strategy' };
  if (PODS.includes(kind) && path === 'spec.replicas')
    return replicasFinding({ workload: was, objects: before }, { workload: is, objects: after }, change);
  if (['/ConfigMap', '/Secret'].includes(kind) && /^(data|stringData|binaryData)/.test(path))
    return {
      kind: 'change',
      consequence: 'pods that read it as environment variables keep the old value until they restart',
    };
  return {
    kind: 'change',
    consequence: isReplaced(is) ? 'the object is deleted and created again' : 'is changed in place',
  };
}

/** What removing an object does. */
function removal(object: KubernetesObject, after: Objects): Finding {
  const lost = STATEFUL[groupKindOf(object)];
  if (lost !== undefined) return { kind: 'removed', consequence: lost };
  return (
    loadBalancerRemoval(object, after) ?? { kind: 'removed', consequence: 'Argo CD deletes it if pruning is enabled' }
  );
}

/** Whether a change is too dangerous to be merged as it is. */
export const blocking = ({ kind, object }: Change): boolean =>
  kind === 'immutable' ||
  kind === 'load-balancer-replaced' ||
  kind === 'out-of-order' ||
  (kind === 'removed' && Object.keys(STATEFUL).some((id) => object.startsWith(`${id.split('/')[1] ?? id}/`)));
