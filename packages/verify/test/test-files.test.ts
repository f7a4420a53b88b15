import t from 'tap';
import { slowest, testFilesOf } from '../src/test-files.ts';

t.test('test files and their times are read from the output of tap, by itself or below Turborepo', (t) => {
  const output = [
    '@gitops/platform:integration: ok 1 - test/integration/state.test.ts # time=2500.5ms',
    '@gitops/platform:integration:     ok 2 - a subtest # time=9000ms',
    '@gitops/e2e:integration: not ok 3 - test/1-deploy.test.ts # time=61000ms',
    'ok 1 - test/cost.test.ts # time=90ms',
  ].join('\n');
  const files = [
    { name: '@gitops/platform test/integration/state.test.ts', seconds: 2.5005 },
    { name: '@gitops/e2e test/1-deploy.test.ts', seconds: 61 },
    { name: 'test/cost.test.ts', seconds: 0.09 },
  ];
  t.same(testFilesOf(output), files);
  t.same(
    slowest(files, 2).map(({ seconds }) => seconds),
    [61, 2.5005],
  );
  t.end();
});
