import t from 'tap';
import { APP, Stack, until } from '../src/stack.ts';

const stack = await Stack.open();
const template = 'charts/fastify-service/templates/service.yaml';
const values = 'clusters/local/fastify-service.yaml';

t.test(
  'a bad image: Degraded within the deadline, status says why, the old pods serve on, the next good push recovers',
  async (t) => {
    const good = await stack.ship('4.0.0');
    const { code, stderr } = await stack.make('ship', '--tag', '4.1.0-bad');
    t.equal(code, 1);
    t.match(stderr, /error: fastify-service did not take [0-9a-f]{7}: .*back-off pulling image/);
    t.match(stderr, 'back-off pulling image registry.internal/fastify-service:4.1.0-bad');
    t.match(stderr, 'exceeded its progress deadline');
    t.match(stderr, 'next: the previous version keeps running');

    const application = await stack.application();
    t.equal(application.status?.health?.status, 'Degraded');
    const { stdout: status } = await stack.make('status');
    t.match(status, /fastify-service: Deployment\/fastify-service Degraded: .*exceeded its progress deadline/);
    const { stdout: json } = await stack.make('status', '--json');
    t.match(JSON.parse(json), { applications: [{ name: APP, health: 'Degraded', sync: 'Synced' }, { name: 'root' }] });

    const pods = JSON.parse(await stack.kubectl('-n', APP, 'get', 'pods', '-o', 'json')) as {
      items: {
        spec: { containers: { image: string }[] };
        status: { conditions: { type: string; status: string }[] };
      }[];
    };
    const ready = pods.items.filter(({ status: { conditions } }) =>
      conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    );
    const { replicas } = (await stack.deployment()).spec;
    t.ok(replicas >= 2);
    t.same(
      ready.map(({ spec }) => spec.containers[0]?.image),
      new Array(replicas).fill(good),
      'as many pods of the old image are ready as the autoscaler wants',
    );

    const next = await stack.ship('4.2.0');
    t.ok(await stack.isRolledOut(next));
  },
);

t.test('on-call gets out of a bad release by a rollback', async (t) => {
  const good = await stack.image();
  t.equal((await stack.make('ship', '--tag', '4.3.0-bad')).code, 1);
  const { code, stderr } = await stack.make('rollback', '--app', APP);
  t.equal(code, 0, stderr);
  t.ok(await stack.isRolledOut(good));
  t.not((await stack.make('resume', '--app', APP)).code, 0, 'main is still bad, and resume says so');
  const next = await stack.ship('4.4.0');
  t.ok(await stack.isRolledOut(next));
});

t.test(
  'a chart that does not render leaves the running version untouched and shows its error; the next good push recovers',
  async (t) => {
    const before = await stack.deployment();
    let original = '';
    const push = await stack.push('Broken', {
      [template]: (text) => `${(original = text)}\n{{ fail "the drill broke this chart" }}\n`,
    });
    await t.rejects(stack.delivered(push), /did not take .*ComparisonError: .*the drill broke this chart/);
    const { stdout: status } = await stack.make('status');
    t.match(status, /fastify-service: ComparisonError: .*the drill broke this chart/);
    const after = await stack.deployment();
    t.equal(after.metadata.generation, before.metadata.generation, 'the Deployment was not touched');
    t.equal(after.status.availableReplicas, before.status.availableReplicas);

    await stack.delivered(await stack.push('Mended', { [template]: () => original }));
    await stack.ship('4.5.0');
    const application = await stack.application();
    t.same([application.status?.sync?.status, application.status?.health?.status], ['Synced', 'Healthy']);
    t.same(application.status?.conditions ?? [], []);
  },
);

t.test('values that the chart refuses are reported by file and key', async (t) => {
  const push = await stack.push('A typo', { [values]: (text) => `${text}replcias: 3\n` });
  await t.rejects(stack.delivered(push), /replcias/);
  await stack.delivered(await stack.push('No typo', { [values]: (text) => text.replace('replcias: 3\n', '') }));
});

t.test('a missing values file is an error, not silence', async (t) => {
  let text = '';
  const push = await stack.push('Lost', { [values]: (content) => void (text = content) });
  await t.rejects(stack.delivered(push), /clusters\/local\/fastify-service\.yaml/);
  await stack.delivered(await stack.push('Found', { [values]: () => text }));
});

t.test("a chart cannot write to Argo CD's namespace, whatever its project allows", async (t) => {
  const file = 'charts/fastify-service/templates/intruder.yaml';
  const secret = await stack.kubectl('-n', 'argocd', 'get', 'configmap', 'argocd-rbac-cm', '-o', 'jsonpath={.data}');
  const push = await stack.push('Intruder', {
    [file]: () =>
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: argocd-rbac-cm, namespace: argocd }\ndata: { policy.default: role:admin }\n',
  });
  await t.rejects(stack.delivered(push), /only the root Application may write to the namespace argocd/);
  t.equal(await stack.kubectl('-n', 'argocd', 'get', 'configmap', 'argocd-rbac-cm', '-o', 'jsonpath={.data}'), secret);
  await stack.delivered(await stack.push('No intruder', { [file]: () => undefined }));
  await until('the service is at rest', async () =>
    (await stack.application()).status?.sync?.status === 'Synced' ? true : undefined,
  );
});
