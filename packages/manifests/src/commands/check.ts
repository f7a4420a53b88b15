import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { command } from '@gitops/report/command-line';
import { clusterNames, readCluster, readClusters, SettingsError, versionProblems } from '@gitops/settings';
import { readSlo, SLO_FILE } from '@gitops/settings/slo';
import { valueAt } from '@gitops/settings/yaml-file';
import { isExactVersion } from '@gitops/tools/charts';
import { hiddenIn } from '../kubernetes/secret-values.ts';
import { ask, type Unasked, unaskedLine } from '../proofs/ask.ts';
import { objectProblem } from '../proofs/location.ts';
import type { Proof } from '../proofs/proof.ts';
import type { Chart } from '../render/chart.ts';
import { declarationOf } from '../render/declaration.ts';
import { type FleetApplication, type FleetOptions, labelOf, renderFleet, RootError } from '../render/fleet.ts';
import { readValueSchema, schemaAt } from '../render/flips.ts';
import { helmProblems } from '../render/helm-problems.ts';
import { type Renderer, sourcesOf } from '../render/renderer.ts';
import { clusterFolders, filesBelow, treeProblems, unreadFiles } from '../render/tree.ts';
import { missingChartOf, valueFilesRead } from '../render/unchecked.ts';
import { unknownValues } from '../render/unknown-values.ts';
import { type Layer, layersOf, merged, positionOf } from '../render/values.ts';
import { together } from './together.ts';
import { warnOfUnchecked, withWorkspace } from './workspace.ts';

export default command({
  summary: 'find everything that is wrong with charts, values and applications',
  options: {},
  without: { cluster: 'it always checks every cluster', app: 'it always checks every application' },
  run: async ({ json, print, fail }) =>
    withWorkspace(async ({ root, renderer, proofs }) => {
      const { problems, unasked, fleet } = await check(renderer, root, proofs.capabilities, proofs.all);
      const unchecked = fleet.filter((entry) => missingChartOf(entry) !== undefined);
      const checked = fleet.filter((entry) => missingChartOf(entry) === undefined);
      const count = unchecked.length === 0 ? fleet.length : `${checked.length} of ${fleet.length}`;
      if (json)
        print(
          JSON.stringify({ problems, unasked, applications: checked.map(labelOf), unchecked: unchecked.map(labelOf) }),
        );
      else if (problems.length > 0) print(problems.join('\n'));
      else print(`${count} applications of ${clusterNames(root).length} clusters: no problems`);
      warnOfUnchecked(unchecked);
      const notAsked = unaskedLine(unasked);
      if (notAsked !== undefined) process.stderr.write(`${notAsked}\n`);
      if (problems.length > 0) fail(`${problems.length} problem${problems.length === 1 ? '' : 's'}`);
    }),
});

/** What a check of the whole tree found. */
export interface CheckResult {
  /**
   * One line each, `file:line: key: rule`, sorted; empty where all is well. What is the same for several Applications is one
   * line.
   */
  readonly problems: readonly string[];
  /** The proofs that would only report consequences of these problems. */
  readonly unasked: readonly Unasked[];
  /** The fleet as far as it could be rendered. */
  readonly fleet: readonly FleetApplication[];
}

/**
 * Checks everything that Argo CD would read: the files' form, the clusters' settings and objectives, that every values file is read
 * and every file that is read exists, that all Applications render, and then every proof over what was rendered. All
 * problems are reported at once; left out is what would only follow from a file that cannot be read, or an Application
 * that does not render.
 */
export async function check(
  renderer: Renderer,
  root: string,
  capabilities: FleetOptions['capabilities'],
  proofs: readonly Proof[] = [],
): Promise<CheckResult> {
  const problems = new Set(treeProblems(root));
  const unreadable = new Set([...problems].map((problem) => problem.slice(0, problem.indexOf(':'))));
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
  const readable = clusters.map((name) => readCluster(root, name));
  for (const problem of versionProblems(root, readable)) problems.add(problem);
  const hasObjectives = isReadable(() => readSlo(root));

  let fleet: FleetApplication[] = [];
  try {
    fleet = await renderFleet(renderer, root, { clusters, capabilities });
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    problems.add(error.message);
  }
  const read = new Set<string>();
  /** Whether it is known what an Application renders. What a chart would that is not on this machine, no proof misses. */
  const isUnknown = (entry: FleetApplication): boolean =>
    (!entry.rendered.ok && missingChartOf(entry) === undefined) ||
    filesOf(root, entry).some((file) => unreadable.has(file));
  /** What Argo CD says of ApplicationSets that it cannot read, by their file: a proof may know the field. */
  const refusals = new Map<string, string[]>();
  for (const entry of fleet) {
    for (const file of valueFilesRead(entry)) read.add(file);
    if (manifestsOf(root, entry).some((file) => unreadable.has(file))) continue;
    const found = applicationProblems(root, entry);
    if (entry.application.spec.project === '') {
      const file = declarationOf(root, entry.application.metadata.name);
      refusals.set(file, [...(refusals.get(file) ?? []), ...found]);
      continue;
    }
    for (const problem of found)
      // The objectives are values of an Application too, whose chart would report them again.
      if (hasObjectives || !problem.startsWith(`${SLO_FILE}:`)) problems.add(problem);
  }
  const hasAllClusters = clusters.length === folders.length && fleet.length > 0;
  // Which files are read is known only where every root renders, and every ApplicationSet generates.
  if (hasAllClusters && fleet.every((entry) => !leadsToOthers(entry) || !isUnknown(entry)))
    for (const problem of unreadFiles(root, read)) problems.add(problem);
  const answers = await ask(proofs, fleet, { isUnknown, hasAllClusters });
  for (const problem of answers.problems) problems.add(problem);
  for (const [file, found] of refusals)
    if (!answers.problems.some((problem) => problem.startsWith(`${file}:`)))
      for (const problem of found) problems.add(problem);
  return { problems: together(problems, new Set(fleet.map(labelOf))), unasked: answers.unasked, fleet };
}

/** The files of this repository that an Application renders. */
const manifestsOf = (root: string, { application }: FleetApplication): string[] =>
  sourcesOf(application).flatMap(({ path }) => (path === undefined ? [] : filesBelow(root, path)));

const filesOf = (root: string, entry: FleetApplication): string[] => [
  ...valueFilesRead(entry),
  ...manifestsOf(root, entry),
];

/** Root, and what stands for an ApplicationSet that generates nothing. */
const leadsToOthers = ({ application }: FleetApplication): boolean =>
  application.metadata.name === 'root' || application.spec.project === '';

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
  return helmProblems(entry.rendered.error).map(({ keys, object, place, rule }) => {
    if (object !== undefined && keys !== undefined)
      return objectProblem(root, entry, { object, path: keys.join('.'), rule }, keys);
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
