import { getHeapStatistics } from 'node:v8';
import client from '@prometheus-io/client';
import { timings } from './timings.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Who made this process: baked into the bundle, `unknown` where it runs from source. */
export interface BuildInfo {
  readonly version: string;
  readonly commit: string;
}

/**
 * Everything that the service counts, in a registry of its own. All label values come from short lists that no client
 * can add to: a path is counted as its route's template, an unusual method as `other`.
 */
export function createMetrics({ version, commit }: BuildInfo) {
  const registry = new client.Registry();
  const registers = [registry];

  const duration = new client.Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the arrival of a request until its answer was handed over; status 499 is a client that left before',
    labelNames: ['method', 'route', 'status_code'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, timings.latencyObjective, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  // What others know; asked only when somebody looks, so that no request pays for it.
  const sources: Record<'http_requests_in_flight' | 'cache_entries' | 'cache_bytes', () => number> = {
    http_requests_in_flight: () => 0,
    cache_entries: () => 0,
    cache_bytes: () => 0,
  };
  const gauge = (name: keyof typeof sources, help: string): unknown =>
    new client.Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(sources[name]());
      },
    });
  gauge('http_requests_in_flight', 'Requests that have arrived and are not yet answered');
  gauge('cache_entries', 'Answers in the cache');
  gauge('cache_bytes', 'Size of all answers in the cache');
  const connectionErrors = new client.Counter({
    name: 'http_connection_errors_total',
    help: 'Connections that sent no readable request, by the status they were answered with',
    labelNames: ['status_code'],
    registers,
  });
  const shed = new client.Counter({
    name: 'http_requests_shed_total',
    help: 'Requests refused because the process was overloaded, by the limit that was reached',
    labelNames: ['reason'],
    registers,
  });
  new client.Gauge({
    name: 'nodejs_heap_size_limit_bytes',
    help: 'The most that the heap of V8 may take; the process ends beyond it',
    registers,
  }).set(getHeapStatistics().heap_size_limit);
  const logLinesLost = new client.Counter({
    name: 'log_lines_lost_total',
    help: 'Log lines dropped because their reader was gone or too slow',
    registers,
  });
  const draining = new client.Gauge({ name: 'service_draining', help: '1 from the signal to stop on', registers });
  new client.Gauge({
    name: 'service_build_info',
    help: 'Always 1; its labels say what runs',
    labelNames: ['version', 'commit', 'node'],
    registers,
  }).set({ version, commit, node: process.version }, 1);
  const cacheAnswers = new client.Counter({
    name: 'cache_answers_total',
    help: 'Cacheable answers: hit, stale (served while a new one is made), miss (made for this request) or collapsed (made for another one that waits as well)',
    labelNames: ['result'],
    registers,
  });
  const cacheEvictions = new client.Counter({
    name: 'cache_evictions_total',
    help: 'Answers that made room for others',
    registers,
  });
  // The labels of each series, by route, method and status, made once: no request pays for an object or a key of text.
  type Labels = Readonly<{ method: string; route: string; status_code: number }>;
  const labels = new Map<string, Map<string, Map<number, Labels>>>();

  function labelsOf(method: string, route: string, status: number): Labels {
    const methods = labels.get(route) ?? new Map<string, Map<number, Labels>>();
    if (methods.size === 0) labels.set(route, methods);
    const statuses = methods.get(method) ?? new Map<number, Labels>();
    if (statuses.size === 0) methods.set(method, statuses);
    const made = { method: METHODS.has(method) ? method : 'other', route, status_code: status };
    statuses.set(status, made);
    return made;
  }

  return {
    registry,
    sources,
    connectionErrors,
    shed,
    logLinesLost,
    draining,
    cacheAnswers,
    cacheEvictions,
    /** Counts a request that is over, by its route's template. */
    observe(method: string, route: string, status: number, seconds: number): void {
      duration.observe(labels.get(route)?.get(method)?.get(status) ?? labelsOf(method, route, status), seconds);
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * Takes out the gauges whose names end as a counter's do, for which rate() would give nonsense: the client brings
 * nodejs_active_handles_total, nodejs_active_requests_total and nodejs_active_resources_total. Each is the sum of the
 * gauge of the same name without `_total`, by type.
 */
export function removeMisnamedGauges({ registry }: Pick<Metrics, 'registry'>): void {
  for (const { name, type } of registry.getMetricsAsArray() as { name: string; type: unknown }[])
    if (type === 'gauge' && name.endsWith('_total')) registry.removeSingleMetric(name);
}
