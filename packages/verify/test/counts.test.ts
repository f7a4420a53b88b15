import t from 'tap';
import { countsOf } from '../src/counts.ts';

t.test('sums the summaries of all packages, and counts other tasks as one each', (t) => {
  const output = [
    '@gitops/service:unit: # { total: 29, pass: 29 }',
    '@gitops/subnets:integration: # { total: 5, pass: 3, fail: 2 }',
    '',
    ' Tasks:    6 successful, 7 total',
  ].join('\n');
  t.same(countsOf(output, false), { passed: 32 + 4, failed: 2 });
  t.same(countsOf('# { total: 2, pass: 2 }', true), { passed: 2, failed: 0 });
  t.end();
});

t.test('a failure without a failed assertion is one failure', (t) => {
  t.same(countsOf('', false), { passed: 0, failed: 1 });
  t.same(countsOf('# { total: 2, pass: 2 }', false), { passed: 2, failed: 1 });
  t.same(countsOf(' Tasks:    3 successful, 4 total', false), { passed: 3, failed: 1 });
  t.end();
});
