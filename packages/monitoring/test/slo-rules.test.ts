import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { timings } from '@gitops/service/timings';
import { clusterNames } from '@gitops/settings';
import { errorBudget, readSlo } from '@gitops/settings/slo';
import { durationOf, secondsOf } from '../src/duration.ts';
import { type BurnRateAlert, secondsToClearing, secondsToFiring, thresholdOf } from '../src/slo.ts';
import { type Group, groupsOf, helmArguments, promtoolTest, root, type Rule, tool } from './rendered.ts';

const clusters = clusterNames(root);
const rulesOf = (cluster: string): Rule[] => groupsOf(cluster, 'slo').flatMap(({ rules }) => rules);
const ruleNamed = (cluster: string, name: string): Rule => {
  const found = rulesOf(cluster).find(({ alert, record }) => alert === name || record === name);
  if (found === undefined) throw new Error(`${cluster} has no rule ${name}`);
  return found;
};

/** The burn rates of the Site Reliability Workbook, chapter 5, by the end of the alerts' names. */
const BURNS: Readonly<Record<string, BurnRateAlert & { readonly severity: string }>> = {
  '14x': { factor: 14.4, long: secondsOf('1h'), short: secondsOf('5m'), for: 0, severity: 'page' },
  '6x': { factor: 6, long: secondsOf('6h'), short: secondsOf('30m'), for: 0, severity: 'page' },
  '3x': { factor: 3, long: secondsOf('1d'), short: secondsOf('2h'), for: 0, severity: 'ticket' },
  '1x': { factor: 1, long: secondsOf('3d'), short: secondsOf('6h'), for: 0, severity: 'ticket' },
};
const OBJECTIVES = ['Availability', 'Latency'] as const;
type Objective = (typeof OBJECTIVES)[number];

/** An objective in percent, as packages/settings resolves it. */
const percentOf = (cluster: string, objective: Objective): number => {
  const slo = readSlo(root, cluster);
  return objective === 'Availability' ? slo.availability : slo.latency.percent;
};

t.test('objectives and thresholds are those of clusters/slo.yaml, resolved for each cluster', (t) => {
  for (const cluster of clusters)
    for (const objective of OBJECTIVES) {
      const percent = percentOf(cluster, objective);
      const { expr } = ruleNamed(cluster, `job:slo_${objective.toLowerCase()}:objective`);
      t.equal(expr, `vector(${Number((percent / 100).toPrecision(12))})`, cluster);
      for (const [name, burn] of Object.entries(BURNS)) {
        const alert = ruleNamed(cluster, `${objective}BudgetBurn${name}`);
        const thresholds = [...alert.expr.matchAll(/ratio_rate(\w+) > (\S+)/g)];
        t.strictSame(
          thresholds.map(([, window, value]) => [window, Number(value)]),
          [burn.long, burn.short].map((window) => [durationOf(window), thresholdOf(burn, percent / 100)]),
          `${cluster} ${alert.alert}`,
        );
        t.match(alert.labels, { severity: burn.severity, slo: objective.toLowerCase() });
        t.match(alert.expr, `job:http_requests:rate${durationOf(burn.long)} > `, 'with a minimum of traffic');
      }
      const budget = ruleNamed(cluster, `job:slo_${objective.toLowerCase()}:budget_left`);
      t.match(budget.expr, new RegExp(`/ ${errorBudget(percent)}$`));
    }
  t.end();
});

t.test('the latency objective is an edge of the histogram that the service exports', (t) => {
  for (const cluster of clusters) {
    const seconds = readSlo(root, cluster).latency.milliseconds / 1000;
    t.equal(seconds, timings.latencyObjective);
    const edges = rulesOf(cluster).flatMap(({ expr }) => [...expr.matchAll(/le="([^"]*)"/g)].map(([, edge]) => edge));
    t.ok(edges.length >= 6, `${edges.length} buckets`);
    t.same([...new Set(edges)], [String(seconds)]);
  }
  t.end();
});

t.test('Prometheus writes the edge of a whole second with .0, and so does the rule', (t) => {
  const folder = t.testdir({});
  for (const name of ['argocd', 'charts', 'clusters'])
    cpSync(join(root, name), join(folder, name), { recursive: true });
  const file = join(folder, 'clusters/slo.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('milliseconds: 100', 'milliseconds: 2000'));
  t.match(tool('helm', ...helmArguments('dev', folder)).stdout, 'le="2.0"');
  // 14.4 times the budget of 93 % is more than every request.
  writeFileSync(file, text.replace('availability: 99.9', 'availability: 93'));
  t.match(tool('helm', ...helmArguments('staging', folder)).output, /monitoring: availability: must be above 93\.1/);
  for (const wrong of ['100', '0', '101']) {
    writeFileSync(file, text.replace('availability: 99.9', `availability: ${wrong}`));
    t.match(tool('helm', ...helmArguments('staging', folder)).output, /at '\/availability': /, wrong);
    t.throws(() => readSlo(folder, 'staging'), { message: /availability/ }, wrong);
  }
  t.end();
});

/** Requests a minute; enough for the minimum of traffic. */
const TRAFFIC = 6000;

/** A counter that grows by so much a step, for so many steps each. */
function counter(...parts: readonly (readonly [step: number, steps: number])[]): string {
  let value = 0;
  const texts: string[] = [];
  for (const [step, steps] of parts) {
    texts.push(`${value}+${step}x${steps - 1}`);
    value += step * steps;
  }
  return texts.join(' ');
}

/** Series of the service in which a share of the requests fails or is slow in the middle part. */
function seriesOf(objective: Objective, ratio: number, [before, during, after]: readonly number[], step: number) {
  const all = (TRAFFIC * step) / 60;
  const parts = (usual: number, bad: number): string =>
    counter([usual, (before ?? 0) / step], [bad, (during ?? 0) / step], [usual, (after ?? 0) / step]);
  const labels = 'namespace="n",job="fastify-service",pod="a"';
  const [count, bucket] = ['count', 'bucket'].map((end) => `http_request_duration_seconds_${end}`);
  if (objective === 'Availability')
    return [
      { series: `${count}{${labels},status_code="200"}`, values: parts(all, all * (1 - ratio)) },
      { series: `${count}{${labels},status_code="503"}`, values: parts(0, all * ratio) },
      { series: `${bucket}{${labels},status_code="200",le="0.1"}`, values: parts(all, all) },
    ];
  return [
    { series: `${count}{${labels},status_code="200"}`, values: parts(all, all) },
    { series: `${bucket}{${labels},status_code="200",le="0.1"}`, values: parts(all, all * (1 - ratio)) },
  ];
}

/** An alert without its texts, which promtool would compare as well. */
const bare = (rule: Rule): Rule => ({ ...rule, annotations: {} });

/** The recordings that an alert reads, and itself: promtool is asked about days. */
function groupsFor(cluster: string, alert: Rule): Group[] {
  const wanted = new Set<string>();
  const rules = rulesOf(cluster);
  const want = ({ expr }: Rule): void => {
    for (const [name] of expr.matchAll(/job:[\w:]+/g)) {
      if (wanted.has(name)) continue;
      wanted.add(name);
      for (const rule of rules) if (rule.record === name) want(rule);
    }
  };
  want(alert);
  const recordings = rules.filter(({ record }) => record !== undefined && wanted.has(record));
  return [{ name: 'test', rules: [...recordings, alert] }];
}

/** 1d and 3d are means of rates over five minutes, in which a failure is whole half of that time later. */
const meanDelay = ({ long }: BurnRateAlert): number => (long >= secondsOf('1d') ? secondsOf('5m') / 2 : 0);

function testBurn(t: Test, cluster: string, objective: Objective, name: string): void {
  const burn = BURNS[name];
  if (burn === undefined) throw new Error(name);
  const percent = percentOf(cluster, objective);
  const rule = ruleNamed(cluster, `${objective}BudgetBurn${name}`);
  const alert = bare(rule);
  // Four times the threshold, or every request.
  const ratio = Math.min(1, 4 * thresholdOf(burn, percent / 100));
  // Windows of days are asked every two minutes.
  const step = burn.long >= secondsOf('1d') ? 120 : 30;
  const round = (seconds: number): number => Math.ceil(seconds / step) * step;
  const firing = secondsToFiring(burn, percent / 100, { ratio }) + meanDelay(burn);
  const [before, during] = [burn.long + 600, round(firing + 1800)];
  const clearing = before + during + secondsToClearing(burn, percent / 100, { ratio });
  // A sample and an evaluation on either side: what is scraped has gaps, the algebra has none.
  const slack = 2 * step;
  const labels = { namespace: 'n', job: 'fastify-service', ...alert.labels };
  const at = (seconds: number): string => `${round(seconds)}s`;
  const test = {
    interval: `${step}s`,
    input_series: seriesOf(objective, ratio, [before, during, round(burn.short) + 3600], step),
    alert_rule_test: [
      { eval_time: at(before + firing - slack), alertname: rule.alert },
      { eval_time: at(before + firing + slack), alertname: rule.alert, exp_alerts: [{ exp_labels: labels }] },
      { eval_time: at(clearing - slack), alertname: rule.alert, exp_alerts: [{ exp_labels: labels }] },
      { eval_time: at(clearing + slack), alertname: rule.alert },
    ],
  };
  t.equal(promtoolTest(t, groupsFor(cluster, alert), [test], `${step}s`), '', `${cluster} ${rule.alert}`);
}

t.test('each burn-rate alert fires and clears when the algebra says so', (t) => {
  const seen = new Set<string>();
  const all = ['staging', ...clusters].flatMap((cluster) => OBJECTIVES.map((objective) => ({ cluster, objective })));
  for (const { cluster, objective } of all) {
    // Clusters with the same objective have the same rules.
    const key = `${objective} ${percentOf(cluster, objective)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    // promtool needs seconds for an alert that looks at days: those of one cluster stand for all.
    for (const [name, { severity }] of Object.entries(BURNS))
      if (severity === 'page' || cluster === 'staging') testBurn(t, cluster, objective, name);
  }
  t.ok(seen.size >= 4, [...seen].join(', '));
  t.end();
});

t.test('a few requests that all fail burn nothing', (t) => {
  const alert = bare(ruleNamed('staging', 'AvailabilityBudgetBurn14x'));
  const series = (perMinute: number) => ({
    interval: '1m',
    input_series: [
      {
        series: 'http_request_duration_seconds_count{namespace="n",job="fastify-service",status_code="500"}',
        values: `0+${perMinute}x120`,
      },
    ],
    alert_rule_test: [
      {
        eval_time: '90m',
        alertname: alert.alert,
        ...(perMinute < 12
          ? {}
          : { exp_alerts: [{ exp_labels: { namespace: 'n', job: 'fastify-service', ...alert.labels } }] }),
      },
    ],
  });
  // The minimum is 0.2 a second: 12 a minute.
  t.equal(promtoolTest(t, groupsFor('staging', alert), [series(11), series(13)], '1m'), '');
  t.end();
});

t.test('without the metric, or without its edge, somebody is woken', (t) => {
  const alert = bare(ruleNamed('staging', 'ServiceMetricsAbsent'));
  const fires = { exp_alerts: [{ exp_labels: { job: 'fastify-service', le: '0.1', severity: 'page' } }] };
  const series = 'http_request_duration_seconds_bucket{namespace="n",job="fastify-service",le=';
  const tests = [
    {
      interval: '1m',
      input_series: [{ series: `${series}"0.1"}`, values: '_x10 1+1x10 stale' }],
      alert_rule_test: [
        { eval_time: '4m', alertname: alert.alert },
        { eval_time: '5m', alertname: alert.alert, ...fires },
        { eval_time: '10m', alertname: alert.alert },
        { eval_time: '25m', alertname: alert.alert },
        { eval_time: '26m', alertname: alert.alert, ...fires },
      ],
    },
    {
      interval: '1m',
      input_series: [{ series: `${series}"0.25"}`, values: '1+1x30' }],
      alert_rule_test: [{ eval_time: '5m', alertname: alert.alert, ...fires }],
    },
  ];
  t.equal(promtoolTest(t, [{ name: 'test', rules: [alert] }], tests, '1m'), '');
  t.end();
});

t.test('the budget that is left', (t) => {
  const groups = groupsFor('staging', ruleNamed('staging', 'job:slo_availability:budget_left'));
  const test = (ratio: number, value: number) => ({
    interval: '1m',
    input_series: seriesOf('Availability', ratio, [60, 6000, 60], 60),
    promql_expr_test: [
      {
        expr: 'round(job:slo_availability:budget_left, 0.1)',
        eval_time: '100m',
        exp_samples: [{ labels: '{namespace="n",job="fastify-service"}', value }],
      },
    ],
  });
  t.equal(promtoolTest(t, groups, [test(0, 1), test(0.0005, 0.5), test(0.002, -1)], '1m'), '');
  t.end();
});
