import t from 'tap';
import { notExported } from '../src/contract/compare.ts';
import { breaches } from '../src/contract/contract.ts';
import { metricsOf, scraped } from '../src/contract/exported.ts';
import { scrapesOf } from '../src/contract/monitors.ts';
import { type NamedRule, usersOfRules } from '../src/contract/users.ts';
import { root } from './helper.ts';

t.test('names and labels of an answer of /metrics', (t) => {
  const text = `# HELP a_total text
# TYPE a_total counter
a_total{x="1",path="/a{b}\\"="} 5
a_total{y="2"} 6 1700000000
b 1e-3
`;
  t.strictSame(
    [...metricsOf(text)],
    [
      ['a_total', new Set(['x', 'path', 'y'])],
      ['b', new Set()],
    ],
  );
  t.end();
});

t.test('relabelings of a monitor', (t) => {
  const endpoint = {
    relabelings: [{ targetLabel: 'node' }, { action: 'labeldrop', regex: 'endpoint|container|pod_.*' }],
    metricRelabelings: [
      { action: 'drop', sourceLabels: ['__name__'], regex: 'gone|a' },
      { action: 'drop', sourceLabels: ['__name__', 'x'], regex: 'b;.*' },
    ],
  };
  const monitor = { kind: 'ServiceMonitor', metadata: { name: 'm' }, spec: { endpoints: [endpoint] } };
  const scrape = scrapesOf([monitor, { kind: 'Secret', metadata: { name: 's' } }]).get('m');
  if (scrape === undefined) throw new Error('no monitor');
  t.strictSame([...scrape.labels].sort(), ['instance', 'job', 'namespace', 'node', 'pod', 'service']);
  const metrics = new Map(['gone', 'a', 'ab', 'b'].map((name) => [name, new Set(['node', 'x'])] as const));
  const kept = scraped(metrics, scrape);
  t.strictSame([...kept.keys()], ['ab', 'b'], 'the whole name must match, and nothing but the name');
  t.ok(kept.get('b')?.has('exported_node'), "the target's label wins");
  t.notOk(
    scraped(metrics, { ...scrape, honorsLabels: true })
      .get('b')
      ?.has('exported_node'),
  );
  t.end();
});

t.test('recordings count with the labels of their expressions, in any order', (t) => {
  const rules: NamedRule[] = [
    { of: 'r', record: 'second', expr: 'sum by (job) (first)' },
    { of: 'r', record: 'first', expr: 'sum by (job, pod) (raw)', labels: { slo: 'x' } },
    { of: 'r', alert: 'A', expr: 'second > 1', annotations: { summary: '{{ $labels.job }} {{ $labels.pod }}' } },
  ];
  const exported = [{ source: 's', jobs: ['j'], metrics: new Map([['raw', new Set(['job', 'pod', 'x'])]]) }];
  t.strictSame(breaches(usersOfRules(rules), rules, exported), [
    { problem: 'the answer has no label pod, which is shown', places: ['PrometheusRule r: alert A'] },
  ]);
  const asking = usersOfRules([{ of: 'r', alert: 'B', expr: 'first{slo="x"} and on (job) ALERTS{alertname="A"}' }]);
  t.strictSame(breaches(asking, rules, exported), []);
  t.end();
});

t.test('what is recorded of a component and a real one does not export', (t) => {
  const file = 'packages/monitoring/exported/prometheus.yaml';
  const all = ['prometheus_config_last_reload_successful 1\n', 'prometheus_notifications_alertmanagers_discovered 1\n'];
  t.strictSame(notExported(root, file, [...all, 'prometheus_rule_evaluation_failures_total{rule_group="a"} 0\n']), []);
  t.strictSame(notExported(root, file, ['prometheus_rule_evaluation_failures_total 0\n', ...all.slice(1)]), [
    `${file}: metrics.prometheus_config_last_reload_successful: not exported`,
    `${file}: metrics.prometheus_rule_evaluation_failures_total: has no label rule_group`,
  ]);
  t.end();
});
