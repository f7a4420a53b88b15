import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readYamlFile } from '@gitops/settings/yaml-file';

/** Metrics that somebody exports, each with the labels that its series have in Prometheus. */
export interface Exported {
  /** Who: "kube-state-metrics 2.20.0". */
  readonly source: string;
  /** The values that the label `job` may have. */
  readonly jobs: readonly string[];
  readonly metrics: ReadonlyMap<string, ReadonlySet<string>>;
}

/** How a ServiceMonitor or PodMonitor changes what is scraped. */
export interface Scrape {
  /** The labels that it gives to every series. */
  readonly labels: ReadonlySet<string>;
  readonly honorsLabels: boolean;
  /** Metrics that it drops by their names. */
  readonly dropped: readonly RegExp[];
}

/** A file of exported/: what an exporter documents. */
interface Documented {
  readonly source: string;
  readonly version: string;
  readonly jobs: readonly string[];
  /** The labels of its targets; or else the monitor of charts/monitoring that makes them. */
  readonly labels?: readonly string[];
  readonly monitor?: string;
  readonly dropped?: readonly string[];
  readonly metrics: Readonly<Record<string, readonly string[]>>;
}

const FOLDER = 'packages/monitoring/exported';

/**
 * What exporters document, from exported/, as Prometheus keeps it.
 * @param root the repository's folder
 * @param scrapes the monitors of charts/monitoring by their names
 */
export function documented(root: string, scrapes: ReadonlyMap<string, Scrape>): Exported[] {
  const names = readdirSync(join(root, FOLDER)).filter((name) => name.endsWith('.yaml'));
  return names.sort().map((name) => {
    const { content } = readYamlFile(root, `${FOLDER}/${name}`);
    const { source, version, jobs, labels, monitor, dropped = [], metrics } = content as unknown as Documented;
    const scrape = monitor === undefined ? undefined : scrapes.get(monitor);
    if (monitor !== undefined && scrape === undefined)
      throw new Error(`${FOLDER}/${name}: monitor: charts/monitoring has no ${monitor}`);
    return {
      source: `${source} ${version}`,
      jobs,
      metrics: scraped(
        new Map(Object.entries(metrics).map(([metric, own]) => [metric, new Set(own)])),
        // A target's label wins over the same of a series only in our own monitors; upstream's honour labels.
        scrape ?? { labels: new Set(labels), honorsLabels: true, dropped: dropped.map(whole) },
      ),
    };
  });
}

/** What Prometheus keeps of exported metrics. */
export function scraped(
  metrics: ReadonlyMap<string, ReadonlySet<string>>,
  { labels, honorsLabels, dropped }: Scrape,
): Map<string, ReadonlySet<string>> {
  const kept = new Map<string, ReadonlySet<string>>();
  for (const [metric, own] of metrics) {
    if (dropped.some((name) => name.test(metric))) continue;
    const renamed = [...own].map((label) => (!honorsLabels && labels.has(label) ? `exported_${label}` : label));
    kept.set(metric, new Set([...labels, ...renamed]));
  }
  return kept;
}

/** A regular expression of Prometheus, which always matches the whole text. */
export const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

/** The metrics of an answer in Prometheus' text format, with the labels of all their series. */
export function metricsOf(text: string): Map<string, Set<string>> {
  const metrics = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const [, name, inside = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const labels = metrics.get(name) ?? new Set();
    for (const [, label = ''] of inside.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) labels.add(label);
    metrics.set(name, labels);
  }
  return metrics;
}
