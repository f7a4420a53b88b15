import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type ArgocdStep, argocdSteps } from './argocd-steps.ts';

/** An upstream chart, named as Argo CD names it. */
export interface ChartName {
  /** Its Helm repository: `https://…`, or an OCI registry, with or without `oci://`. */
  readonly repoURL: string;
  readonly chart: string;
  readonly version: string;
}

/** An upstream chart that this repository deploys. */
export interface NamedChart extends ChartName {
  /** The file that names it, from the repository's root. */
  readonly file: string;
}

const APPLICATIONS = 'argocd/applications';
/** The ApplicationSet of Argo CD itself: data for CDKTF, which installs it, the checks and `make charts`. */
export const ARGOCD_FILE = `${APPLICATIONS}/argocd.yaml`;

/** How messages name a chart. */
export const titleOf = ({ repoURL, chart, version }: ChartName): string => `chart ${chart} ${version} of ${repoURL}`;

export const isSameChart = (a: ChartName, b: ChartName): boolean =>
  a.repoURL === b.repoURL && a.chart === b.chart && a.version === b.version;

/** One version and nothing else: no range, no template. */
export const isExactVersion = (version: string): boolean =>
  /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(version);

/** The chart of Argo CD for a cluster, and the version that runs from it. */
export interface ArgocdChart extends NamedChart {
  readonly argocdVersion: string;
}

/** The steps of an upgrade of Argo CD; none where their file is missing or cannot be read. */
export function readArgocdSteps(root: string): ArgocdStep[] {
  const file = join(root, ARGOCD_FILE);
  const [document] = existsSync(file) ? parseAllDocuments(readFileSync(file, 'utf8')) : [];
  return document === undefined || document.errors.length > 0 ? [] : argocdSteps(document.toJS());
}

/**
 * The chart of Argo CD itself for a cluster: the first step of the upgrade that is for it. Throws an Error,
 * `file:line: key: rule`, where the file is missing or incomplete.
 * @param root the repository's folder
 */
export function argocdChart(root: string, cluster: string): ArgocdChart {
  const step = readArgocdSteps(root).find((each) => [cluster, undefined].includes(each.cluster));
  const [source] = step === undefined ? [] : chartsIn(root, ARGOCD_FILE);
  if (source === undefined || step === undefined || step.chart === '' || step.version === '')
    throw new Error(
      `${ARGOCD_FILE}:1: the file: must name the chart of Argo CD, and for ${cluster} its \`chart\` and \`version\``,
    );
  return { ...source, version: step.chart, argocdVersion: step.version };
}

/**
 * Every upstream chart that the repository names in the sources of its ApplicationSets. What cannot be read names none;
 * `make check` reports why.
 * @param root the repository's folder
 */
export function upstreamCharts(root: string): NamedChart[] {
  const folder = join(root, APPLICATIONS);
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const found = files
    .filter((file) => /\.ya?ml$/.test(file))
    .flatMap((file) => chartsIn(root, `${APPLICATIONS}/${file}`));
  return found.filter((chart, index) => found.findIndex((other) => isSameChart(other, chart)) === index);
}

/**
 * Every map of a file, however deep, that names a chart as the source of an Application does. A version that is a value
 * of the generators, `{{ .values.chart }}`, is each of these values.
 */
function chartsIn(root: string, file: string): NamedChart[] {
  const found: NamedChart[] = [];
  const visit = (value: unknown, ofSteps: readonly string[]): void => {
    if (typeof value !== 'object' || value === null) return;
    const { repoURL, chart, targetRevision } = value as Readonly<Record<string, unknown>>;
    if (typeof repoURL === 'string' && typeof chart === 'string' && typeof targetRevision === 'string')
      for (const version of targetRevision === '{{ .values.chart }}' ? ofSteps : [targetRevision])
        found.push({ repoURL, chart, version, file });
    else for (const inner of Object.values(value)) visit(inner, ofSteps);
  };
  for (const document of parseAllDocuments(readFileSync(join(root, file), 'utf8'))) {
    if (document.errors.length > 0) continue;
    const content: unknown = document.toJS();
    visit(
      content,
      argocdSteps(content).map(({ chart }) => chart),
    );
  }
  return found;
}
