import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalChart } from '@gitops/tools/charts';
import { type Application, localChartOf, type Source, sourcesOf } from './renderer.ts';

/** The Helm chart that an Application renders: one of this repository, or an upstream one. */
export interface Chart {
  /**
   * Its folder in this repository, `charts/fastify-service`; of an upstream chart its name alone, which an upgrade does
   * not change.
   */
  readonly name: string;
  readonly isUpstream: boolean;
  /** Its folder on this machine. */
  readonly folder: string;
  /** How messages name its folder: `charts/fastify-service`, or as a release is packed, `metrics-server-3.13.1`. */
  readonly label: string;
  readonly source: Source;
  /** Its values files, from this repository's root, in the order in which Helm reads them. */
  readonly valueFiles: readonly string[];
}

/**
 * The chart of an Application; undefined where no source of it renders one, or one that is not on this machine.
 * @param charts the upstream charts on this machine
 */
export function chartOf(root: string, application: Application, charts: readonly LocalChart[]): Chart | undefined {
  for (const source of sourcesOf(application)) {
    const { path, chart } = source;
    if (path !== undefined && existsSync(join(root, path, 'Chart.yaml'))) {
      return {
        name: path,
        isUpstream: false,
        folder: join(root, path),
        label: path,
        source,
        valueFiles: valueFilesOf(source),
      };
    }
    const upstream = chart === undefined ? undefined : localChartOf(source, charts);
    if (upstream !== undefined)
      return {
        name: upstream.chart,
        isUpstream: true,
        folder: upstream.folder,
        label: `${upstream.chart}-${upstream.version}`,
        source,
        valueFiles: valueFilesOf(source),
      };
  }
  return undefined;
}

/**
 * The values files of a source, from the repository's root. A leading slash means that root, as Argo CD has it, and so
 * does a leading `$name`, which is the root of another source: this repository is the only one that any source refers
 * to.
 */
export const valueFilesOf = ({ path = '', helm }: Source): string[] =>
  (helm?.valueFiles ?? []).map((file) =>
    /^(\$[^/]*)?\//.test(file) ? file.slice(file.indexOf('/') + 1) : join(path, file),
  );
