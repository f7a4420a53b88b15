import t from 'tap';
import { CommandError } from '@gitops/report/errors';
import {
  applicationsTable,
  comparedRevision,
  entryRevision,
  isAffected,
  isAutoSynced,
  isSettled,
  problemsOf,
  readsFrom,
  runningRevision,
  shortImage,
} from '../src/applications.ts';
import type { Application, HistoryEntry, Source } from '../src/argocd-api.ts';
import { rollbackTarget } from '../src/rollback.ts';

const source = { repoURL: 'http://git/x.git', path: 'charts/app' };
const settled: Application = {
  metadata: {
    name: 'app',
    annotations: { 'argocd.argoproj.io/manifest-generate-paths': '/charts/app;/clusters/local/app.yaml' },
  },
  spec: { source, syncPolicy: { automated: {} } },
  status: {
    sync: { status: 'Synced', revision: 'c'.repeat(40), comparedTo: { source } },
    health: { status: 'Healthy' },
    operationState: { phase: 'Succeeded', syncResult: { revision: 'c'.repeat(40) } },
    summary: { images: [`registry.internal/app:1.0@sha256:${'d'.repeat(64)}`] },
  },
};
const withStatus = (status: Partial<NonNullable<Application['status']>>): Application => ({
  ...settled,
  status: { ...settled.status, ...status },
});

t.test('a push affects an Application by its annotation alone', (t) => {
  t.equal(isAffected(settled, ['charts/app/values.yaml']), true);
  t.equal(isAffected(settled, ['clusters/local/app.yaml']), true);
  t.equal(isAffected(settled, ['charts/app-two/values.yaml', 'clusters/local/app.yaml.bak', 'README.md']), false);
  t.equal(isAffected({ ...settled, metadata: { name: 'app' } }, ['README.md']), true, 'without one, every push does');
  t.end();
});

t.test('settled means synced with the present spec, healthy and at rest', (t) => {
  t.equal(isSettled(settled), true);
  t.equal(
    isSettled({ ...settled, spec: { ...settled.spec, source: { ...source, path: 'elsewhere' } } }),
    false,
    'the status tells of another spec',
  );
  t.equal(isSettled({ ...settled, operation: {} }), false);
  t.equal(isSettled(withStatus({ health: { status: 'Progressing' } })), false);
  t.equal(isSettled(withStatus({ operationState: { phase: 'Running' } })), false);
  t.end();
});

t.test('auto-sync is on unless it is switched off or was never there', (t) => {
  const policy = (syncPolicy: Application['spec']['syncPolicy']): boolean =>
    isAutoSynced({ ...settled, spec: syncPolicy === undefined ? {} : { syncPolicy } });
  t.same(
    [
      policy({ automated: {} }),
      policy({ automated: { enabled: true } }),
      policy({ automated: { enabled: false } }),
      policy({}),
      policy(undefined),
    ],
    [true, true, false, false, false],
  );
  t.end();
});

t.test('an Application of several sources has its commit in a list', (t) => {
  t.equal(comparedRevision(withStatus({ sync: { revision: '', revisions: ['abc', 'abc'] } })), 'abc');
  t.equal(entryRevision({ id: 1, deployedAt: '', revision: '', revisions: ['abc'] }), 'abc');
  t.end();
});

t.test("what is wrong is reported in Argo CD's words, pods first", (t) => {
  const bad = withStatus({
    health: { status: 'Degraded' },
    conditions: [{ type: 'ComparisonError', message: 'does\n not render' }],
    operationState: { phase: 'Running', retryCount: 2, message: 'denied' },
  });
  t.same(
    problemsOf({ ...bad, spec: { syncPolicy: { automated: { enabled: false } } } }, [
      { kind: 'Pod', name: 'app-1', health: { status: 'Degraded', message: 'back-off' } },
      { kind: 'Service', name: 'app', health: { status: 'Healthy', message: '' } },
    ]),
    [
      'ComparisonError: does not render',
      'sync failed: denied',
      'Pod/app-1 Degraded: back-off',
      'auto-sync is off (rolled back) until `make resume APP=app` hands it back to Git',
    ],
  );
  t.same(problemsOf(settled), []);
  t.end();
});

t.test('a failure of the past is no problem of the present', (t) => {
  const failed = withStatus({ operationState: { phase: 'Failed', message: 'denied' } });
  t.same(problemsOf(failed), [], 'a later commit asks for what runs');
  const sync = { ...failed.status?.sync, status: 'OutOfSync' };
  t.same(problemsOf({ ...failed, status: { ...failed.status, sync } }), ['sync failed: denied']);
  const of = (commit: string): Application =>
    withStatus({
      sync: { ...sync, revision: 'c'.repeat(40) },
      operationState: { phase: 'Failed', message: 'denied', syncResult: { revision: commit.repeat(40) } },
    });
  t.same(problemsOf(of('c')), ['sync failed: denied']);
  t.same(problemsOf(of('b')), [], 'a later commit waits; what failed is not what is compared');
  t.same(problemsOf({ ...of('b'), operation: {} }), ['sync failed: denied'], 'it is tried again');
  t.end();
});

t.test("Argo CD's warnings are shown as well, after what is wrong", (t) => {
  const warned = withStatus({
    conditions: [
      { type: 'SharedResourceWarning', message: 'Deployment/app is part of app and app-2' },
      { type: 'DeletionError', message: 'forbidden' },
    ],
  });
  t.same(problemsOf(warned), [
    'DeletionError: forbidden',
    'SharedResourceWarning: Deployment/app is part of app and app-2',
  ]);
  t.end();
});

t.test('the table shows what people compare', (t) => {
  t.equal(shortImage('registry.internal:5000/app:1.0'), 'app:1.0');
  t.equal(
    applicationsTable([settled]),
    [
      'APPLICATION  SYNC    HEALTH   AUTO-SYNC  REVISION  IMAGE',
      'app          Synced  Healthy  on         ccccccc   app:1.0@ddddddd',
    ].join('\n'),
  );
  t.end();
});

t.test('rollback goes to the version before, and a second one further back', (t) => {
  const history = ['a', 'b', 'a', 'c'].map((revision, id) => ({ id, revision, deployedAt: '2026-01-01T00:00:00Z' }));
  const deployed = (revision: string, entries: readonly HistoryEntry[] = history): Application =>
    withStatus({ history: entries, operationState: { phase: 'Succeeded', syncResult: { revision } } });
  t.equal(rollbackTarget(deployed('c'), undefined).id, 2);
  t.equal(rollbackTarget(deployed('b'), undefined).id, 0);
  t.equal(rollbackTarget(deployed('never finished'), undefined).id, 3, 'a version without entry is later than all');
  t.equal(rollbackTarget(deployed('c'), 1).id, 1);
  const failed = (revision: string): Application =>
    withStatus({ history, operationState: { phase: 'Error', syncResult: { revision } } });
  t.equal(rollbackTarget(failed('b'), undefined).id, 2, 'a rollback to b failed, c still runs');
  t.equal(rollbackTarget(failed('new'), undefined).id, 3, 'of a new version that failed, a part may run');
  t.same([runningRevision(failed('b')), runningRevision(deployed('b'))], ['c', 'b']);
  const [, ...kept] = history.map((entry) => ({ ...entry, initiatedBy: { automated: true } }));
  const dropped = deployed('z', [
    ...kept,
    { id: 4, deployedAt: '', revision: 'z', initiatedBy: { username: 'on-call' } },
  ]);
  const rolledBack = {
    spec: { syncPolicy: { automated: { enabled: false } } },
    status: { ...dropped.status, sync: { status: 'OutOfSync' } },
  };
  t.throws(
    () => rollbackTarget({ ...dropped, ...rolledBack }, undefined),
    /no earlier version/,
    'back to a version whose entry was dropped: all others are later',
  );
  t.throws(() => rollbackTarget(deployed('c'), 9), { message: 'app has no history entry 9' });
  t.throws(() => rollbackTarget(deployed('a'), undefined), CommandError, 'nothing before the first');
  t.throws(() => rollbackTarget(deployed('a', []), undefined), {
    message: 'app has no history: nothing was deployed yet',
  });
  t.end();
});

t.test('an Application reads from this repository when all that it takes from Git is there', (t) => {
  const reading = (...sources: readonly Source[]): boolean => readsFrom({ ...settled, spec: { sources } }, 'here');
  t.equal(reading({ repoURL: 'here', path: 'a' }, { repoURL: 'here' }), true);
  t.equal(reading({ repoURL: 'charts', chart: 'argo-cd' }, { repoURL: 'here' }), true, 'a chart comes from elsewhere');
  t.equal(reading({ repoURL: 'here' }, { repoURL: 'elsewhere', path: 'a' }), false);
  t.end();
});
