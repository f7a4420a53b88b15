import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

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

/** The chart that Argo CD itself is installed from: data for CDKTF, the checks and `make charts`. */
export const ARGOCD_INSTALLATION = 'argocd/installation.yaml';
const APPLICATIONS = 'argocd/applications';

/** How messages name a chart. */
export const titleOf = ({ repoURL, chart, version }: ChartName): string => `chart ${chart} ${version} of ${repoURL}`;

export const isSameChart = (a: ChartName, b: ChartName): boolean =>
  a.repoURL === b.repoURL && a.chart === b.chart && a.version === b.version;

/** One version and nothing else: no range, no template. */
export const isExactVersion = (version: string): boolean =>
  /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(version);

/** The chart of Argo CD itself. Throws an Error, `file:line: key: rule`, where its file is not there or incomplete. */
export function argocdChart(root: string): NamedChart {
  const [found] = existsSync(join(root, ARGOCD_INSTALLATION)) ? chartsIn(root, ARGOCD_INSTALLATION) : [];
  if (found === undefined)
    throw new Error(
      `${ARGOCD_INSTALLATION}:1: the file: must name the chart of Argo CD: repoURL, chart, targetRevision`,
    );
  return found;
}

/**
 * Every upstream chart that the repository names: in the sources of its ApplicationSets, and Argo CD's own. What cannot
 * be read names none; `make check` reports why.
 * @param root the repository's folder
 */
export function upstreamCharts(root: string): NamedChart[] {
  const folder = join(root, APPLICATIONS);
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  const found = [ARGOCD_INSTALLATION, ...files.map((file) => `${APPLICATIONS}/${file}`)]
    .filter((file) => /\.ya?ml$/.test(file) && existsSync(join(root, file)))
    .flatMap((file) => chartsIn(root, file));
  return found.filter((chart, index) => found.findIndex((other) => isSameChart(other, chart)) === index);
}

/** Every map of a file, however deep, that names a chart as the source of an Application does. */
function chartsIn(root: string, file: string): NamedChart[] {
  const found: NamedChart[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { repoURL, chart, targetRevision } = value as Readonly<Record<string, unknown>>;
    if (typeof repoURL === 'string' && typeof chart === 'string' && typeof targetRevision === 'string')
      found.push({ repoURL, chart, version: targetRevision, file });
    else for (const inner of Object.values(value)) visit(inner);
  };
  for (const document of parseAllDocuments(readFileSync(join(root, file), 'utf8')))
    if (document.errors.length === 0) visit(document.toJS());
  return found;
}
