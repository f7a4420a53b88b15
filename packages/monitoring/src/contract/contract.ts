import { type Matcher, selectorsOf } from '../promql.ts';
import { resultOf } from '../promql-labels.ts';
import { type Exported, whole } from './exported.ts';
import type { NamedRule, User } from './users.ts';

/** What is asked for and does not exist; one for each metric or label, with everybody who asks. */
export interface Breach {
  readonly problem: string;
  readonly places: readonly string[];
}

type Known = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Everything that rules and panels ask for and that nobody exports: a metric, a label, a job. What rules record counts
 * as exported, with the labels that follow from its expression.
 */
export function breaches(users: readonly User[], rules: readonly NamedRule[], exported: readonly Exported[]): Breach[] {
  const known = knownMetrics(rules, exported);
  const lookup = (metric: string): ReadonlySet<string> | undefined => known.get(metric);
  const found = new Map<string, Set<string>>();
  const note = (problem: string, place: string): void => {
    const places = found.get(problem) ?? new Set();
    found.set(problem, places.add(place));
  };
  for (const { place, expr, shown } of users) {
    const { labels, problems } = resultOf(expr, lookup);
    for (const problem of problems) note(problem, place);
    for (const label of problems.length === 0 ? shown : [])
      if (!labels.has(label)) note(`the answer has no label ${label}, which is shown`, place);
    for (const { metric, matchers } of selectorsOf(expr))
      for (const problem of metric === undefined ? [] : jobProblems(metric, matchers, exported)) note(problem, place);
  }
  return [...found].map(([problem, places]) => ({ problem, places: [...places] }));
}

/** A breach as a person reads it. */
export const breachText = ({ problem, places }: Breach): string => `${problem}; asked for by ${places.join(', ')}`;

function knownMetrics(rules: readonly NamedRule[], exported: readonly Exported[]): Known {
  const known = new Map<string, Set<string>>();
  const add = (metric: string, labels: Iterable<string>): void => {
    known.set(metric, new Set([...(known.get(metric) ?? []), ...labels]));
  };
  for (const { metrics } of exported) {
    for (const [metric, labels] of metrics) add(metric, labels);
    // Prometheus itself makes these, with the labels of the target.
    const [labels = new Set<string>()] = metrics.values();
    add(
      'up',
      [...labels].filter((label) => TARGET.has(label)),
    );
  }
  // A recording may read others: each round knows those of the round before.
  for (let size = -1; size !== sizeOf(known);) {
    size = sizeOf(known);
    for (const { record, expr, labels = {} } of rules) {
      const isReady = selectorsOf(expr).every(({ metric }) => metric !== undefined && known.has(metric));
      if (record !== undefined && isReady)
        add(record, [...resultOf(expr, (metric) => known.get(metric)).labels, ...Object.keys(labels)]);
    }
  }
  for (const { alert, expr, labels = {} } of rules)
    if (alert !== undefined)
      add('ALERTS', [
        'alertname',
        'alertstate',
        ...resultOf(expr, (metric) => known.get(metric)).labels,
        ...Object.keys(labels),
      ]);
  return known;
}

const TARGET = new Set(['job', 'instance', 'namespace', 'pod', 'service', 'node']);

const sizeOf = (known: Known): number => [...known.values()].reduce((sum, labels) => sum + labels.size + 1, 0);

/** A job that is asked for by its name, and exports no such metric. */
function jobProblems(metric: string, matchers: readonly Matcher[], exported: readonly Exported[]): string[] {
  const sources = exported.filter(({ metrics }) => metric === 'up' || metrics.has(metric));
  if (sources.length === 0) return [];
  const jobs = sources.flatMap((source) => source.jobs);
  const problems: string[] = [];
  for (const { label, operator, value } of matchers) {
    if (label !== 'job' || operator.startsWith('!')) continue;
    const matches = operator === '=' ? (job: string) => job === value : (job: string) => whole(value).test(job);
    if (!jobs.some(matches)) problems.push(`no job ${value} exports ${metric}; jobs: ${jobs.join(', ')}`);
  }
  return problems;
}
