import type { Dashboard } from '../panel.ts';

const OF = 'namespace=~"$namespace", job=~"$job"';
const PER = '$__rate_interval';
const requests = `rate(http_request_duration_seconds_count{${OF}}[${PER}])`;
const buckets = `rate(http_request_duration_seconds_bucket{${OF}}[${PER}])`;
const quantile = (share: number): string => `histogram_quantile(${share}, sum by (le) (${buckets}))`;

export const service: Dashboard = {
  uid: 'gitops-service',
  title: 'Service',
  description: 'Requests, errors, duration and saturation of services made from charts/fastify-service.',
  tags: ['service'],
  variables: [
    { name: 'namespace', series: 'service_build_info' },
    { name: 'job', series: 'service_build_info{namespace=~"$namespace"}' },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Requests',
          description: 'Requests per second over five minutes.',
          kind: 'number',
          unit: 'reqps',
          width: 4,
          queries: [{ expr: `sum(job:http_requests:rate5m{${OF}})`, legend: 'requests' }],
        },
        {
          title: 'Failed',
          description: 'Share of requests answered with a 5xx over five minutes, shed ones included.',
          kind: 'number',
          unit: 'percentunit',
          width: 4,
          queries: [
            {
              expr: `sum(job:http_requests_failed:rate5m{${OF}}) / (sum(job:http_requests:rate5m{${OF}}) > 0)`,
              legend: 'failed',
            },
          ],
        },
        {
          title: 'p99',
          description: '99 of 100 requests are answered within this time.',
          kind: 'number',
          unit: 's',
          width: 4,
          queries: [{ expr: quantile(0.99), legend: 'p99' }],
        },
        {
          title: 'In flight',
          description: 'Requests that have arrived and are not yet answered.',
          kind: 'number',
          unit: 'none',
          width: 4,
          queries: [{ expr: `sum(http_requests_in_flight{${OF}})`, legend: 'in flight' }],
        },
        {
          title: 'Pods',
          description: 'Pods that answer Prometheus, without those that are stopping.',
          kind: 'number',
          unit: 'none',
          width: 4,
          queries: [{ expr: `count(service_draining{${OF}} == 0)`, legend: 'pods' }],
          levels: [
            { from: 0, is: 'bad' },
            { from: 1, is: 'warning' },
            { from: 2, is: 'good' },
          ],
        },
        {
          title: 'Cache hits',
          description: 'Share of cacheable answers that the cache had, fresh or stale.',
          kind: 'number',
          unit: 'percentunit',
          width: 4,
          queries: [
            {
              expr: `sum(rate(cache_answers_total{${OF}, result=~"hit|stale"}[${PER}])) / (sum(rate(cache_answers_total{${OF}}[${PER}])) > 0)`,
              legend: 'hits',
            },
          ],
        },
      ],
    },
    {
      title: 'Requests',
      panels: [
        {
          title: 'Requests by route',
          description: 'Requests per second by route template. `unmatched` paths are those that no route has.',
          kind: 'areas',
          unit: 'reqps',
          width: 12,
          queries: [{ expr: `sum by (route) (${requests})`, legend: '{{route}}' }],
        },
        {
          title: 'Requests by status',
          description: 'Requests per second by status. 503 is shed load, 499 a client that left before its answer.',
          kind: 'areas',
          unit: 'reqps',
          width: 12,
          queries: [{ expr: `sum by (status_code) (${requests})`, legend: '{{status_code}}' }],
        },
        {
          title: 'Failed requests',
          description:
            'Share of requests answered with a 5xx. Above the dashed line the error budget shrinks faster than it may.',
          kind: 'lines',
          unit: 'percentunit',
          width: 12,
          min: 0,
          queries: [
            { expr: `job:http_requests_failed:ratio_rate5m{${OF}}`, legend: '{{namespace}}/{{job}}' },
            { expr: `1 - job:slo_availability:objective{job=~"$job"}`, legend: 'allowed', isLimit: true },
          ],
        },
        {
          title: 'Slow requests',
          description:
            'Share of requests slower than the latency objective. Above the dashed line the budget shrinks faster than it may.',
          kind: 'lines',
          unit: 'percentunit',
          width: 12,
          min: 0,
          queries: [
            { expr: `job:http_requests_slow:ratio_rate5m{${OF}}`, legend: '{{namespace}}/{{job}}' },
            { expr: `1 - job:slo_latency:objective{job=~"$job"}`, legend: 'allowed', isLimit: true },
          ],
        },
        {
          title: 'Duration',
          description: 'Time from the arrival of a request until its answer was handed over, on a logarithmic axis.',
          kind: 'lines',
          unit: 's',
          width: 12,
          isLogarithmic: true,
          queries: [0.5, 0.95, 0.99].map((share) => ({ expr: quantile(share), legend: `p${share * 100}` })),
        },
        {
          title: 'Duration by route, p95',
          description: '95 of 100 requests of a route are answered within this time.',
          kind: 'lines',
          unit: 's',
          width: 12,
          isLogarithmic: true,
          queries: [{ expr: `histogram_quantile(0.95, sum by (le, route) (${buckets}))`, legend: '{{route}}' }],
        },
      ],
    },
    {
      title: 'Saturation',
      panels: [
        {
          title: 'Shed requests',
          description:
            'Requests per second refused with 503 since the process was overloaded, by the limit that was reached. More pods help.',
          kind: 'lines',
          unit: 'reqps',
          width: 12,
          min: 0,
          queries: [{ expr: `sum by (reason) (rate(http_requests_shed_total{${OF}}[${PER}]))`, legend: '{{reason}}' }],
        },
        {
          title: 'In flight by pod',
          description: 'Requests that have arrived and are not yet answered. Pods that differ much get uneven load.',
          kind: 'lines',
          unit: 'none',
          width: 12,
          min: 0,
          queries: [{ expr: `http_requests_in_flight{${OF}}`, legend: '{{pod}}' }],
        },
        {
          title: 'CPU by pod',
          description: 'Cores used. JavaScript runs on one: from 1 on, more pods are the only help.',
          kind: 'lines',
          unit: 'short',
          width: 8,
          min: 0,
          queries: [{ expr: `rate(process_cpu_seconds_total{${OF}}[${PER}])`, legend: '{{pod}}' }],
        },
        {
          title: 'Memory by pod',
          description: 'Resident memory of the process, which the limit of the container counts.',
          kind: 'lines',
          unit: 'bytes',
          width: 8,
          min: 0,
          queries: [{ expr: `process_resident_memory_bytes{${OF}}`, legend: '{{pod}}' }],
        },
        {
          title: 'Heap by pod',
          description: "JavaScript's heap in use. A line that only climbs is a leak.",
          kind: 'lines',
          unit: 'bytes',
          width: 8,
          min: 0,
          queries: [{ expr: `nodejs_heap_size_used_bytes{${OF}}`, legend: '{{pod}}' }],
        },
        {
          title: 'Connection errors',
          description: 'Connections per second that sent no readable request, by the status they got.',
          kind: 'lines',
          unit: 'ops',
          width: 12,
          min: 0,
          queries: [
            {
              expr: `sum by (status_code) (rate(http_connection_errors_total{${OF}}[${PER}]))`,
              legend: '{{status_code}}',
            },
          ],
        },
        {
          title: 'Lost log lines',
          description: 'Log lines per second dropped because their reader was gone or too slow. Zero is right.',
          kind: 'lines',
          unit: 'ops',
          width: 12,
          min: 0,
          queries: [{ expr: `rate(log_lines_lost_total{${OF}}[${PER}])`, legend: '{{pod}}' }],
        },
      ],
    },
    {
      title: 'Event loop',
      panels: [
        {
          title: 'Event loop delay, p99',
          description: 'How late the event loop is: every request waits for this as well.',
          kind: 'lines',
          unit: 's',
          width: 8,
          min: 0,
          queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${OF}}`, legend: '{{pod}}' }],
        },
        {
          title: 'Event loop utilization',
          description: 'Share of the time in which the event loop had work. Towards 100 % requests queue up.',
          kind: 'lines',
          unit: 'percentunit',
          width: 8,
          min: 0,
          max: 1,
          queries: [
            {
              expr: `rate(nodejs_eventloop_utilization_summary_sum{${OF}}[${PER}]) / rate(nodejs_eventloop_utilization_summary_count{${OF}}[${PER}])`,
              legend: '{{pod}}',
            },
          ],
        },
        {
          title: 'Garbage collection',
          description: 'Share of the time spent in garbage collection. Above some percent the heap is too small.',
          kind: 'lines',
          unit: 'percentunit',
          width: 8,
          min: 0,
          queries: [{ expr: `sum by (pod) (rate(nodejs_gc_duration_seconds_sum{${OF}}[${PER}]))`, legend: '{{pod}}' }],
        },
      ],
    },
    {
      title: 'Cache and plans',
      panels: [
        {
          title: 'Cacheable answers',
          description:
            'Answers per second: hit, stale (a new one is made meanwhile), miss, or collapsed (waited for another request).',
          kind: 'areas',
          unit: 'ops',
          width: 8,
          queries: [{ expr: `sum by (result) (rate(cache_answers_total{${OF}}[${PER}]))`, legend: '{{result}}' }],
        },
        {
          title: 'Cache size by pod',
          description: 'Bytes of all answers in the cache.',
          kind: 'lines',
          unit: 'bytes',
          width: 8,
          min: 0,
          queries: [{ expr: `cache_bytes{${OF}}`, legend: '{{pod}}' }],
        },
        {
          title: 'Plans',
          description: 'Subnet plans per second that had to be made, by outcome.',
          kind: 'areas',
          unit: 'ops',
          width: 8,
          queries: [{ expr: `sum by (outcome) (rate(subnet_plans_total{${OF}}[${PER}]))`, legend: '{{outcome}}' }],
        },
      ],
    },
  ],
};
