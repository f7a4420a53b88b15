import t from 'tap';
import { describePreview, type Preview } from '../src/held-back.ts';

const now = Date.parse('2026-01-01T12:00:00Z');
const preview: Preview = {
  runs: 'a'.repeat(40),
  main: 'b'.repeat(40),
  since: '2026-01-01T11:00:00Z',
  by: 'oncall',
  image: 'app:2@2222222',
  commits: [
    { commit: 'b'.repeat(40), date: '2026-01-01T11:59:00Z', author: 'CI', message: 'Deploy app 2 to local\n\nWhy' },
  ],
  changes: [
    {
      object: 'Deployment/app',
      path: 'spec.template.spec.containers[app].image',
      before: `registry.internal/app:1@sha256:${'1'.repeat(64)}`,
      after: `registry.internal/app:2@sha256:${'2'.repeat(64)}`,
      kind: 'pod-restart',
      effect: 'changed',
      consequence: 'every pod is replaced',
    },
  ],
  problem: undefined,
};

t.test('a preview names commits and changes, and images so that they differ', (t) => {
  t.equal(
    describePreview('app', preview, now),
    [
      'app runs aaaaaaa; main is at bbbbbbb.',
      '',
      'COMMIT   AGE  AUTHOR  SUBJECT',
      'bbbbbbb  60s  CI      Deploy app 2 to local',
      '',
      'OBJECT          FIELD                                     NOW            THEN           WHAT HAPPENS',
      'Deployment/app  spec.template.spec.containers[app].image  app:1@1111111  app:2@2222222  every pod is replaced',
    ].join('\n'),
  );
  t.end();
});

t.test('a preview without changes, without the commit that runs, or of a main that does not render', (t) => {
  t.match(
    describePreview('app', { ...preview, commits: [], changes: [] }),
    /bbbbbbb\.\n\nNothing changes in the cluster\.$/,
  );
  t.match(describePreview('app', { ...preview, commits: undefined }), 'Git does not have aaaaaaa');
  t.match(
    describePreview('app', { ...preview, changes: undefined, problem: 'no such value' }),
    /main does not render: no such value$/,
  );
  t.end();
});
