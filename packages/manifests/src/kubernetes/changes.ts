import { applicationFinding, applicationSetRemoval } from './changes/application-set.ts';
import { argocdStepFinding } from './changes/argocd-steps.ts';
import type { Change, ChangeKind, Finding } from './changes/change.ts';
import { type FieldChange, fieldChanges, isWithin, pathOf } from './changes/fields.ts';
import { isImmutable } from './changes/immutable.ts';
import { loadBalancerFinding, loadBalancerRemoval } from './changes/load-balancer.ts';
import { replicasFinding } from './changes/replicas.ts';
import {
  AUTOMATED,
  hasOption,
  isAfterSync,
  isHook,
  isReplaced,
  pruneOptionOf,
  type SyncPolicy,
  waveOf,
} from './changes/sync-policy.ts';
import { groupKindOf, type KubernetesObject, nameOf } from './object.ts';
import type { Workload } from './workload.ts';

// What a change in Git does to a running cluster, read from the objects before and after it.

export type { Change, ChangeKind, Effect } from './changes/change.ts';

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

/** Two states of one Application. */
interface Sides {
  readonly before: Objects;
  readonly after: Objects;
  readonly policy: SyncPolicy;
}

/**
 * Everything that differs between two states of one Application, and what it does to the cluster.
 * @param policy of the Application as it is afterwards
 */
export function changesBetween(before: Objects, after: Objects, policy: SyncPolicy = AUTOMATED): Change[] {
  const sides: Sides = { before, after, policy };
  const old = byIdentity(before);
  const fresh = byIdentity(after);
  const changes: Change[] = [];
  for (const key of new Set([...old.keys(), ...fresh.keys()])) {
    const was = old.get(key);
    const is = fresh.get(key);
    if (was !== undefined && is !== undefined) changes.push(...changesOfObject(was, is, sides));
    else if (was !== undefined) changes.push(wholeObject(was, { before: was, after: undefined }, removal(was, sides)));
    else if (is !== undefined) changes.push(wholeObject(is, { before: undefined, after: is }, creation(is)));
  }
  return held(changes, sides);
}

/** The same, and what the sync of an Application makes anew although nothing of it differs. */
export function syncBetween(before: Objects, after: Objects, policy: SyncPolicy): Change[] {
  const changes = changesBetween(before, after, policy);
  return [...changes, ...repeated(changes, { before, after, policy })];
}

/** Hooks, and without ApplyOutOfSyncOnly what is always replaced. */
function repeated(changes: readonly Change[], { before, after, policy }: Sides): Change[] {
  const isSynced = changes.some(({ effect }) =>
    ['created', 'changed', 'recreated', 'deleted', 'refused'].includes(effect),
  );
  if (!isSynced && !isOutOfSyncByLeftovers(changes, { before, after, policy })) return [];
  const isRefused = changes.some(({ kind }) => kind === 'immutable');
  const all = !policy.options.includes('ApplyOutOfSyncOnly=true');
  const seen = new Set(changes.map((change) => `${change.namespace ?? ''} ${change.object}`));
  const old = byIdentity(before);
  const anew: Change[] = [];
  for (const object of after) {
    const was = old.get(identityOf(object));
    if (was === undefined || seen.has(keyOf(object))) continue;
    const isRun = isHook(object) && !(isRefused && isAfterSync(object));
    if (!isRun && !(all && !isHook(object) && isReplaced(was, object, policy))) continue;
    const consequence = isHook(object)
      ? 'a hook: every sync runs it anew'
      : 'is made anew by every sync (Replace, Force)';
    anew.push(
      wholeObject(object, { before: was, after: object }, { kind: 'change', effect: 'recreated', consequence }),
    );
  }
  return anew;
}

/** What stays although Git no longer has it makes an Application OutOfSync, which is then synced where it prunes. */
function isOutOfSyncByLeftovers(changes: readonly Change[], { before, after, policy }: Sides): boolean {
  if (!policy.isAutomated || !policy.prunes || after.every(isHook)) return false;
  const compared = new Set(before.filter((object) => !isHook(object)).map(keyOf));
  return changes.some(
    ({ kind, object, namespace = '' }) => kind === 'removed' && compared.has(`${namespace} ${object}`),
  );
}

/** What makes an object the same one: it stays so across versions of its group. */
export const identityOf = (object: KubernetesObject): string =>
  `${groupKindOf(object)} ${object.metadata.namespace ?? ''} ${object.metadata.name}`;

const byIdentity = (objects: Objects): Map<string, KubernetesObject> =>
  new Map(objects.map((object) => [identityOf(object), object]));

const wholeObject = (object: KubernetesObject, values: Pick<Change, 'before' | 'after'>, finding: Finding): Change => ({
  object: nameOf(object),
  namespace: object.metadata.namespace,
  path: '',
  ...values,
  ...finding,
});

function changesOfObject(was: KubernetesObject, is: KubernetesObject, sides: Sides): Change[] {
  const changes = fieldChanges(was, is).map((change) => ({
    object: nameOf(is),
    namespace: is.metadata.namespace,
    path: pathOf(change.keys),
    before: change.before,
    after: change.after,
    ...findingOf(was, is, sides, change),
  }));
  // The API server takes an object as a whole.
  const refused = changes.find(({ kind }) => kind === 'immutable');
  if (refused === undefined) return changes;
  return changes.map((change) =>
    change.kind === 'immutable'
      ? change
      : { ...change, kind: 'change', effect: 'refused', consequence: `is refused together with ${refused.path}` },
  );
}

const IMMUTABLE: Finding = {
  kind: 'immutable',
  effect: 'refused',
  consequence: 'the API server refuses it; the sync fails until the object is deleted and created again',
};

function findingOf(was: KubernetesObject, is: KubernetesObject, sides: Sides, change: FieldChange): Finding {
  const path = pathOf(change.keys);
  if (isReplaced(was, is, sides.policy)) return replacement(is);
  if (isImmutable(was, is, path, change)) return IMMUTABLE;
  const step = argocdStepFinding(was, is, path);
  if (step !== undefined) return step;
  const application = applicationFinding(is, path, change.after);
  if (application !== undefined) return application;
  const loadBalancer = loadBalancerFinding(is, path, change.keys);
  if (loadBalancer !== undefined) return loadBalancer;
  const kind = groupKindOf(is);
  if (PODS.includes(kind) && isWithin(path, 'spec.template')) return templateFinding(is);
  if (PODS.includes(kind) && path === 'spec.replicas')
    return replicasFinding({ workload: was, objects: sides.before }, { workload: is, objects: sides.after }, change);
  if (['/ConfigMap', '/Secret'].includes(kind) && /^(data|stringData|binaryData)/.test(path))
    return {
      kind: 'change',
      effect: 'changed',
      consequence: 'pods that read it as environment variables keep the old value until they restart',
    };
  return { kind: 'change', effect: 'changed', consequence: 'is changed in place' };
}

function replacement(object: KubernetesObject): Finding {
  if (isHook(object))
    return { kind: 'change', effect: 'recreated', consequence: 'a hook: it is deleted and run anew by the next sync' };
  const consequence = 'the object is deleted and created again';
  if (groupKindOf(object) === 'networking.k8s.io/Ingress')
    return {
      kind: 'load-balancer-replaced',
      effect: 'recreated',
      consequence: `${consequence}, and its load balancer`,
    };
  return { kind: PODS.includes(groupKindOf(object)) ? 'pod-restart' : 'change', effect: 'recreated', consequence };
}

/** What a change of a pod template does. */
function templateFinding({ spec }: Workload): Finding {
  if (spec?.updateStrategy?.type === 'OnDelete')
    return { kind: 'change', effect: 'changed', consequence: 'each pod gets it only when somebody deletes the pod' };
  return {
    kind: 'pod-restart',
    effect: 'changed',
    consequence: 'every pod is replaced, by the rollout strategy',
  };
}

const creation = (object: KubernetesObject): Finding =>
  isHook(object)
    ? { kind: 'change', effect: 'created', consequence: 'a hook: it runs in the next sync' }
    : { kind: 'change', effect: 'created', consequence: 'is created' };

/** What removing an object does. */
function removal(object: KubernetesObject, { after, policy }: Sides): Finding {
  const kept = (consequence: string): Finding => ({ kind: 'removed', effect: 'kept', consequence });
  if (isHook(object)) return kept('stays: Argo CD deletes no hook that Git no longer has');
  const option = pruneOptionOf(object, policy);
  if (option === 'false') return kept('stays, by its option Prune=false; somebody deletes it by hand');
  if (policy.isAutomated && !policy.prunes) return kept('stays: the Application does not prune');
  if (option === 'confirm')
    return { kind: 'removed', effect: 'waits', consequence: 'stays until a person confirms (Prune=confirm)' };
  const deleted = (consequence: string): Finding => ({ kind: 'removed', effect: 'deleted', consequence });
  const lost = STATEFUL[groupKindOf(object)];
  if (lost !== undefined) return deleted(`Argo CD deletes it: ${lost}`);
  const other = applicationSetRemoval(object) ?? loadBalancerRemoval(object, after);
  if (other !== undefined) return other;
  if (!PODS.includes(groupKindOf(object))) return deleted('Argo CD deletes it');
  return deleted(
    hasOption(object, policy, 'PruneLast=true')
      ? 'Argo CD deletes it, with its pods, after all else is applied'
      : 'Argo CD deletes it, with its pods, before it applies anything else: what replaces it starts afterwards',
  );
}

/** The changes with what keeps some of them from happening. */
function held(changes: readonly Change[], { before, after, policy }: Sides): Change[] {
  if (!policy.isAutomated)
    return changes.map((change) => waiting(change, 'not before a person syncs: the Application has no automated sync'));
  const comparable = after.filter((object) => !isHook(object));
  if (comparable.length === 0 && policy.prunes && !policy.allowsEmpty && before.length > 0)
    return changes.map((change) =>
      change.effect === 'deleted'
        ? {
            ...change,
            effect: 'kept',
            consequence: 'stays: Argo CD does not delete the last objects of an Application by itself (allowEmpty)',
          }
        : change,
    );
  return heldHooks(heldWaves(changes, [...before, ...after]), [...before, ...after]);
}

function waiting(change: Change, why: string): Change {
  if (change.effect === 'kept') return change;
  return { ...change, effect: 'waits', consequence: `${change.consequence}; ${why}` };
}

/** A refused object stops the sync after its wave. */
function heldWaves(changes: readonly Change[], objects: Objects): Change[] {
  const waves = new Map(objects.map((object) => [keyOf(object), isAfterSync(object) ? Infinity : waveOf(object)]));
  const waveOfChange = (change: Change): number => waves.get(`${change.namespace ?? ''} ${change.object}`) ?? 0;
  const refused = changes.filter(({ kind }) => kind === 'immutable').sort((a, b) => waveOfChange(a) - waveOfChange(b));
  const [first] = refused;
  if (first === undefined) return [...changes];
  return changes.map((change) =>
    waveOfChange(change) > waveOfChange(first) ? waiting(change, `not before ${first.object} is accepted`) : change,
  );
}

/** Argo CD compares no hooks: where nothing else differs, it does not sync. */
function heldHooks(changes: readonly Change[], objects: Objects): Change[] {
  const hooks = new Set(objects.filter(isHook).map(keyOf));
  const isOfHook = ({ object, namespace = '' }: Change): boolean => hooks.has(`${namespace} ${object}`);
  if (!changes.every(isOfHook)) return [...changes];
  return changes.map((change) => waiting(change, 'nothing else changes, so Argo CD does not sync'));
}

const keyOf = (object: KubernetesObject): string => `${object.metadata.namespace ?? ''} ${nameOf(object)}`;

const BLOCKING: readonly ChangeKind[] = [
  'immutable',
  'not-permitted',
  'load-balancer-replaced',
  'subnet-replaced',
  'application-deleted',
  'out-of-order',
];

/** Whether a change is too dangerous to be merged as it is. */
export const blocking = ({ kind, effect, object }: Change): boolean =>
  BLOCKING.includes(kind) ||
  (kind === 'removed' &&
    effect !== 'kept' &&
    Object.keys(STATEFUL).some((id) => object.startsWith(`${id.split('/')[1] ?? id}/`)));
