// A running Prometheus as drills ask it, and what its rules and panels must have data of.
import { selectorsOf } from '@gitops/monitoring/promql';

/** An alert that is pending or fires. */
export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
  /** Since when, in ISO 8601. */
  readonly activeAt: string;
}

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** Seconds since 1970, and the value. */
  readonly value: readonly [number, string];
}

export interface Prometheus {
  /** The latest values; throws with Prometheus' own words where it refuses the query. */
  query: (expr: string) => Promise<readonly Series[]>;
  alerts: () => Promise<readonly ActiveAlert[]>;
  /** The rules that could not be evaluated, a line each. */
  failedRules: () => Promise<string[]>;
}

interface EvaluatedRule {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

export function prometheusAt(address: string): Prometheus {
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${address}/api/v1/${path}`);
    const { data, error } = (await response.json()) as { data?: T; error?: string };
    if (data === undefined) throw new Error(error ?? `no data of ${path}`);
    return data;
  };
  return {
    query: async (expr) => {
      const { resultType, result } = await ask<{ resultType: string; result: unknown }>(
        `query?query=${encodeURIComponent(expr)}`,
      );
      if (resultType === 'scalar') return [{ metric: {}, value: result as Series['value'] }];
      return result as Series[];
    },
    alerts: async () => (await ask<{ alerts: ActiveAlert[] }>('alerts')).alerts,
    failedRules: async () => {
      const { groups } = await ask<{ groups: { rules: EvaluatedRule[] }[] }>('rules');
      const failed = groups.flatMap(({ rules }) => rules).filter(({ health }) => health === 'err');
      return failed.map(({ name, lastError }) => `${name}: ${lastError ?? ''}`);
    },
  };
}

/** A query that must have data: of a rule or a panel. */
export interface WantedQuery {
  /** Where it stands, for messages: `alert PodCrashLooping`, `service/Requests`. */
  readonly place: string;
  readonly expr: string;
  /**
   * Whether it asks for a state that nothing may be in, as an alert does. Then it may have no series, and its selectors
   * must find the metric with the same labels, whatever their values.
   */
  readonly isOfState: boolean;
}

/** Metrics that nothing on this machine exports. */
export interface NoSource {
  readonly metrics: RegExp;
  readonly reason: string;
}

/**
 * What is wrong with queries, a line each: an error, no series where there must be some, a selector that finds nothing.
 * What reads a metric without a source here is excused, and an excuse that nothing needs is reported as well.
 */
export async function dataProblems(
  prometheus: Prometheus,
  queries: readonly WantedQuery[],
  excuses: readonly NoSource[],
): Promise<string[]> {
  const problems: string[] = [];
  const needed = new Set<NoSource>();
  const isEmpty = async (expr: string): Promise<boolean> => (await prometheus.query(expr)).length === 0;
  for (const { place, expr, isOfState } of queries) {
    let isExcused = false;
    const without: string[] = [];
    for (const { metric = '', text } of selectorTexts(expr, isOfState)) {
      if (!(await isEmpty(`last_over_time(${text}[1h])`))) continue;
      const excuse = excuses.find(({ metrics }) => metrics.test(metric));
      if (excuse === undefined) without.push(text);
      else {
        isExcused = true;
        needed.add(excuse);
      }
    }
    problems.push(...without.map((text) => `${place}: ${text} finds nothing`));
    try {
      const hasNone = await isEmpty(expr);
      if (hasNone && !isOfState && !isExcused && without.length === 0) problems.push(`${place}: ${expr} has no data`);
    } catch (error) {
      problems.push(`${place}: ${String(error)}`);
    }
  }
  for (const excuse of excuses)
    if (!needed.has(excuse))
      problems.push(`${String(excuse.metrics)}: all of it has data here; remove it from the list`);
  return problems;
}

/** The selectors of an expression, each as PromQL. */
function selectorTexts(expr: string, isOfState: boolean): { metric: string | undefined; text: string }[] {
  return selectorsOf(expr).map(({ metric, matchers }) => {
    const inside = matchers.map(({ label, operator, value }) =>
      isOfState && label !== 'job' ? `${label}!=""` : `${label}${operator}${JSON.stringify(value)}`,
    );
    return { metric, text: `${metric ?? ''}{${inside.join(',')}}` };
  });
}
