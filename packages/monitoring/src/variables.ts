import { durationOf } from './duration.ts';

/** What Grafana would put in place of a query's variables. */
export interface VariableValues {
  /** Regular expressions; everything by default. */
  readonly namespace?: string;
  readonly job?: string;
  /** $__rate_interval, in seconds. */
  readonly rateInterval?: number;
  /** $__range, in seconds. */
  readonly range?: number;
}

/** What a variable stands for where a reader chose nothing: every value. */
export const ALL = '.+';

/** A panel's query as Prometheus can read it. */
export function withVariables(
  expr: string,
  { namespace = ALL, job = ALL, rateInterval = 120, range = 3600 }: VariableValues = {},
): string {
  return expr
    .replaceAll('$__rate_interval', durationOf(rateInterval))
    .replaceAll('$__range', durationOf(range))
    .replaceAll('$namespace', namespace)
    .replaceAll('$job', job);
}
