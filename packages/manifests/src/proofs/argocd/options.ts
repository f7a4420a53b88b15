import type { KubernetesObject } from '../../kubernetes/object.ts';
import { nameOf } from '../../kubernetes/object.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { renderedOnly } from '../../render/rendered.ts';
import { objectProblem } from '../location.ts';
import type { ProofContext } from '../proof.ts';

// Argo CD takes an option that it does not know for none, and a wave that is no number for the first: neither is an error.
// The names are those of Argo CD 3.5: gitops-engine/pkg/sync/common/types.go, common/common.go, controller/sync.go.

const ofBoth = (...names: readonly string[]): string[] => names.flatMap((name) => [`${name}=true`, `${name}=false`]);

/** Options of the annotation sync-options, on one object. */
const OF_OBJECTS: readonly string[] = [
  ...ofBoth('ClientSideApplyMigration', 'Force', 'PruneLast', 'Replace', 'ServerSideApply'),
  ...['SkipDryRunOnMissingResource=true', 'Validate=false'],
  ...['Delete=false', 'Delete=confirm', 'Prune=false', 'Prune=confirm'],
];

/** Options of `syncPolicy.syncOptions`, for all objects of an Application. */
const OF_APPLICATIONS: readonly string[] = [
  ...OF_OBJECTS.filter((option) => !option.startsWith('Force=')),
  ...ofBoth('ApplyOutOfSyncOnly'),
  ...['CreateNamespace=true', 'FailOnSharedResource=true', 'RespectIgnoreDifferences=true'],
  ...['background', 'foreground', 'orphan'].map((policy) => `PrunePropagationPolicy=${policy}`),
];

const PREFIX = 'argocd.argoproj.io/';

/** Annotations that steer Argo CD: what their value, or each entry of it, may be. */
const ANNOTATIONS: Readonly<Record<string, readonly string[] | RegExp>> = {
  'compare-options': [
    'IgnoreExtraneous',
    ...['IncludeMutationWebhook=true', 'ServerSideDiff=true', 'ServerSideDiff=false'],
  ],
  hook: ['PreSync', 'Sync', 'PostSync', 'SyncFail', 'PreDelete', 'PostDelete', 'Skip'],
  'hook-delete-policy': ['BeforeHookCreation', 'HookFailed', 'HookSucceeded'],
  'ignore-healthcheck': ['true'],
  'ignore-resource-updates': ['true', 'false'],
  'managed-by-url': /^/,
  'manifest-generate-paths': /^/,
  'sync-options': OF_OBJECTS,
  'sync-wave': /^-?\d+$/,
  // Argo CD's own, on what it renders.
  'tracking-id': /^/,
};

/** Annotations, waves and sync options that Argo CD would ignore without a word. */
export function unknownOptions(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet))
    for (const object of entry.objects)
      for (const { keys, rule } of problemsOf(object))
        found.push(objectProblem(root, entry, { object: nameOf(object), path: keys.join('.'), rule }, keys));
  return found;
}

interface Finding {
  readonly keys: readonly string[];
  readonly rule: string;
}

function problemsOf(object: KubernetesObject): Finding[] {
  const found = annotationProblems(object.metadata.annotations, ['metadata', 'annotations']);
  if (object.kind !== 'ApplicationSet') return found;
  const { template } = object.spec as { template?: Partial<Template> };
  const keys = ['spec', 'template', 'metadata', 'annotations'];
  found.push(...annotationProblems(template?.metadata?.annotations, keys));
  for (const option of template?.spec?.syncPolicy?.syncOptions ?? [])
    if (!OF_APPLICATIONS.includes(option))
      found.push({
        keys: ['spec', 'template', 'spec', 'syncPolicy', 'syncOptions'],
        rule: `unknown option ${option}; Argo CD ignores it. Known: ${OF_APPLICATIONS.join(', ')}`,
      });
  return found;
}

interface Template {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly syncPolicy?: { readonly syncOptions?: readonly string[] } };
}

function annotationProblems(
  annotations: Readonly<Record<string, unknown>> | undefined,
  path: readonly string[],
): Finding[] {
  const found: Finding[] = [];
  for (const [annotation, value] of Object.entries(annotations ?? {}))
    // A value of another type is refused by the schema.
    if (annotation.startsWith(PREFIX) && typeof value === 'string')
      for (const rule of rulesOf(annotation.slice(PREFIX.length), value))
        found.push({ keys: [...path, annotation], rule });
  return found;
}

function rulesOf(name: string, value: string): string[] {
  const known = Object.hasOwn(ANNOTATIONS, name) ? ANNOTATIONS[name] : undefined;
  if (known === undefined)
    return [`unknown annotation; Argo CD ignores it. Known: ${Object.keys(ANNOTATIONS).join(', ')}`];
  if (known instanceof RegExp)
    return known.test(value)
      ? []
      : [`must be a whole number, such as -1; Argo CD takes any other for 0 (it is "${value}")`];
  const options = value.split(',').map((part) => part.trim());
  return options
    .filter((option) => !known.includes(option))
    .map((option) => `unknown option ${option}; Argo CD ignores it. Known: ${known.join(', ')}`);
}
