import t from 'tap';
import { PromqlError, scaleDurations, selectorsOf } from '../src/promql.ts';
import { resultOf } from '../src/promql-labels.ts';

t.test('selectors: names and matchers in every form', (t) => {
  const text = `sum by (job) (rate(a_total{job=~"x|y", code!='5"'}[5m:1m] offset 1h))
    / on (job) group_left {__name__="b", path=\`c\\d\`} > {"d.e", "f.g"="h"}`;
  t.strictSame(selectorsOf(text), [
    {
      metric: 'a_total',
      matchers: [
        { label: 'job', operator: '=~', value: 'x|y' },
        { label: 'code', operator: '!=', value: '5"' },
      ],
    },
    { metric: 'b', matchers: [{ label: 'path', operator: '=', value: 'c\\d' }] },
    { metric: 'd.e', matchers: [{ label: 'f.g', operator: '=', value: 'h' }] },
  ]);
  t.match(selectorsOf('{__name__=~"a.*"}'), [{ metric: undefined, matchers: [{ label: '__name__' }] }]);
  t.end();
});

t.test('what does not parse is refused with its column', (t) => {
  for (const [text, column] of [
    ['sum(', 5],
    ['', 1],
    ['rate(a[5q])', 9],
    ['a ++', 5],
  ] as const)
    t.throws(() => selectorsOf(text), new PromqlError(text, column), JSON.stringify(text));
  t.end();
});

t.test('durations are scaled, numbers are not', (t) => {
  t.equal(
    scaleDurations('rate(a{b="5m"}[1h30m] offset 5m)[1d:5m] > 14.4 * 300', 0.01),
    'rate(a{b="5m"}[54s] offset 3s)[14m24s:3s] > 14.4 * 300',
  );
  t.end();
});

const METRICS: Readonly<Record<string, readonly string[]>> = {
  requests_total: ['job', 'pod', 'code'],
  latency_bucket: ['job', 'pod', 'le'],
  limit: ['job', 'pod'],
  build_info: ['job', 'pod', 'version'],
};
const lookup = (metric: string): ReadonlySet<string> | undefined =>
  metric in METRICS ? new Set(METRICS[metric]) : undefined;

t.test('the labels of a result', (t) => {
  const expected: Readonly<Record<string, readonly string[]>> = {
    'rate(requests_total{code="500"}[5m])': ['code', 'job', 'pod'],
    'sum(requests_total)': [],
    'sum by (job) (requests_total)': ['job'],
    'sum without (code) (requests_total) / limit': ['job', 'pod'],
    'topk by (job) (3, requests_total)': ['code', 'job', 'pod'],
    'histogram_quantile(0.95, sum by (job, le) (rate(latency_bucket[5m])))': ['job'],
    'count_values("value", limit)': ['value'],
    'requests_total * on (pod) group_left (version) build_info': ['code', 'job', 'pod', 'version'],
    'build_info * on (pod) group_right (version) requests_total': ['code', 'job', 'pod', 'version'],
    'limit > on (pod) sum by (pod) (requests_total)': ['pod'],
    'label_replace(limit, "node", "$1", "pod", "(.*)")': ['job', 'node', 'pod'],
    'label_replace(vector(0), "node", "none", "", "")': ['node'],
    'absent(limit{job="x"})': ['job'],
    // Labels of a comparison are not known to absent().
    'absent(limit{job="x"} == 1)': [],
    'limit or vector(0)': ['job', 'pod'],
    'max_over_time(sum(limit)[1h:]) * 2 > bool 3': [],
    '1 - (limit @ end() offset 5m)': ['job', 'pod'],
    '-limit unless on (pod) build_info': ['job', 'pod'],
    'time() - limit': ['job', 'pod'],
  };
  for (const [text, labels] of Object.entries(expected)) {
    const result = resultOf(text, lookup);
    t.strictSame(result.problems, [], text);
    t.strictSame([...result.labels].sort(), labels, text);
  }
  t.end();
});

t.test('what does not exist, and what never matches', (t) => {
  const expected: Readonly<Record<string, string>> = {
    'sum by (job) (gone) / on (job) gone': 'nobody exports the metric gone',
    'limit{code="500"}': 'the metric limit has no label code',
    'sum by (code) (limit)': 'limit has no label code, by which sum groups',
    'sum by (job) (limit) * on (pod) limit': 'sum by (job) (limit) has no label pod, on which the operator matches',
    'histogram_quantile(0.5, limit)': 'limit has no label le, which histogram_quantile needs',
    'limit * on (pod) group_left (node) build_info': 'build_info has no label node, which group_left carries over',
    'label_replace(limit, "a", "$1", "node", ".*")': 'limit has no label node, which label_replace reads',
    'requests_total / limit': 'requests_total / limit: its sides never match, since only one has code',
    'limit and requests_total': 'limit and requests_total: its sides never match, since only one has code',
    '{job="x"}': '{job="x"} names no metric',
  };
  for (const [text, problem] of Object.entries(expected))
    t.strictSame(resultOf(text, lookup).problems, [problem], text);
  t.end();
});
