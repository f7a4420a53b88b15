import { groupKindOf, type KubernetesObject } from '../object.ts';
import type { Finding } from './change.ts';
import { isWithin } from './fields.ts';

// What ApplicationSets and Applications in Git do to the Applications in a cluster, by the code of Argo CD 3.5.7
// (applicationset/controllers, controller/appcontroller.go).

interface Fields {
  readonly spec?: {
    readonly syncPolicy?: { readonly applicationsSync?: string; readonly preserveResourcesOnDeletion?: boolean };
    readonly ignoreApplicationDifferences?: readonly { readonly jsonPointers?: readonly string[] }[];
    readonly template?: { readonly metadata?: { readonly finalizers?: readonly string[] } };
  };
}

const fieldsOf = (object: KubernetesObject): NonNullable<Fields['spec']> => (object as Fields).spec ?? {};

const isSet = (object: KubernetesObject): boolean => groupKindOf(object) === 'argoproj.io/ApplicationSet';

/** Whether the controller deletes an Application that no generator lists any more; it does so by default. */
export const deletesApplications = (set: KubernetesObject): boolean =>
  ['sync', 'create-delete'].includes(fieldsOf(set).syncPolicy?.applicationsSync ?? 'sync');

const FINALIZER = 'resources-finalizer.argocd.argoproj.io';

/** Whether the deletion of an Application deletes what it deploys. */
export const isCascading = ({ metadata }: KubernetesObject): boolean =>
  (metadata as { readonly finalizers?: readonly string[] }).finalizers?.some((name) => name.startsWith(FINALIZER)) ===
  true;

/** Whether what its Applications deploy goes with them when the set is deleted. */
function isCascadingSet(set: KubernetesObject): boolean {
  const { syncPolicy, template } = fieldsOf(set);
  return syncPolicy?.preserveResourcesOnDeletion !== true || template?.metadata?.finalizers !== undefined;
}

/** What removing an ApplicationSet does; undefined for other kinds. */
export function applicationSetRemoval(object: KubernetesObject): Finding | undefined {
  if (!isSet(object)) return undefined;
  const rest = isCascadingSet(object) ? 'and so is all that they deploy' : 'what they deploy stays';
  return {
    kind: isCascadingSet(object) ? 'application-deleted' : 'removed',
    effect: 'deleted',
    consequence: `Argo CD deletes it: its Applications are deleted with it, ${rest}`,
  };
}

const IN_PLACE = { kind: 'change', effect: 'changed' } as const;

/** What a change of a field of an ApplicationSet, or of an Application, does; undefined for fields without a rule. */
export function applicationFinding(is: KubernetesObject, path: string, after: unknown): Finding | undefined {
  if (isSet(is)) return setFinding(is, path, after);
  return groupKindOf(is) === 'argoproj.io/Application' ? specFinding(is, path, after) : undefined;
}

function setFinding(set: KubernetesObject, path: string, after: unknown): Finding | undefined {
  const say = (consequence: string): Finding => ({ ...IN_PLACE, consequence });
  const template = 'spec.template.';
  if (path === `${template}metadata.name`)
    return say('Applications of the new name are created; what becomes of the old ones is told below their names');
  if (path === 'spec.syncPolicy.applicationsSync')
    return say(
      deletesApplications(set)
        ? 'an Application that no generator lists is deleted from now on'
        : 'an Application that no generator lists stays from now on',
    );
  if (path === 'spec.syncPolicy.preserveResourcesOnDeletion' || path.startsWith(`${template}metadata.finalizers`))
    return say(
      isCascadingSet(set)
        ? 'an Application that is deleted takes what it deploys with it from now on'
        : 'an Application that is deleted leaves what it deploys from now on',
    );
  if (isWithin(path, 'spec.ignoreApplicationDifferences'))
    return say('what it no longer names is written over in its Applications at once, a rollback of on-call included');
  if (!path.startsWith(template)) return undefined;
  const own = path.slice(template.length);
  if (own === 'spec.syncPolicy.automated.enabled' && isIgnored(set, '/spec/syncPolicy/automated/enabled'))
    return say('Applications that are there keep their own; only new ones get it');
  return specFinding({ ...set, ...fieldsOf(set).template } as KubernetesObject, own, after);
}

const isIgnored = (set: KubernetesObject, pointer: string): boolean =>
  fieldsOf(set).ignoreApplicationDifferences?.some(({ jsonPointers = [] }) => jsonPointers.includes(pointer)) === true;

interface Application {
  readonly spec?: { readonly syncPolicy?: { readonly automated?: unknown } };
}

/** @param path within an Application: spec.project */
function specFinding(application: KubernetesObject, path: string, after: unknown): Finding | undefined {
  const say = (consequence: string): Finding => ({ ...IN_PLACE, consequence });
  const automated = 'spec.syncPolicy.automated';
  if (isWithin(path, automated) && (application as Application).spec?.syncPolicy?.automated === undefined)
    return say('Argo CD syncs nothing by itself any more: a person has to');
  switch (path) {
    case `${automated}.enabled`:
      return say(after === false ? 'Argo CD syncs nothing by itself any more' : 'Argo CD syncs by itself');
    case `${automated}.prune`:
      return say(after === true ? 'what Git no longer has is deleted, at once' : 'what Git no longer has stays');
    case `${automated}.selfHeal`:
      return say(after === true ? 'changes past Git are undone' : 'changes past Git stay until the next sync');
    case 'spec.project':
      return say(`the grants, roles and freezes of project ${String(after)} count from now on`);
    case 'spec.destination.namespace':
      return say('its objects are made there; what becomes of those in the old namespace is told below their names');
    default:
      return undefined;
  }
}
