import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { LineCounter, parseDocument, isMap, type Document } from 'yaml';
import { AwsCluster, LocalCluster, type ClusterSettings } from './schema.ts';

export type { ClusterSettings } from './schema.ts';

const SHARED = 'shared';

/** Everything that is wrong with the settings of a cluster, one line each: `file:line: key: rule (value)`. */
export class SettingsError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'SettingsError';
    this.problems = problems;
  }
}

/** The clusters of the repository: every folder below clusters/ with a cluster.yaml, but for the shared one. Sorted. */
export function clusterNames(root: string): string[] {
  return readdirSync(join(root, 'clusters'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== SHARED && existsSync(join(root, 'clusters', entry.name, 'cluster.yaml')))
    .map((entry) => entry.name)
    .sort();
}

interface SettingsFile {
  readonly path: string;
  readonly document: Document;
  readonly content: Record<string, unknown>;
  readonly lines: LineCounter;
}

function readFile(root: string, path: string): SettingsFile {
  const absolute = join(root, path);
  if (!existsSync(absolute)) throw new SettingsError([`${path}: there is no such file`]);
  const text = readFileSync(absolute, 'utf8');
  if (text.startsWith('\uFEFF')) throw new SettingsError([`${path}:1: begins with a byte order mark; save it as plain UTF-8`]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, prettyErrors: false });
  const problems = [...document.errors, ...document.warnings].map((error) => `${path}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
  if (problems.length > 0) throw new SettingsError(problems);
  if (!isMap(document.contents)) throw new SettingsError([`${path}:1: must be a map of settings`]);
  return { path, document, lines, content: document.toJS() as Record<string, unknown> };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps are merged key by key; anything else of the later file takes the place of the earlier one's. */
function merge(below: Record<string, unknown>, above: Record<string, unknown>): Record<string, unknown> {
  const result = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = result[key];
    result[key] = isObject(under) && isObject(value) ? merge(under, value) : value;
  }
  return result;
}

/** Where a key stands: in the last of the files that has it, else where its parent stands, else in the last file. */
function position(files: readonly SettingsFile[], keys: readonly string[]): string {
  for (let length = keys.length; length > 0; length -= 1) {
    for (const file of [...files].reverse()) {
      const node = file.document.getIn(keys.slice(0, length), true) as { range?: [number, number, number] } | undefined;
      if (node?.range !== undefined) return `${file.path}:${file.lines.linePos(node.range[0]).line}`;
    }
  }
  return `${files.at(-1)?.path ?? ''}:1`;
}

/**
 * The settings of one cluster: clusters/<name>/cluster.yaml laid over clusters/shared/cluster.yaml, checked.
 * @param root the repository's folder
 * Throws SettingsError with every problem at once.
 */
export function readCluster(root: string, name: string): ClusterSettings {
  const files = [SHARED, name].map((folder) => readFile(root, `clusters/${folder}/cluster.yaml`));
  const settings = files.reduce<Record<string, unknown>>((below, { content }) => merge(below, content), {});
  const problem = (keys: readonly string[], rule: string, value?: unknown): string =>
    `${position(files, keys)}: ${keys.join('.') || 'the file'}: ${rule}${value === undefined ? '' : ` (it is ${JSON.stringify(value)})`}`;

  if (settings.provider !== 'aws' && settings.provider !== 'local') throw new SettingsError([problem(['provider'], 'must be aws or local', settings.provider)]);
  const schema = settings.provider === 'aws' ? AwsCluster : LocalCluster;
  const problems = Value.Errors(schema, settings).flatMap((error) => {
    const keys = error.instancePath.split('/').slice(1);
    const value = keys.reduce<unknown>((inner, key) => (isObject(inner) || Array.isArray(inner) ? (inner as Record<string, unknown>)[key] : undefined), settings);
    if (error.keyword === 'additionalProperties') return error.params.additionalProperties.map((key) => problem([...keys, key], 'is no setting of this kind of cluster'));
    if (error.keyword === 'required') return error.params.requiredProperties.map((key) => problem([...keys, key], 'is missing'));
    // The reason behind an additionalProperties that is already told.
    if (error.keyword === 'boolean') return [];
    return [problem(keys, error.message, value)];
  });
  if (settings.name !== name) problems.push(problem(['name'], `must be the folder's name, ${name}`, settings.name));
  if (problems.length === 0 && settings.provider === 'aws') problems.push(...nodeGroupProblems(settings as unknown as ClusterSettings, problem));
  if (problems.length > 0) throw new SettingsError(problems);
  return settings as unknown as ClusterSettings;
}

function nodeGroupProblems(settings: ClusterSettings, problem: (keys: readonly string[], rule: string, value?: unknown) => string): string[] {
  if (settings.provider !== 'aws') return [];
  const { minSize, desiredSize, maxSize } = settings.nodeGroup;
  return minSize <= desiredSize && desiredSize <= maxSize ? [] : [problem(['nodeGroup', 'desiredSize'], `must lie between minSize ${minSize} and maxSize ${maxSize}`, desiredSize)];
}

/** What Argo CD is told of the cluster it runs in. */
export interface ClusterFacts {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly repoURL: string; readonly repoRevision: string; readonly imageRegistry: string };
}

/**
 * The labels and annotations of the cluster's own Secret in Argo CD, from which ApplicationSets take all that differs.
 * This is the one home of these keys. Annotation keys are plain words without prefix or dash, since a template can then
 * write `.metadata.annotations.repoURL`, where a missing key is an error; `index` on a map gives an empty text instead.
 * @param overrides.repoURL the address of a local Git server, in place of the settings'
 */
export function clusterFacts(settings: ClusterSettings, overrides: { repoURL?: string } = {}): ClusterFacts {
  const { accountId, region } = settings.registry;
  return {
    labels: { 'argocd.argoproj.io/secret-type': 'cluster', cluster: settings.name, provider: settings.provider },
    annotations: {
      repoURL: overrides.repoURL ?? settings.git.repository,
      repoRevision: settings.git.revision,
      // RFC 2606 keeps .invalid from ever resolving: nothing is pulled on the local cluster.
      imageRegistry: settings.provider === 'local' ? 'registry.invalid' : `${accountId}.dkr.ecr.${region}.amazonaws.com`,
    },
  };
}
