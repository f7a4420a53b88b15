import t from 'tap';
import { failuresOf } from '../src/failures.ts';

t.test('failed assertions are named with file and tests, once each', (t) => {
  const output = [
    '# Subtest: test/one.test.ts',
    '    # Subtest: outer',
    '        # Subtest: inner',
    '            not ok 1 - one is two',
    '              ---',
    '              diff: |',
    '                -one',
    '                +two',
    '                ok 3 - this is text',
    '              at:',
    '                lineNumber: 3',
    '              source: |',
    '                t.equal(1, 2)',
    '              ...',
    '            ok 2 - fine',
    '        not ok 1 - inner # time=19.99ms',
    '        not ok 2 - should be equal',
    '    not ok 1 - outer # time=26.048ms',
    '    # Subtest: good',
    '        ok 1 - fine',
    '    ok 2 - good # time=1ms',
    'not ok 1 - test/one.test.ts # time=43.498ms',
  ].join('\n');
  t.same(failuresOf(output), [
    [
      'test/one.test.ts > outer > inner > one is two',
      '    diff: |',
      '      -one',
      '      +two',
      '      ok 3 - this is text',
    ].join('\n'),
    'test/one.test.ts > outer > should be equal',
  ]);
  t.end();
});

t.test('below Turborepo: tests that ran beside each other, a file that crashed, and tasks that are no tests', (t) => {
  const output = [
    '@gitops/e2e:integration: not ok 1 - test/a.test.ts # time=61000ms {',
    '@gitops/e2e:integration:     # Subtest: drill',
    '@gitops/e2e:integration:         not ok 1 - it stays',
    '@gitops/e2e:integration:           ---',
    ...Array.from({ length: 20 }, (_, line) => `@gitops/e2e:integration:           line ${line}`),
    '@gitops/e2e:integration:           ...',
    '@gitops/e2e:integration:     not ok 1 - drill # time=61000ms',
    '@gitops/e2e:integration: }',
    '@gitops/load:unit: # Subtest: test/b.test.ts',
    '@gitops/load:unit:     ok 1 - fine',
    '@gitops/load:unit: not ok 2 - test/b.test.ts # time=3ms',
    ' Tasks:    5 successful, 9 total',
    'Failed:    @gitops/e2e#integration, @gitops/load#unit, @gitops/tools#lint',
  ].join('\n');
  t.same(failuresOf(output), [
    [
      '@gitops/e2e test/a.test.ts > drill > it stays',
      ...Array.from({ length: 12 }, (_, line) => `    line ${line}`),
      '    …',
    ].join('\n'),
    '@gitops/load test/b.test.ts',
    '@gitops/tools:lint',
  ]);
  t.end();
});

t.test('nothing failed', (t) => {
  t.same(failuresOf('# Subtest: x\n    ok 1 - fine\nok 1 - x # time=1ms\n Tasks:    5 successful, 5 total\n'), []);
  t.end();
});
