import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { rootInstallation } from '../../render/installations.ts';
import { type RenderedApplication, renderedOnly } from '../../render/rendered.ts';
import { type Key, objectProblem } from '../location.ts';
import type { ProofContext } from '../proof.ts';
import { argocdSettings, settingProblem } from './values.ts';

/** The one field of an Application that belongs to on-call: README.md, "Why a rollback stays". */
export const SWITCH = '/spec/syncPolicy/automated/enabled';

/** ApplicationSets whose Applications go when the generator no longer lists them, and why nothing is lost then. */
const TEMPORARY: Readonly<Record<string, string>> = {
  previews: 'a preview ends with its pull request',
  'preview-namespaces': 'the namespace of a preview goes with it',
};

/** The projects of ApplicationSets that services need, and of those that need them. */
const FIRST = 'controllers';
const AFTERWARDS = ['services', 'previews'];

interface ApplicationSet extends KubernetesObject {
  readonly spec: {
    readonly syncPolicy?: { readonly applicationsSync?: string; readonly preserveResourcesOnDeletion?: boolean };
    readonly ignoreApplicationDifferences?: readonly object[];
    readonly template?: {
      readonly metadata?: { readonly finalizers?: readonly string[] };
      readonly spec?: { readonly project?: string; readonly syncPolicy?: { readonly automated?: Automated } };
    };
  };
}

interface Automated {
  readonly prune?: boolean;
  readonly selfHeal?: boolean;
}

/** Where a rule is broken. */
type Report = (keys: readonly Key[], rule: string) => void;

/**
 * What would take the switch from on-call, stop what runs, or leave a merge undeployed: ApplicationSets and root break
 * what README.md promises.
 */
export function brokenPromises(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    if (entry.application.metadata.name !== 'root') continue;
    found.push(...ownProblems(root, entry));
    const sets = entry.objects.filter((object): object is ApplicationSet => object.kind === 'ApplicationSet');
    const last = Math.max(...sets.filter((set) => projectOf(set) === FIRST).map(waveOf));
    for (const set of sets) {
      const report: Report = (keys, rule) => {
        found.push(objectProblem(root, entry, { object: nameOf(set), path: keys.join('.'), rule }, keys));
      };
      setProblems(set, report);
      if (AFTERWARDS.includes(projectOf(set)) && waveOf(set) <= last)
        report(
          ['metadata', 'annotations', WAVE],
          `must be ${last + 1} or more, after the controllers that its Applications need (it is ${waveOf(set)})`,
        );
    }
  }
  return [...found, ...settingProblems(fleet, root)];
}

const WAVE = 'argocd.argoproj.io/sync-wave';
const waveOf = ({ metadata }: KubernetesObject): number => Number(metadata.annotations?.[WAVE] ?? 0);
const projectOf = ({ spec }: ApplicationSet): string => spec.template?.spec?.project ?? '';

/** Root's own Application, which its installation renders. */
function ownProblems(root: string, entry: RenderedApplication): string[] {
  const found: string[] = [];
  const installation = { ...entry, application: rootInstallation(entry.cluster) };
  automatedProblems(entry.application, ['spec', 'syncPolicy', 'automated'], (keys, rule) => {
    const problem = { object: nameOf(entry.application), path: keys.join('.'), rule };
    found.push(objectProblem(root, installation, problem, keys));
  });
  return found;
}

function setProblems(set: ApplicationSet, report: Report): void {
  const { syncPolicy = {}, ignoreApplicationDifferences: ignored = [], template } = set.spec;
  if (JSON.stringify(ignored) !== JSON.stringify([{ jsonPointers: [SWITCH] }]))
    report(
      ['spec', 'ignoreApplicationDifferences'],
      `must be exactly jsonPointers: [${SWITCH}], so that a rollback stays and all else follows Git (it is ${JSON.stringify(ignored)})`,
    );
  const isTemporary = Object.hasOwn(TEMPORARY, set.metadata.name);
  const policy = isTemporary ? 'sync' : 'create-update';
  if (syncPolicy.applicationsSync !== policy)
    report(
      ['spec', 'syncPolicy', 'applicationsSync'],
      `must be ${policy}, ${isTemporary ? 'since its Applications are temporary' : 'so that no generator deletes a running Application'} (it is ${syncPolicy.applicationsSync ?? 'absent'})`,
    );
  if (!isTemporary && syncPolicy.preserveResourcesOnDeletion !== true)
    report(
      ['spec', 'syncPolicy', 'preserveResourcesOnDeletion'],
      `must be true: without it, deleting or renaming this ApplicationSet deletes what its Applications run`,
    );
  if (!isTemporary && (template?.metadata?.finalizers ?? []).length > 0)
    report(
      ['spec', 'template', 'metadata', 'finalizers'],
      'must be absent: with it, deleting the Application deletes what it runs',
    );
  automatedProblems(set, ['spec', 'template', 'spec', 'syncPolicy', 'automated'], report);
}

/** Auto-sync is on and undoes changes by hand, and nothing in Git decides about on-call's switch. */
function automatedProblems(object: KubernetesObject, at: readonly Key[], report: Report): void {
  const automated = valueAt(object, at) as Automated | undefined;
  if (automated === undefined) report(at, 'missing: nothing that is merged would be deployed');
  else
    for (const key of ['prune', 'selfHeal'] as const)
      // Text is refused by the schema.
      if (automated[key] === undefined || !automated[key])
        report([...at, key], `must be true (it is ${String(automated[key] ?? 'absent')})`);
  for (const keys of switchesIn(object, []))
    report(keys, 'must be absent: the switch belongs to on-call, and Git would turn it back after a rollback');
}

/** Where an object sets `automated.enabled`, in its template, the template of a generator or a patch. */
function switchesIn(value: unknown, at: readonly Key[]): (readonly Key[])[] {
  if (typeof value === 'string') return at.at(-1) === 'templatePatch' && /\benabled\b/.test(value) ? [at] : [];
  if (typeof value !== 'object' || value === null) return [];
  const found: (readonly Key[])[] = [];
  for (const [key, child] of Object.entries(value)) {
    const keys = [...at, Array.isArray(value) ? Number(key) : key];
    if (key === 'enabled' && at.at(-1) === 'automated') found.push(keys);
    else found.push(...switchesIn(child, keys));
  }
  return found;
}

function valueAt(object: unknown, keys: readonly Key[]): unknown {
  let value = object;
  for (const key of keys) value = (value as Record<Key, unknown> | undefined)?.[key];
  return value;
}

/** Settings of the ApplicationSet controller that count more than what the sets say: the only harmless values, and why. */
const OVERRIDES: Readonly<Record<string, { readonly harmless: readonly string[]; readonly effect: string }>> = {
  'applicationsetcontroller.policy': { harmless: [''], effect: 'it replaces applicationsSync of every ApplicationSet' },
  'applicationsetcontroller.enable.policy.override': {
    harmless: ['', 'true'],
    effect: 'applicationsSync of an ApplicationSet would count nothing',
  },
  'applicationsetcontroller.dryrun': { harmless: ['', 'false'], effect: 'no Application would be created or changed' },
};

function settingProblems(fleet: readonly FleetApplication[], root: string): string[] {
  const found = new Set<string>();
  for (const cluster of new Set(fleet.map((entry) => entry.cluster.name)))
    for (const [key, setting] of argocdSettings(root, cluster, 'params')) {
      const override = Object.hasOwn(OVERRIDES, key) ? OVERRIDES[key] : undefined;
      if (override === undefined || override.harmless.includes(setting.value)) continue;
      const rule = `must be absent: ${override.effect} (it is ${JSON.stringify(setting.value)})`;
      found.add(settingProblem('params', key, { ...setting, textOffset: 0 }, rule));
    }
  return [...found];
}
