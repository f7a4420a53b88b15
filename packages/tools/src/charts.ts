import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseDocument } from 'yaml';
import type { Progress } from '@gitops/report/progress';
import { cacheFolder, fillFolder } from './cache.ts';
import { downloadModules, EKS_CHARTS, EXTERNAL_SECRETS, type GoModule } from './modules.ts';

/** An upstream chart, named as whoever deploys it names it. */
export interface ChartName {
  /** Its Helm repository. */
  readonly repoURL: string;
  readonly chart: string;
  readonly version: string;
}

/** An upstream chart, and where its source is. */
export interface ChartPin extends ChartName {
  /** The Go module of its Git repository, at a commit at which the chart has this version. */
  readonly module: GoModule;
  /** The chart's folder in the module. */
  readonly folder: string;
  /** The module's folder of CustomResourceDefinitions that the release puts into the chart. */
  readonly crds?: string;
}

/**
 * Every upstream chart that this repository deploys. Clusters fetch them from their Helm repositories; here they are
 * read from the Git repositories behind those, which the Go module proxy serves with a sum, so that rendering them
 * needs no copy in this repository. That a release packed just these files is what a tag promises, and is not proven
 * here.
 */
export const CHART_PINS: readonly ChartPin[] = [
  {
    repoURL: 'https://aws.github.io/eks-charts',
    chart: 'aws-load-balancer-controller',
    version: '3.5.0',
    module: EKS_CHARTS,
    folder: 'stable/aws-load-balancer-controller',
  },
  {
    ...{ repoURL: 'https://kubernetes-sigs.github.io/metrics-server', chart: 'metrics-server', version: '3.13.1' },
    module: {
      path: 'sigs.k8s.io/metrics-server',
      version: 'v0.9.0',
      sum: 'h1:nlqqZ2H0Xfko8eJC/1qaNVVT17hu4rxndkOi22KTZ4w=',
    },
    folder: 'charts/metrics-server',
  },
  // The tag v1.3.2 was set before its chart was raised: it holds chart 1.3.1, which runs v1.3.1, beside the definitions
  // of v1.3.2.
  {
    repoURL: 'https://charts.external-secrets.io',
    chart: 'external-secrets',
    version: '1.3.1',
    module: EXTERNAL_SECRETS,
    folder: 'deploy/charts/external-secrets',
    crds: 'config/crds/bases',
  },
  {
    ...{ repoURL: 'https://argoproj.github.io/argo-helm', chart: 'argo-cd', version: '10.8.0' },
    module: {
      path: 'github.com/argoproj/argo-helm',
      version: 'v0.0.0-20260904222229-3bbb4305eea9',
      sum: 'h1:WwVk8y5P+B0c9yiH8dF0VZtBHpsIWE9dq9osMjul8UM=',
    },
    folder: 'charts/argo-cd',
  },
];

/** The chart that Argo CD itself is installed from. Throws where none is pinned. */
export function argocdChart(): ChartName {
  const pin = CHART_PINS.find(({ chart }) => chart === 'argo-cd');
  if (pin === undefined) throw new Error('CHART_PINS has no argo-cd');
  return pin;
}

/** An upstream chart on this machine. */
export interface LocalChart extends ChartName {
  /** Its folder, with Chart.yaml. */
  readonly folder: string;
}

/**
 * The pinned charts, taken out of their modules where the user's cache folder lacks them. Later runs read nothing but
 * the written files: no Go, no network.
 * @param pins for tests Throws CommandError as downloadModules does, and an Error where a module holds another version
 *   of a chart than the pinned one; nothing half-written is ever found under its final name.
 */
export async function ensureCharts(progress: Progress, pins: readonly ChartPin[] = CHART_PINS): Promise<LocalChart[]> {
  // This file's text as well: what it makes of the modules may change.
  const key = createHash('sha256')
    .update(JSON.stringify(pins))
    .update(readFileSync(import.meta.filename))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cacheFolder(), `charts-${key}`);
  if (!existsSync(folder)) {
    progress.start('charts: fetching the modules that hold them (about 10 MB, once for all clones)');
    const folderOf = await downloadModules(pins.map(({ module }) => module));
    fillFolder(folder, (scratch) => {
      for (const pin of pins) writeChart(pin, folderOf(pin.module), join(scratch, pin.chart));
    });
    progress.done(`charts: ${pins.map(({ chart, version }) => `${chart} ${version}`).join(', ')} (${folder})`);
  }
  return pins.map(({ repoURL, chart, version }) => ({ repoURL, chart, version, folder: join(folder, chart) }));
}

/** The chart as its release has it, but for what is said here. */
function writeChart({ chart, version, folder, crds }: ChartPin, module: string, target: string): void {
  cpSync(join(module, folder), target, { recursive: true });
  // The module cache is read-only, and so are copies of it.
  makeWritable(target);
  const file = join(target, 'Chart.yaml');
  const description = parseDocument(readFileSync(file, 'utf8'));
  const found = [description.get('name'), description.get('version')].join(' ');
  if (found !== `${chart} ${version}`)
    throw new Error(
      `the pinned module of chart ${chart} ${version} holds ${found}; pin the commit of that release in packages/tools/src/charts.ts`,
    );
  // Charts of other repositories, which the modules do not hold: redis-ha of argo-cd and bitwarden-sdk-server of
  // external-secrets. Both are off by default, and without them Helm does not miss them.
  description.delete('dependencies');
  writeFileSync(file, description.toString());
  rmSync(join(target, 'Chart.lock'), { force: true });
  if (crds !== undefined) writeCrds(join(module, crds), join(target, 'templates/crds'));
}

function makeWritable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}

/**
 * As hack/helm.generate.sh of External Secrets does when it makes a release: each definition becomes a template, behind
 * the value that switches it. What that script also lets values change in them (crds.annotations, crds.conversion,
 * crds.unsafeServeV1Beta1) is left out, so that these values do nothing here.
 */
function writeCrds(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)
    .filter((file) => file.endsWith('.yaml'))
    .sort()) {
    const text = readFileSync(join(from, name), 'utf8');
    const { kind, spec } = parse(text) as {
      readonly kind: string;
      readonly spec?: { readonly names: { readonly kind: string } };
    };
    if (kind !== 'CustomResourceDefinition' || spec === undefined) continue;
    const own = /Cluster|PushSecret/.test(spec.names.kind)
      ? `and .Values.installCRDs .Values.crds.create${spec.names.kind}`
      : '.Values.installCRDs';
    writeFileSync(join(to, name), `{{- if ${own} }}\n${text.trimEnd()}\n{{- end }}\n`);
  }
}
