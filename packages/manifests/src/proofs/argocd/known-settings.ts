import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FleetApplication } from '../../render/fleet.ts';
import type { ProofContext } from '../proof.ts';
import { argocdSettings, type Section, settingProblem } from './values.ts';

type Kind = 'boolean' | 'duration' | 'number' | 'text';

/** The settings that a release of Argo CD knows. test/write-argocd-settings.ts writes the file. */
interface KnownSettings {
  /** The release. */
  readonly version: string;
  readonly cm: Readonly<Record<string, Kind>>;
  readonly params: Readonly<Record<string, Kind>>;
}

export const KNOWN_SETTINGS = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../../data/argocd-settings.json'), 'utf8'),
) as KnownSettings;

/** Settings that carry a name of our own in their key. */
const NAMED: readonly (readonly [Section, RegExp, Kind | RegExp])[] = [
  ['cm', /^accounts\.[^.]+$/, /^(apiKey|login)(, ?(apiKey|login))?$/],
  ['cm', /^accounts\.[^.]+\.enabled$/, 'boolean'],
  ['cm', /^help\.download\.[^.]+$/, 'text'],
  ['cm', /^kustomize\.(buildOptions|path|version)\.v[\d.]+$/, 'text'],
  ['cm', /^resource\.customizations\.(actions|health|ignoreDifferences|ignoreResourceUpdates|knownTypeFields)\.[^_]+(_[^_]+)?$/, 'text'], // prettier-ignore
  ['cm', /^resource\.customizations\.useOpenLibs\.[^_]+(_[^_]+)?$/, 'boolean'],
  ['rbac', /^policy\.(default|csv|[^.]+\.csv)$/, 'text'],
  ['rbac', /^scopes$/, 'text'],
  ['rbac', /^policy\.matchMode$/, /^(glob|regex)$/],
];

/** What Go's ParseDuration takes, of which Argo CD's own parser knows fewer and days besides. */
const FORMS: Readonly<Record<Kind, { readonly pattern: RegExp; readonly words: string }>> = {
  boolean: { pattern: /^(true|false)$/, words: '"true" or "false"' },
  duration: { pattern: /^(0|(\d+(\.\d+)?(ms|s|m|h))+|\d+d)$/, words: 'a duration such as 90s, 5m or 1h30m' },
  number: { pattern: /^-?\d+(\.\d+)?$/, words: 'a number' },
  text: { pattern: /^/, words: 'text' },
};

/**
 * Settings that this release of Argo CD does not know, and values that it cannot read: it ignores the first, and takes
 * its default for the second, both without an error.
 */
export function unknownSettings(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const problems: string[] = [];
  for (const cluster of new Set(fleet.map((entry) => entry.cluster.name)))
    for (const section of ['cm', 'params', 'rbac'] as const) problems.push(...problemsIn(root, cluster, section));
  return problems;
}

function problemsIn(root: string, cluster: string, section: Section): string[] {
  const problems: string[] = [];
  for (const [key, setting] of argocdSettings(root, cluster, section)) {
    const rule = settingRule(section, key, setting.value);
    if (rule !== undefined) problems.push(settingProblem(section, key, { ...setting, textOffset: 0 }, rule));
  }
  return problems;
}

function settingRule(section: Section, key: string, value: string): string | undefined {
  const own =
    section !== 'rbac' && Object.hasOwn(KNOWN_SETTINGS[section], key) ? KNOWN_SETTINGS[section][key] : undefined;
  const kind = own ?? NAMED.find(([of, name]) => of === section && name.test(key))?.[2];
  if (kind === undefined) return `unknown setting of Argo CD ${KNOWN_SETTINGS.version}`;
  const form = kind instanceof RegExp ? { pattern: kind, words: `of the form ${kind.source}` } : FORMS[kind];
  return form.pattern.test(value) ? undefined : `must be ${form.words} (it is ${JSON.stringify(value)})`;
}
