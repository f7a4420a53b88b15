import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Application, isAutoSynced } from '@gitops/local';
import { APP, command, Stack, succeed, until } from '../src/stack.ts';

// Argo CD's state is lost, and comes back from a backup: with the history, with what on-call switched off, and without a
// rollout of what runs.

const stack = await Stack.open();
const { dir } = stack.instance;
const old = await stack.ship('18.0.0');
await stack.ship('18.1.0');
await succeed(dir, ['rollback', '--app', APP]);
const { file, applications } = JSON.parse(await succeed(dir, ['backup', '--json'])) as {
  file: string;
  applications: string[];
};

/** What must come back of an Application. */
const stateOf = (application: Application) => ({
  spec: application.spec,
  history: application.status?.history ?? [],
  isAutoSynced: isAutoSynced(application),
});
const before = stateOf(await stack.application());
const { history } = before;

/** What must not change while Argo CD is away. */
async function running(): Promise<unknown> {
  const { metadata } = await stack.deployment();
  const pods = await stack.kubectl('-n', APP, 'get', 'pods', '-o', 'jsonpath={.items[*].metadata.uid}');
  return { uid: metadata.uid, generation: metadata.generation, pods: pods.split(' ').sort() };
}

t.test('a backup names what it holds, and its owner alone reads it', async (t) => {
  t.same(applications, [APP, 'root']);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(readFileSync(file, 'utf8'), /^kind: AppProject$/m);
  t.match((await command(dir, ['restore', '--from', '/nowhere'])).stderr, '/nowhere does not exist');
  const other = join(t.testdir({ 'other.yaml': 'kind: Application\n' }), 'other.yaml');
  t.match((await command(dir, ['restore', '--from', other])).stderr, 'holds no Application');
});

t.test('everything of Argo CD deleted: it comes back, and nothing is rolled out', async (t) => {
  const ran = await running();
  const kubectl = async (...args: string[]): Promise<string> => stack.kubectl('-n', 'argocd', ...args);
  await kubectl('delete', 'application', 'root');
  await kubectl('delete', 'applicationset', '--all');
  await until('no Application', async () =>
    (await kubectl('get', 'application', '-o', 'name')) === '' ? true : undefined,
  );
  await kubectl('delete', 'appproject', '--all');
  t.same(await running(), ran, 'what runs outlives it');

  await succeed(dir, ['restore', '--from', file]);
  t.same(stateOf(await stack.application()), before);
  t.equal((await stack.application()).status?.sync?.status, 'OutOfSync');
  t.same(await running(), ran);
  // Whatever Argo CD does by itself, it has done by then.
  await succeed(dir, ['up']);
  t.same(stateOf(await stack.application()), before);
  t.same(await running(), ran);
});

t.test('a new cluster: the version that on-call chose comes back, and no other one', async (t) => {
  await succeed(dir, ['down']);
  for (const name of ['kwok', 'cluster.json', 'crds.json', 'kubeconfig', 'argocd'])
    rmSync(join(dir, name), { recursive: true, force: true });
  await succeed(dir, ['restore', '--from', file]);
  t.ok(await stack.isRolledOut(old));
  t.equal(
    (await stack.deployment()).metadata.annotations?.['deployment.kubernetes.io/revision'],
    '1',
    'the first rollout',
  );
  const application = await stack.application();
  t.equal(isAutoSynced(application), false);
  // All entries come back; the one of this deployment follows, for which the oldest may have gone (Argo CD keeps ten).
  const kept = application.status?.history?.slice(0, -1) ?? [];
  t.ok(kept.length >= Math.min(history.length, 9), `${kept.length} of ${history.length} entries`);
  t.same(kept, history.slice(-kept.length));

  await succeed(dir, ['resume', '--app', APP]);
  t.match(await stack.image(), `${APP}:18.1.0@`);
  t.equal((await stack.make('status')).code, 0);
});
