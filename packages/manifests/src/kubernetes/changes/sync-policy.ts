import type { KubernetesObject } from '../object.ts';

// How Argo CD applies the objects of an Application: its sync policy, and the options that single objects carry
// (gitops-engine, pkg/sync/sync_context.go and pkg/sync/hook, as Argo CD 3.5.7 has them).

/** The part of an Application's sync policy that decides what becomes of its objects. */
export interface SyncPolicy {
  /** Whether Argo CD syncs by itself. */
  readonly isAutomated: boolean;
  readonly prunes: boolean;
  /** Whether it deletes the last object, too. */
  readonly allowsEmpty: boolean;
  /** `ServerSideApply=true`, `FailOnSharedResource=true` and so on. */
  readonly options: readonly string[];
}

/** For objects without an Application: all that Git says happens. */
export const AUTOMATED: SyncPolicy = {
  isAutomated: true,
  prunes: true,
  allowsEmpty: true,
  options: ['ApplyOutOfSyncOnly=true'],
};

interface WithPolicy {
  readonly syncPolicy?: {
    readonly automated?: { readonly enabled?: boolean; readonly prune?: boolean; readonly allowEmpty?: boolean } | null;
    readonly syncOptions?: readonly string[];
  };
}

/** The sync policy of an Application. Argo CD's defaults: a person syncs, and nothing is pruned. */
export function syncPolicyOf({ spec }: KubernetesObject): SyncPolicy {
  const { automated, syncOptions = [] } = (spec as WithPolicy | undefined)?.syncPolicy ?? {};
  return {
    isAutomated: automated !== undefined && automated !== null && automated.enabled !== false,
    prunes: automated?.prune === true,
    allowsEmpty: automated?.allowEmpty === true,
    options: syncOptions,
  };
}

const ARGOCD = 'argocd.argoproj.io/';

/** The options of an object's annotation: `Prune=false`. */
const optionsOf = ({ metadata: { annotations = {} } }: KubernetesObject): string[] =>
  (annotations[`${ARGOCD}sync-options`] ?? '').split(',').map((option) => option.trim());

/** Whether an object, or else its Application, has an option. */
export const hasOption = (object: KubernetesObject, { options }: SyncPolicy, option: string): boolean =>
  optionsOf(object).includes(option) || options.includes(option);

/** The value of `Prune` that counts for a live object, `true`, `false` or `confirm`: its own, or the Application's. */
export function pruneOptionOf(object: KubernetesObject, { options }: SyncPolicy): string {
  const option = [...optionsOf(object), ...options].find((each) => each.startsWith('Prune='));
  return option?.slice('Prune='.length) ?? 'true';
}

/** Whether Argo CD runs the object in a phase of each sync, and compares and prunes it never. */
export function isHook({ metadata: { annotations = {} } }: KubernetesObject): boolean {
  const own = annotations[`${ARGOCD}hook`];
  if (own !== undefined) return own.trim() !== 'Skip';
  const helm = annotations['helm.sh/hook'];
  return helm !== undefined && helm !== 'crd-install';
}

/** Whether a hook runs only when the sync has succeeded. */
export function isAfterSync(object: KubernetesObject): boolean {
  const { [`${ARGOCD}hook`]: own, 'helm.sh/hook': helm } = object.metadata.annotations ?? {};
  return isHook(object) && /PostSync|post-(install|upgrade)/.test(own ?? helm ?? '');
}

/** Argo CD updates these even with Replace: to delete one would delete all that is in it, or of its kind. */
const NEVER_REPLACED = ['Namespace', 'CustomResourceDefinition'];

/** Argo CD deletes such an object and creates it again: nothing of it is immutable. */
export function isReplaced(before: KubernetesObject, after: KubernetesObject, policy: SyncPolicy): boolean {
  if (isHook(after)) return true;
  if (NEVER_REPLACED.includes(after.kind)) return false;
  // An option of the object in the cluster counts as well.
  const has = (option: string): boolean => hasOption(after, policy, option) || hasOption(before, policy, option);
  return has('Replace=true') && has('Force=true');
}

/** The sync wave of an object: the smaller ones are applied first, and must be healthy before the next. */
export const waveOf = ({ metadata: { annotations = {} } }: KubernetesObject): number =>
  Number(annotations[`${ARGOCD}sync-wave`] ?? 0) || 0;
