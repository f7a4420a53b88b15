import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { isAutoSynced, isOperating, storedToken } from '@gitops/local';
import { APP, Stack, until } from '../src/stack.ts';

const stack = await Stack.open();
const sets = 'argocd/applications/fastify-service.yaml';

t.test('a rollback stays until the Application is handed back', async (t) => {
  const old = await stack.ship('3.0.0');
  const bad = await stack.ship('3.1.0');

  const { code, stdout, stderr } = await stack.make('rollback', '--app', APP);
  t.equal(code, 0, stderr);
  t.match(stdout, 'Auto-sync is off, so it stays');
  t.ok(await stack.isRolledOut(old), 'the old image is ready');

  /** Long enough for self-heal (its first backoff is 2 s) and for what the controllers do by themselves. */
  const stays = async (t: Test, after: string): Promise<void> => {
    await sleep(4000);
    t.equal(await stack.image(), old, `old image after ${after}`);
    t.equal(isAutoSynced(await stack.application()), false, `auto-sync off after ${after}`);
  };

  await t.test('through a reconcile of its ApplicationSet', async (t) => {
    const annotation = 'argocd.argoproj.io/application-set-refresh';
    await stack.kubectl('-n', 'argocd', 'annotate', 'applicationset', APP, `${annotation}=true`);
    // The controller takes the annotation away when it has reconciled.
    await until('the ApplicationSet is reconciled', async () =>
      (
        await stack.kubectl('-n', 'argocd', 'get', 'applicationset', APP, '-o', 'jsonpath={.metadata.annotations}')
      ).includes(annotation)
        ? undefined
        : true,
    );
    await stays(t, 'a reconcile');
  });

  await t.test("through a change of the ApplicationSet's template, which does arrive", async (t) => {
    const push = await stack.push('A label', {
      [sets]: (text) => text.replace('      annotations:', '      labels: { drill: rollback }\n      annotations:'),
    });
    await until('the new label', async () =>
      (await stack.kubectl('-n', 'argocd', 'get', 'application', APP, '-o', 'jsonpath={.metadata.labels.drill}')) ===
      'rollback'
        ? true
        : undefined,
    );
    await stays(t, `commit ${push.commit.slice(0, 7)}`);
  });

  await t.test('through a re-sync of the root Application', async (t) => {
    const before = (await stack.application('root')).status?.operationState?.startedAt;
    await sleep(1000);
    await stack.platform.sync('root');
    await until('root is synced again', async () => {
      const root = await stack.application('root');
      return !isOperating(root) &&
        root.status?.operationState?.phase === 'Succeeded' &&
        root.status.operationState.startedAt !== before
        ? true
        : undefined;
    });
    await stays(t, 'a re-sync of root');
  });

  await t.test('through a later ship, which says so', async (t) => {
    const shipped = await stack.make('ship', '--tag', '3.2.0');
    t.equal(shipped.code, 0, shipped.stderr);
    t.match(shipped.stdout, `${APP} is rolled back and stays as it is`);
    await stays(t, 'a later ship');
    t.equal((await stack.application()).status?.sync?.status, 'OutOfSync');
    const { stdout: status } = await stack.make('status');
    t.match(status, 'auto-sync is off (rolled back)');
  });

  await t.test('a second up leaves it rolled back, too', async (t) => {
    const again = await stack.make('up');
    t.equal(again.code, 0, again.stderr);
    await stays(t, 'make up');
  });

  await t.test('resume brings main', async (t) => {
    const resumed = await stack.make('resume', '--app', APP);
    t.equal(resumed.code, 0, resumed.stderr);
    t.match(await stack.image(), `${APP}:3.2.0@`);
    t.not(await stack.image(), bad);
    t.equal(isAutoSynced(await stack.application()), true);
    await stack.delivered(
      await stack.push('No label', { [sets]: (text) => text.replace('      labels: { drill: rollback }\n', '') }),
    );
  });
});

t.test('rollback to an id, and a second rollback that goes back one further', async (t) => {
  const history = (await stack.application()).status?.history ?? [];
  const images: string[] = [];
  for (const tag of ['3.3.0', '3.3.1', '3.3.2']) images.push(await stack.ship(tag));
  const first = ((await stack.application()).status?.history ?? []).find(
    ({ id }) => id > Math.max(...history.map((entry) => entry.id)),
  );
  t.equal((await stack.make('rollback', '--app', APP)).code, 0);
  t.equal(await stack.image(), images[1]);
  t.equal((await stack.make('rollback', '--app', APP)).code, 0);
  t.equal(await stack.image(), images[0]);
  await stack.make('resume', '--app', APP);
  t.equal(await stack.image(), images[2]);
  t.equal((await stack.make('rollback', '--app', APP, '--id', String(first?.id))).code, 0);
  t.equal(await stack.image(), images[0]);
  t.equal((await stack.make('resume', '--app', APP)).code, 0);
});

t.test('a rollback that cannot be is refused, and nothing changes', async (t) => {
  const image = await stack.image();
  const cases: [string[], number, RegExp][] = [
    [[], 2, /APP \(--app\) is missing/],
    [['--app', 'nope'], 1, /unknown Application nope\n next: APP is one of: fastify-service, root/],
    [['--app', 'a;b'], 2, /--app: must be lower-case letters, digits and dashes \(it is "a;b"\)/],
    [['--app', APP, '--id', '4711'], 1, /fastify-service has no history entry 4711\n next: ID is one of: /],
    [['--app', APP, '--id', 'x'], 2, /--id: must be a whole number from 0 up \(it is "x"\)/],
  ];
  for (const [args, expected, message] of cases) {
    const { code, stderr } = await stack.make('rollback', ...args);
    t.equal(code, expected, args.join(' '));
    t.match(stderr, message);
  }
  t.equal(await stack.image(), image);
  t.equal(isAutoSynced(await stack.application()), true, 'auto-sync stays on');
});

t.test('the on-call account may do this and no more', async (t) => {
  const call = async (method: string, path: string, body?: unknown): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${stack.ports.server}/api/v1${path}`, {
      method,
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${storedToken(stack.instance, 'on-call')}`,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  const app = `/applications/${APP}`;
  const deployment = 'namespace=fastify-service&resourceName=fastify-service&group=apps&kind=Deployment&version=v1';
  t.equal(await call('GET', app), 200, 'it reads');
  t.equal(await call('POST', `${app}/sync`, {}), 200, 'it syncs to main');
  await until('the sync is over', async () => (isOperating(await stack.application()) ? undefined : true));
  t.equal(await call('POST', `${app}/sync`, { revision: 'main~1' }), 403, 'not to another revision');
  t.equal(
    await call('POST', `${app}/resource/actions/v2?${deployment}`, {
      action: 'restart',
      name: APP,
      namespace: APP,
      resourceName: APP,
      group: 'apps',
      kind: 'Deployment',
      version: 'v1',
    }),
    403,
    'no other action',
  );
  t.equal(
    await call('PATCH', app, {
      name: APP,
      patch: '{"spec":{"syncPolicy":{"automated":{"prune":false}}}}',
      patchType: 'merge',
    }),
    403,
    'no change of the Application but auto-sync',
  );
  t.equal(await call('DELETE', app), 403, 'no deletion');
  t.equal(await call('DELETE', `${app}/resource?${deployment}`), 403, 'nor of what it deploys');
  t.equal(await call('POST', '/account/admin/token', {}), 403, 'no token of somebody else');
});
