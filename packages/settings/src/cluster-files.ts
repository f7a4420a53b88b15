import { Value } from 'typebox/value';
import { CommandError } from '@gitops/report/errors';
import { problemsOf } from './problems.ts';
import { AnyCluster, Cluster, type ClusterSettings, schemaOf } from './schema.ts';
import type { Problem } from './schema-problems.ts';
import { readYamlFile, valueAt, type YamlFile } from './yaml-file.ts';

/** The folder below clusters/ with what clusters have in common. */
export const SHARED = 'shared';

/** Everything that is wrong with the settings of a cluster, one line each: `file:line: key: rule (it is value)`. */
export class SettingsError extends CommandError {
  constructor(problems: readonly string[]) {
    super(problems, 'correct the settings and run the command again');
    this.name = 'SettingsError';
  }
}

/** The checked settings of a cluster, and where they are written. */
export interface ClusterFiles {
  readonly settings: ClusterSettings;
  /** `file:line` of a setting, at the line whose value counts. */
  readonly place: (keys: readonly string[]) => string;
  /** A problem of the cluster as `file:line: key: rule (it is value)`, at the line whose value counts. */
  readonly report: (problem: Problem) => string;
  /** The same, at the cluster's own file: for a value that this cluster has to override. */
  readonly reportHere: (problem: Problem) => string;
}

/**
 * Reads clusters/<name>/cluster.yaml over clusters/shared/cluster.yaml. The shared file may have settings of one kind
 * of cluster, such as the region; clusters of another kind are read without them.
 * @param root the repository's folder
 * Throws SettingsError with every problem at once: those of the files' form, or else, once both are readable, all
 * others.
 */
export function readClusterFiles(root: string, name: string): ClusterFiles {
  const shared = readYamlFile(root, `clusters/${SHARED}/cluster.yaml`);
  const own = readYamlFile(root, `clusters/${name}/cluster.yaml`);
  const unreadable = [...shared.problems, ...own.problems];
  if (unreadable.length > 0) throw new SettingsError(unreadable);

  const settings = merge(withoutOtherKinds(shared.content, own.content.provider), own.content);
  const reportIn =
    (...files: readonly YamlFile[]) =>
    ({ keys, rule }: Problem): string => {
      const value = valueAt(settings, keys);
      const found = value === undefined ? '' : ` (it is ${JSON.stringify(value)})`;
      return `${positionIn(files, keys)}: ${keys.join('.')}: ${rule}${found}`;
    };
  const report = reportIn(own, shared);
  const problems = problemsOf(settings, name);
  if (problems.length > 0 || !Value.Check(Cluster, settings)) throw new SettingsError(problems.map(report));
  return { settings, place: (keys) => positionIn([own, shared], keys), report, reportHere: reportIn(own) };
}

/** `file:line` of a key in the first of the files that has it; else of the nearest key above it. */
function positionIn(files: readonly YamlFile[], keys: readonly string[]): string {
  for (let length = keys.length; length > 0; length -= 1) {
    for (const file of files) {
      const place = file.position(keys.slice(0, length));
      if (place !== undefined) return place;
    }
  }
  return `${files[0]?.path ?? ''}:1`;
}

/** The shared settings without those that only clusters of another kind have. */
function withoutOtherKinds(shared: Record<string, unknown>, provider: unknown): Record<string, unknown> {
  const known = schemaOf(provider).properties;
  const isOfOtherKind = (key: string): boolean =>
    Object.hasOwn(AnyCluster.properties, key) && !Object.hasOwn(known, key);
  return Object.fromEntries(Object.entries(shared).filter(([key]) => !isOfOtherKind(key)));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Maps are merged key by key; any other value of `above` replaces that of `below`. */
function merge(below: Record<string, unknown>, above: Record<string, unknown>): Record<string, unknown> {
  // Entries, not assignments: a key such as __proto__ must stay a key, to be refused as any other unknown one.
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const under = merged.get(key);
    merged.set(key, isObject(under) && isObject(value) ? merge(under, value) : value);
  }
  return Object.fromEntries(merged);
}
