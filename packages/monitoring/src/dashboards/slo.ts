import type { Dashboard, Panel, Query, Row } from '../panel.ts';

const OF = 'namespace=~"$namespace", job=~"$job"';
const LEFT: Panel['levels'] = [
  { from: 0, is: 'bad' },
  { from: 0.1, is: 'warning' },
  { from: 0.5, is: 'good' },
];
const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'];

interface Objective {
  readonly name: 'availability' | 'latency';
  readonly title: string;
  /** The recorded requests that use its budget. */
  readonly bad: 'failed' | 'slow';
  readonly what: string;
}

const OBJECTIVES: readonly Objective[] = [
  { name: 'availability', title: 'Availability', bad: 'failed', what: 'answered without a server error' },
  { name: 'latency', title: 'Latency', bad: 'slow', what: 'answered within the latency objective' },
];

const burnRate = ({ name, bad }: Objective, window: string): Query => ({
  expr: `job:http_requests_${bad}:ratio_rate${window}{${OF}} / on (job) group_left () (1 - job:slo_${name}:objective)`,
  legend: `${window} {{namespace}}/{{job}}`,
});

const rowOf = (objective: Objective): Row => ({
  title: objective.title,
  panels: [
    {
      title: `${objective.title} objective`,
      description: `Share of requests to be ${objective.what}, from clusters/slo.yaml.`,
      kind: 'number',
      unit: 'percentunit',
      width: 6,
      queries: [{ expr: `job:slo_${objective.name}:objective{job=~"$job"}`, legend: '{{job}}' }],
    },
    {
      title: `${objective.title} now`,
      description: `Share of requests ${objective.what}, over five minutes.`,
      kind: 'number',
      unit: 'percentunit',
      width: 6,
      queries: [
        { expr: `1 - job:http_requests_${objective.bad}:ratio_rate5m{${OF}}`, legend: '{{namespace}}/{{job}}' },
      ],
    },
    {
      title: `${objective.title} budget left`,
      description: 'What is left of the error budget of 30 days; 100 % is untouched, below 0 the objective is broken.',
      kind: 'number',
      unit: 'percentunit',
      width: 6,
      levels: LEFT,
      queries: [{ expr: `job:slo_${objective.name}:budget_left{${OF}}`, legend: '{{namespace}}/{{job}}' }],
    },
    {
      title: `${objective.title} burn rate, 1 h`,
      description: 'How many times faster than allowed the budget is used. 1 uses it up in exactly 30 days.',
      kind: 'number',
      unit: 'short',
      width: 6,
      levels: [
        { from: 0, is: 'good' },
        { from: 1, is: 'warning' },
        { from: 6, is: 'bad' },
      ],
      queries: [burnRate(objective, '1h')],
    },
    {
      title: `${objective.title} budget over time`,
      description: 'What is left of the error budget of 30 days, at every moment.',
      kind: 'lines',
      unit: 'percentunit',
      width: 12,
      max: 1,
      queries: [{ expr: `job:slo_${objective.name}:budget_left{${OF}}`, legend: '{{namespace}}/{{job}}' }],
    },
    {
      title: `${objective.title} burn rates`,
      description:
        'By window. An alert fires when its long and its short window are both above its factor: 14.4 (1h, 5m) and 6 (6h, 30m) page; 3 (1d, 2h) and 1 (3d, 6h) make a ticket.',
      kind: 'lines',
      unit: 'short',
      width: 12,
      min: 0,
      queries: WINDOWS.map((window) => burnRate(objective, window)),
    },
  ],
});

export const slo: Dashboard = {
  uid: 'gitops-slo',
  title: 'Objectives',
  description: 'Service level objectives of clusters/slo.yaml: the budget left, and how fast it is used.',
  tags: ['slo'],
  variables: [
    { name: 'namespace', series: 'service_build_info' },
    { name: 'job', series: 'service_build_info{namespace=~"$namespace"}' },
  ],
  rows: [
    ...OBJECTIVES.map(rowOf),
    {
      title: 'Alerts',
      panels: [
        {
          title: 'Alerts',
          description: 'Alerts that fire or wait for their time. docs/runbooks/alerts.md has a section for each.',
          kind: 'table',
          unit: 'none',
          width: 12,
          columns: { alertname: 'Alert', severity: 'Severity', alertstate: 'State', namespace: 'Namespace' },
          queries: [
            {
              expr: 'count by (alertname, severity, alertstate, namespace) (ALERTS{severity!="watchdog"})',
              legend: 'Series',
              isOfState: true,
            },
          ],
        },
        {
          title: 'Alerts over time',
          description: 'Number of firing alerts by severity.',
          kind: 'areas',
          unit: 'none',
          width: 12,
          queries: [
            {
              expr: 'count by (severity) (ALERTS{alertstate="firing"})',
              legend: '{{severity}}',
            },
          ],
        },
      ],
    },
  ],
};
