import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Test } from 'tap';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { progressTo } from '@gitops/report/progress';
import { clusterFacts, readCluster } from '@gitops/settings';
import { ensureTools } from '@gitops/tools/tools';

export const root = resolve(import.meta.dirname, '../../..');

const quiet = { ...progressTo(), note: () => undefined };
const { bin } = await ensureTools(quiet, { verify: false, builds: ['stack', 'prometheus', 'alertmanager'] });

/** Runs helm, promtool or amtool. */
export function tool(name: 'helm' | 'promtool' | 'amtool', ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(bin, name), args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status, output: `${stdout}${stderr}`, stdout };
}

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Group {
  readonly name: string;
  readonly interval?: string;
  readonly rules: readonly Rule[];
}

/** What charts/monitoring renders for a cluster; the fields that the tests read. */
export interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly groups: readonly Group[] };
  readonly stringData: Readonly<Record<string, string>>;
}

interface ApplicationSet {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly source: {
          readonly path: string;
          readonly helm: {
            readonly releaseName: string;
            readonly valueFiles: readonly string[];
            readonly parameters: readonly { readonly name: string; readonly value: string }[];
          };
        };
      };
    };
  };
}

/**
 * The arguments of Helm by which Argo CD renders charts/monitoring for a cluster: the ApplicationSet's own values files
 * and parameters, the latter from the cluster's facts.
 * @param folder a copy of the repository
 */
export function helmArguments(cluster: string, folder = root): string[] {
  const file = join(folder, 'argocd/applications/monitoring.yaml');
  const { path, helm } = (parse(readFileSync(file, 'utf8')) as ApplicationSet).spec.template.spec.source;
  const { labels, annotations } = clusterFacts(readCluster(root, cluster));
  const facts: Readonly<Record<string, string | undefined>> = { ...annotations, cluster: labels.cluster };
  const filled = (text: string): string =>
    text.replaceAll(/\{\{ \.metadata\.(?:labels|annotations)\.(\w+)[^}]* \}\}/g, (_, key: string) => facts[key] ?? '');
  return [
    'template',
    helm.releaseName,
    join(folder, path),
    ...helm.valueFiles.flatMap((name) => ['--values', join(folder, filled(name))]),
    ...helm.parameters.flatMap(({ name, value }) => ['--set-string', `${name}=${filled(value)}`]),
  ];
}

const known = new Map<string, Rendered[]>();

/** The objects of charts/monitoring for a cluster. Throws what Helm says where there are none. */
export function rendered(cluster: string): Rendered[] {
  const objects = known.get(cluster) ?? render(cluster);
  known.set(cluster, objects);
  return objects;
}

function render(cluster: string): Rendered[] {
  const { status, output, stdout } = tool('helm', ...helmArguments(cluster));
  if (status !== 0) throw new Error(output);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

/** The groups of all rules of a cluster, or of one PrometheusRule. */
export const groupsOf = (cluster: string, name?: string): Group[] =>
  rendered(cluster)
    .filter(({ kind, metadata }) => kind === 'PrometheusRule' && (name === undefined || metadata.name === name))
    .flatMap(({ spec }) => spec.groups);

/** All alerts of a cluster. */
export const alertsOf = (cluster: string): Rule[] =>
  groupsOf(cluster).flatMap(({ rules }) => rules.filter(({ alert }) => alert !== undefined));

/** Runs promtool's unit tests on some groups; what it prints where one fails. */
export function promtoolTest(t: Test, groups: readonly Group[], tests: readonly object[], interval: string): string {
  const folder = t.testdir({});
  writeFileSync(join(folder, 'rules.yaml'), stringify({ groups }));
  writeFileSync(
    join(folder, 'test.yaml'),
    stringify({ rule_files: ['rules.yaml'], evaluation_interval: interval, tests }),
  );
  const { status, output } = tool('promtool', 'test', 'rules', join(folder, 'test.yaml'));
  return status === 0 ? '' : output;
}
