import t from 'tap';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { isDuration, syntaxError } from '../../src/kubernetes/promql.ts';
import { ruleProblems } from '../../src/proofs/prometheus-rules.ts';

const ALERT = {
  alert: 'Down',
  expr: 'up == 0',
  for: '5m',
  labels: { severity: 'page' },
  annotations: { summary: 'It is down', description: 'It does not answer.', runbook_url: 'https://example.com/#down' },
};
const object = (...rules: readonly object[]): KubernetesObject & { spec: object } => ({
  apiVersion: 'monitoring.coreos.com/v1',
  kind: 'PrometheusRule',
  metadata: { name: 'service' },
  spec: { groups: [{ name: 'service', rules }] },
});
const rulesOf = (...rules: readonly object[]): string[] =>
  ruleProblems([object(...rules)]).map(({ name, rule }) => `${name}: ${rule}`);

t.test('rules as they should be', (t) => {
  t.strictSame(rulesOf(ALERT, { record: 'a:b', expr: 'sum(rate(a[5m]))' }, { record: 'c', expr: 1 }), []);
  t.end();
});

t.test('each mistake is named', (t) => {
  const mistakes: readonly [object, string][] = [
    [{ ...ALERT, expr: 'up == ' }, 'Down: expr: must be PromQL; it does not parse at column 7: it ends too early'],
    [{ ...ALERT, expr: 'rate(a[5x])' }, 'Down: expr: must be PromQL; it does not parse at column 9: x])'],
    [{ ...ALERT, expr: '' }, 'Down: expr: must be PromQL; it does not parse at column 1: it ends too early'],
    [{ ...ALERT, for: '5 minutes' }, 'Down: for: must be a duration (it is "5 minutes")'],
    [{ ...ALERT, for: 5 }, 'Down: for: must be a duration (it is 5)'],
    [
      { ...ALERT, labels: { severity: 'critical' } },
      'Down: labels.severity: must be page, ticket, watchdog (it is "critical")',
    ],
    [{ ...ALERT, annotations: { ...ALERT.annotations, runbook_url: '' } }, 'Down: annotations.runbook_url: missing'],
    [{ expr: 'up' }, 'service: must have either alert or record'],
  ];
  for (const [rule, expected] of mistakes) t.strictSame(rulesOf(rule), [expected]);
  t.end();
});

t.test('an alert has one name in a cluster, a group one in an Application', (t) => {
  t.strictSame(rulesOf(ALERT, ALERT), ['Down: must be the only alert of this name']);
  t.match(ruleProblems([object(ALERT)], new Set(['Down'])), [{ rule: 'must be the only alert of this name' }]);
  t.match(ruleProblems([object(), object()]), [{ name: 'service', rule: 'must be the only group of this name' }]);
  t.end();
});

t.test('durations and expressions', (t) => {
  for (const text of ['5m', '1h30m', '0s', '250ms', '3d']) t.ok(isDuration(text), text);
  for (const text of ['', '5', 'm', '5 m', '1m1h', '-5m', '1.5h', 5]) t.notOk(isDuration(text), String(text));
  t.equal(syntaxError('absent(up{job="a"} == 1) or on () vector(0)'), undefined);
  t.match(syntaxError('sum by (a (b)'), /^at column/);
  t.end();
});
