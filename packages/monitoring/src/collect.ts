import { DASHBOARDS } from './dashboards.ts';
import type { Dashboard, Panel, Query } from './panel.ts';
import type { Prometheus } from './prometheus.ts';
import { selectorsOf } from './promql.ts';
import { withVariables } from './variables.ts';

/** What time a page shows, in seconds since 1970; a point every `step` seconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** One series of a panel. */
export interface Line {
  /** As the panel's legend has it. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly isLimit: boolean;
  /** The query that it answers, from 0. */
  readonly query: number;
  /** [seconds since 1970, value]; undefined where there is none, so that no line is drawn across. */
  readonly points: readonly (readonly [number, number | undefined])[];
  /** Its value now; undefined where the series has ended. */
  readonly latest: number | undefined;
}

export interface PanelData {
  readonly panel: Panel;
  readonly lines: readonly Line[];
  /** Why there are none; undefined where there are some. */
  readonly missing: string | undefined;
}

export interface DashboardData {
  readonly dashboard: Dashboard;
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelData[] }[];
}

export interface Collected extends Span {
  readonly address: string;
  readonly dashboards: readonly DashboardData[];
}

const MOST_POINTS = 240;
// Where nothing is scraped yet; the default of Prometheus.
const DEFAULT_INTERVAL = 60;
const AT_ONCE = 6;

/**
 * Asks a Prometheus every query of every panel.
 * @param now in seconds since 1970
 * @param seconds how far back
 */
export async function collect(prometheus: Prometheus, now: number, seconds: number): Promise<Collected> {
  const names = await prometheus.metricNames();
  const interval = (await prometheus.scrapeInterval()) ?? DEFAULT_INTERVAL;
  const step = Math.max(1, Math.ceil(seconds / MOST_POINTS));
  const to = Math.floor(now);
  const span: Span = { from: to - step * Math.floor(seconds / step), to, step };
  // As Grafana computes it: at least four scrapes.
  const values = { rateInterval: Math.max(step + interval, 4 * interval), range: seconds };

  async function linesOf(
    { expr, legend, isLimit = false }: Query,
    index: number,
    kind: Panel['kind'],
  ): Promise<Line[]> {
    const text = withVariables(expr, values);
    const found = kind === 'table' ? await prometheus.query(text, to) : await prometheus.queryRange(text, span);
    const lines: Line[] = [];
    for (const { labels, points } of found) {
      const finite = points.filter(([, value]) => Number.isFinite(value));
      const latest = finite.at(-1);
      if (latest === undefined) continue;
      const name = named(legend, labels);
      const now = latest[0] < to - step ? undefined : latest[1];
      lines.push({ name, labels, isLimit, query: index, points: withGaps(finite, step), latest: now });
    }
    return lines;
  }

  async function dataOf(panel: Panel): Promise<PanelData> {
    const answers: Line[] = [];
    for (const [index, query] of panel.queries.entries()) answers.push(...(await linesOf(query, index, panel.kind)));
    const lines = answers.toSorted((one, other) => one.query - other.query || compareNames(one.name, other.name));
    // A limit alone is no data.
    const isEmpty = lines.every(({ isLimit }) => isLimit);
    return { panel, lines: isEmpty ? [] : lines, missing: isEmpty ? whyEmpty(panel, names) : undefined };
  }

  const wanted = Object.values(DASHBOARDS).flatMap(({ rows }) => rows.flatMap(({ panels }) => panels));
  const data = new Map<Panel, PanelData>();
  const queue = wanted[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const panel of queue) data.set(panel, await dataOf(panel));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const dashboards = Object.values(DASHBOARDS).map((dashboard) => ({
    dashboard,
    rows: dashboard.rows.map(({ title, panels }) => ({
      title,
      panels: panels.flatMap((panel) => data.get(panel) ?? []),
    })),
  }));
  return { address: prometheus.address, ...span, dashboards };
}

const compareNames = new Intl.Collator('en', { numeric: true }).compare;

/** A legend with the values of labels. */
const named = (legend: string, labels: Readonly<Record<string, string>>): string =>
  legend.replaceAll(/\{\{\s*([^}\s]+)\s*\}\}/g, (_, label: string) => labels[label] ?? '').trim();

/** The points with an empty one where a value is missing. */
function withGaps(points: readonly (readonly [number, number])[], step: number): [number, number | undefined][] {
  const all: [number, number | undefined][] = [];
  for (const [time, value] of points) {
    const last = all.at(-1);
    if (last !== undefined && time - last[0] > 1.5 * step) all.push([last[0] + step, undefined]);
    all.push([time, value]);
  }
  return all;
}

function whyEmpty({ queries }: Panel, names: ReadonlySet<string>): string {
  const asked = new Set<string>();
  for (const { expr, isLimit = false } of queries)
    for (const { metric } of isLimit ? [] : selectorsOf(withVariables(expr)))
      if (metric !== undefined) asked.add(metric);
  const absent = [...asked].filter((metric) => !names.has(metric));
  if (absent.length > 0) return `no series of ${absent.join(', ')}`;
  return `${[...asked].join(', ')}: nothing that the query asks for in this time`;
}
