import { parseAllDocuments } from 'yaml';
import { read } from './tree.ts';

// What Renovate finds in the tree by .github/renovate.json. Renovate itself is too large to install here: its custom
// managers are evaluated as they stand in the settings, and each of its own managers is imitated by a few lines.

/** A version that Renovate finds. */
export interface Dependency {
  readonly manager: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly name: string;
  readonly version: string;
}

export interface CustomManager {
  readonly managerFilePatterns: readonly string[];
  readonly matchStrings: readonly string[];
  readonly depNameTemplate?: string;
  readonly datasourceTemplate: string;
}

export interface PackageRule {
  readonly matchPackageNames?: readonly string[];
  readonly matchFileNames?: readonly string[];
  readonly matchManagers?: readonly string[];
  readonly enabled?: boolean;
}

export interface Settings {
  readonly enabledManagers: readonly string[];
  readonly argocd: { readonly managerFilePatterns: readonly string[] };
  readonly customManagers: readonly CustomManager[];
  readonly packageRules: readonly PackageRule[];
}

export const settings = JSON.parse(read('.github/renovate.json')) as Settings;

/** One of Renovate's own managers: the files that it reads by default, and what it finds in one. */
interface Manager {
  readonly files: RegExp;
  readonly find: (text: string) => readonly { readonly name: string; readonly version: string; readonly at: number }[];
}

const managers: Readonly<Record<string, Manager>> = {
  npm: {
    files: /(^|\/)package\.json$/,
    find: (text) => [
      ...matches(text, /^ {4}"(?<name>[^"]+)": "(?:npm:[^"]+@)?(?<version>\d[^"]*)"/gm),
      ...matches(text, /^ {2}"packageManager": "(?<name>\w+)@(?<version>[^"]+)"/gm),
    ],
  },
  gomod: {
    files: /(^|\/)go\.mod$/,
    find: (text) => [
      ...matches(text, /^(?<name>go) (?<version>[\d.]+)$/gm),
      ...matches(text, /^(?:\t|require |replace \S+ => )(?<name>\S+) (?<version>v\S+)/gm),
    ],
  },
  dockerfile: {
    files: /(^|\/)Dockerfile$/,
    find: (text) => matches(text, /^(?:ARG \w+=|FROM )(?<name>[\w./-]+):(?<version>\S+)/gm),
  },
  'docker-compose': {
    files: /(^|\/)(?:docker-)?compose[^/]*\.ya?ml$/,
    find: (text) => matches(text, /^ +image: (?<name>[\w./-]+):(?<version>v?\d\S*)/gm),
  },
  'github-actions': {
    files: /^\.github\/(workflows|actions)\/.+\.ya?ml$/,
    find: (text) => matches(text, /uses: (?<name>[\w.-]+\/[\w.-]+)@[0-9a-f]{40} # (?<version>v[\d.]+)$/gm),
  },
  pip_requirements: {
    files: /(^|\/)[\w-]*requirements([-._]\w+)?\.txt$/,
    find: (text) => matches(text, /^(?<name>[\w-]+)==(?<version>[\d.]+)/gm),
  },
  argocd: {
    files: pattern(settings.argocd.managerFilePatterns[0] ?? ''),
    find: (text) =>
      chartsOf(text).map(({ chart, targetRevision }) => ({
        name: chart,
        version: targetRevision,
        at: text.indexOf(targetRevision, text.indexOf(`chart: ${chart}`)),
      })),
  },
};

/** What Renovate's own managers find in some files. */
export function byManagers(files: readonly string[]): Dependency[] {
  const found: Dependency[] = [];
  for (const name of settings.enabledManagers.filter((each) => each !== 'custom.regex')) {
    const manager = managers[name];
    if (manager === undefined) throw new Error(`packages/verify/test/dependencies.ts does not imitate manager ${name}`);
    for (const file of files.filter((each) => manager.files.test(each))) {
      const text = read(file);
      for (const { at, ...rest } of manager.find(text))
        found.push({ manager: name, file, line: lineAt(text, at), ...rest });
    }
  }
  return found;
}

/** What one of the custom managers finds in some files. */
export function byCustomManager(manager: CustomManager, files: readonly string[]): Dependency[] {
  const patterns = manager.managerFilePatterns.map(pattern);
  const found: Dependency[] = [];
  for (const file of files.filter((each) => patterns.some((one) => one.test(each)))) {
    const text = read(file);
    for (const matchString of manager.matchStrings) {
      for (const match of text.matchAll(new RegExp(matchString, 'gd'))) {
        const [start = 0] = match.indices?.groups?.currentValue ?? [];
        found.push({
          manager: 'custom.regex',
          file,
          line: lineAt(text, start),
          name: manager.depNameTemplate ?? match.groups?.depName ?? '',
          version: match.groups?.currentValue ?? '',
        });
      }
    }
  }
  return found;
}

/** A pattern of Renovate's settings, `/^clusters\/.+$/`. */
function pattern(text: string): RegExp {
  const [, body] = /^\/(.*)\/$/s.exec(text) ?? [];
  if (body === undefined) throw new Error(`.github/renovate.json: ${text} is no pattern between slashes`);
  return new RegExp(body);
}

function matches(text: string, regex: RegExp): { name: string; version: string; at: number }[] {
  return [...text.matchAll(new RegExp(regex, `${regex.flags}d`))].map((match) => ({
    name: match.groups?.name ?? '',
    version: match.groups?.version ?? '',
    at: match.indices?.groups?.version?.[0] ?? 0,
  }));
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;

interface Chart {
  readonly chart: string;
  readonly targetRevision: string;
}

/** The charts of the Applications and ApplicationSets in a file. */
function chartsOf(text: string): Chart[] {
  interface Spec {
    readonly source?: Partial<Chart>;
    readonly sources?: readonly Partial<Chart>[];
  }
  const charts: Chart[] = [];
  for (const document of parseAllDocuments(text)) {
    const { spec = {} } = document.toJS() as { spec?: Spec & { template?: { spec: Spec } } };
    const { source = {}, sources = [source] } = spec.template?.spec ?? spec;
    for (const { chart, targetRevision } of sources)
      if (chart !== undefined && targetRevision !== undefined) charts.push({ chart, targetRevision });
  }
  return charts;
}
