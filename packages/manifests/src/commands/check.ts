import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command } from '@gitops/report/command-line';
import { clusterNames, readCluster, readClusters, SettingsError } from '@gitops/settings';
import { readSlo, SLO_FILE } from '@gitops/settings/slo';
import { valueAt } from '@gitops/settings/yaml-file';
import { isExactVersion } from '@gitops/tools/charts';
import { hiddenIn } from '../kubernetes/secret-values.ts';
import type { Proof } from '../proofs/proof.ts';
import type { Chart } from '../render/chart.ts';
import { declarationOf } from '../render/declaration.ts';
import { type FleetApplication, type FleetOptions, labelOf, renderFleet, RootError } from '../render/fleet.ts';
import { readValueSchema, schemaAt } from '../render/flips.ts';
import { helmProblems } from '../render/helm-problems.ts';
import type { Renderer } from '../render/renderer.ts';
import { clusterFolders, treeProblems, unreadFiles } from '../render/tree.ts';
import { missingChartOf, valueFilesRead } from '../render/unchecked.ts';
import { unknownValues } from '../render/unknown-values.ts';
import { type Layer, layersOf, merged, positionOf } from '../render/values.ts';
import { warnOfUnchecked, withWorkspace } from './workspace.ts';

export default command({
  summary: 'find everything that is wrong with charts, values and applications',
  options: {},
  without: { cluster: 'it always checks every cluster', app: 'it always checks every application' },
  run: async ({ json, print, fail }) =>
    withWorkspace(async ({ root, renderer, proofs }) => {
      const { problems, fleet } = await check(renderer, root, proofs.capabilities, proofs.all);
      const unchecked = fleet.filter((entry) => missingChartOf(entry) !== undefined);
      const checked = fleet.filter((entry) => missingChartOf(entry) === undefined);
      const count = unchecked.length === 0 ? fleet.length : `${checked.length} of ${fleet.length}`;
      if (json)
        print(JSON.stringify({ problems, applications: checked.map(labelOf), unchecked: unchecked.map(labelOf) }));
      else if (problems.length > 0) print(problems.join('\n'));
      else print(`${count} applications of ${clusterNames(root).length} clusters: no problems`);
      warnOfUnchecked(unchecked);
      if (problems.length > 0) fail(`${problems.length} problem${problems.length === 1 ? '' : 's'}`);
    }),
});

/** What a check of the whole tree found. */
export interface CheckResult {
  /** One line each, `file:line: key: rule`, sorted; empty where all is well. */
  readonly problems: readonly string[];
  /** The fleet as far as it could be rendered. */
  readonly fleet: readonly FleetApplication[];
}

/**
 * Checks everything that Argo CD would read: the files' form, the clusters' settings and objectives, that every values file is read
 * and every file that is read exists, that all Applications render, and then every proof over what was rendered. All
 * problems are reported at once; only what an unreadable file makes impossible is left out.
 */
export async function check(
  renderer: Renderer,
  root: string,
  capabilities: FleetOptions['capabilities'],
  proofs: readonly Pick<Proof, 'name' | 'follows' | 'prove'>[] = [],
): Promise<CheckResult> {
  const problems = new Set(treeProblems(root));
  const folders = clusterFolders(root);
  /** Whether a file could be read; its problems are noted otherwise. */
  const isReadable = (read: () => unknown): boolean => {
    try {
      read();
      return true;
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      for (const problem of error.problems) problems.add(problem);
      return false;
    }
  };
  const clusters = clusterNames(root).filter((name) => isReadable(() => readCluster(root, name)));
  // What one cluster's settings cannot say: networks that several share.
  isReadable(() => readClusters(root));
  const hasObjectives = isReadable(() => readSlo(root));

  let fleet: FleetApplication[] = [];
  try {
    fleet = await renderFleet(renderer, root, { clusters, capabilities });
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.add(error.message);
  }
  const read = new Set<string>();
  for (const entry of fleet) {
    for (const file of valueFilesRead(entry)) read.add(file);
    for (const problem of applicationProblems(root, entry))
      // The objectives are values of an Application too, whose chart would report them again.
      if (hasObjectives || !problem.startsWith(`${SLO_FILE}:`)) problems.add(problem);
  }
  // Which files are read is known only for the whole fleet.
  if (
    clusters.length === folders.length &&
    fleet.length > 0 &&
    fleet.every(({ application }) => application.spec.project !== '')
  ) {
    for (const problem of unreadFiles(root, read)) problems.add(problem);
  }
  const broken = new Set<string>();
  for (const { name, follows = [], prove } of proofs) {
    if (follows.some((other) => broken.has(other))) continue;
    const found = await prove(fleet);
    if (found.length > 0) broken.add(name);
    for (const problem of found) problems.add(problem);
  }
  return { problems: [...problems].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })), fleet };
}

/** What is wrong with the values of an Application, or why it does not render, each at the line that has to change. */
function applicationProblems(root: string, entry: FleetApplication): string[] {
  const declaration = declarationOf(root, entry.application.metadata.name);
  if (missingChartOf(entry) !== undefined) return uncheckedProblems(root, entry, declaration);
  const layers = layersOf(root, entry.chart, declaration);
  const unreadable = layers.flatMap((layer) => layer.problems);
  if (unreadable.length > 0)
    return unreadable.map((problem) =>
      problem.endsWith(': does not exist') ? `${problem}; ${declaration} names it for ${labelOf(entry)}` : problem,
    );
  // A chart of ours refuses them itself, by its schema.
  const unknown =
    entry.chart?.isUpstream === true
      ? unknownValues(entry.chart.name, layers).map(({ keys, rule }) => valueProblem(layers, keys, rule, entry))
      : [];
  if (entry.rendered.ok || unknown.length > 0) return unknown;
  const { chart } = entry;
  return helmProblems(entry.rendered.error).map(({ keys, place, rule }) => {
    if (keys !== undefined)
      return valueProblem(layers, keys, nameInWords(chart, keys, inWords(chart, keys, rule)), entry);
    return place === undefined
      ? `${declaration}:1: ${labelOf(entry)}: ${rule}`
      : `${join(chart === undefined ? '.' : dirname(chart.label), place)}: the template: ${rule}`;
  });
}

/** What can be checked of an Application without its chart. */
function uncheckedProblems(root: string, entry: FleetApplication, declaration: string): string[] {
  const problems = valueFilesRead(entry)
    .filter((file) => !existsSync(join(root, file)))
    .map((file) => `${file}:1: the file: does not exist; ${declaration} names it for ${labelOf(entry)}`);
  const version = missingChartOf(entry)?.version ?? '';
  if (!isExactVersion(version))
    problems.push(`${declaration}:1: ${labelOf(entry)}: targetRevision must be one exact version (it is ${version})`);
  return problems;
}

/** A pattern is for machines, and a bound has its reason; the schema's description explains both. */
function inWords(chart: Chart | undefined, keys: readonly string[], rule: string): string {
  if (chart === undefined || !/does not match pattern|^(minimum|maximum):/.test(rule)) return rule;
  const description = schemaAt(readValueSchema(chart.folder), keys)?.description;
  return description === undefined ? rule : `must be ${description}`;
}

/** An unknown key of a map whose keys the user names: what the schema says of the map. */
function nameInWords(chart: Chart | undefined, keys: readonly string[], rule: string): string {
  if (chart === undefined || rule !== 'unknown value') return rule;
  const map = schemaAt(readValueSchema(chart.folder), keys.slice(0, -1));
  if (map?.patternProperties === undefined || map.description === undefined) return rule;
  return `${rule}: ${keys.slice(0, -1).join('.')} holds ${map.description}`;
}

/** A problem with a value, at the file and line that set it. */
function valueProblem(
  layers: readonly Layer[],
  keys: readonly string[],
  rule: string,
  entry: Pick<FleetApplication, 'cluster' | 'application'>,
): string {
  const value = valueAt(merged(layers), keys);
  const shown =
    value === undefined || /\([^)]*\)$/.test(rule)
      ? ''
      : ` (it is ${JSON.stringify(hiddenIn(keys.at(-1) ?? '', value))})`;
  const file =
    layers.findLast(({ kind }) => kind === 'values file')?.file ?? `clusters/${entry.cluster.name}/cluster.yaml`;
  return `${positionOf(layers, keys) ?? `${file}:1`}: ${keys.join('.')}: ${rule}${shown}`;
}
