import { CommandError, messageOf } from '@gitops/report/errors';
import { secondsOf } from './duration.ts';

/** One series of an answer: its labels, and [seconds since 1970, value] in the order of time. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number])[];
}

/** The HTTP API of a Prometheus. Every function throws CommandError where it does not answer as one does. */
export interface Prometheus {
  readonly address: string;
  /** The latest value of each series. */
  query(expr: string, time: number): Promise<Series[]>;
  /** All values between two times, in seconds since 1970, every `step` seconds. */
  queryRange(
    expr: string,
    range: { readonly from: number; readonly to: number; readonly step: number },
  ): Promise<Series[]>;
  /** The names of all metrics that it has. */
  metricNames(): Promise<ReadonlySet<string>>;
  /** The longest interval between two scrapes of a target, in seconds; undefined where there is no target. */
  scrapeInterval(): Promise<number | undefined>;
}

const PATIENCE_MS = 30_000;

type Sample = readonly [number, string];
interface Vector {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Sample;
  readonly values?: readonly Sample[];
}
type Data =
  | { readonly resultType: 'vector' | 'matrix'; readonly result: readonly Vector[] }
  | { readonly resultType: 'scalar'; readonly result: Sample };
interface Answer<T> {
  readonly status?: string;
  readonly error?: string;
  readonly data?: T;
}

/**
 * @param address without a slash at the end
 * @param next what to do where nothing answers there
 */
export function openPrometheus(address: string, next: string): Prometheus {
  async function ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const url = `${address}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`;
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch((error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new CommandError(`Prometheus at ${address} cannot be reached: ${messageOf(cause)}`, next);
    });
    const answer = (await response.json().catch(() => ({}))) as Answer<T>;
    if (answer.status === 'error' && answer.error !== undefined)
      throw new CommandError(
        `Prometheus refuses ${parameters.query ?? path}: ${answer.error}`,
        'correct the query in packages/monitoring/src/dashboards',
      );
    if (answer.status !== 'success' || answer.data === undefined)
      throw new CommandError(`${address} does not answer as a Prometheus does (status ${response.status})`, next);
    return answer.data;
  }

  return {
    address,
    query: async (query, time) => seriesOf(await ask<Data>('query', { query, time: String(time) })),
    queryRange: async (query, { from, to, step }) =>
      seriesOf(await ask<Data>('query_range', { query, start: String(from), end: String(to), step: String(step) })),
    metricNames: async () => new Set(await ask<string[]>('label/__name__/values')),
    scrapeInterval: async () => {
      const { activeTargets } = await ask<{ activeTargets: { scrapeInterval: string }[] }>('targets', {
        state: 'active',
      });
      const seconds = activeTargets.map(({ scrapeInterval }) => secondsOf(scrapeInterval));
      return seconds.length === 0 ? undefined : Math.max(...seconds);
    },
  };
}

function seriesOf(data: Data): Series[] {
  const point = ([time, value]: Sample): [number, number] => [time, Number(value)];
  if (data.resultType === 'scalar') return [{ labels: {}, points: [point(data.result)] }];
  return data.result.map(({ metric, value, values = value === undefined ? [] : [value] }) => ({
    labels: metric,
    points: values.map(point),
  }));
}
