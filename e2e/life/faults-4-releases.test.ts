import t from 'tap';
import { startLoad } from '@gitops/load/start-load';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import {
  containerOf,
  type ContainerState,
  ensureNamespace,
  eventsOf,
  isReady,
  NAMESPACE,
  type Pod,
  podOf,
  podUntil,
  pushFault,
  removeNamespace,
  servicePods,
} from '../src/faults.ts';
import { APP, Stack, succeed, until } from '../src/stack.ts';

// Releases with a fault: real images, whose program misbehaves.

const stack = await Stack.open();
await ensureNamespace(stack);
t.teardown(async () => removeNamespace(stack));

const restarts = ({ status }: Pod): number => status.containerStatuses?.[0]?.restartCount ?? 0;

/** How the container of a pod ended last. */
const endOf = ({ status }: Pod): ContainerState['terminated'] => {
  const [container] = status.containerStatuses ?? [];
  return container?.state.terminated ?? container?.lastState.terminated;
};

t.test('one that crashes at start: Degraded, the old version answers every request, a rollback mends it', async (t) => {
  const tools = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false, builds: ['load'] });
  const good = await stack.image();
  const { digest } = await pushFault(stack, { crash: true }, '9.0.0-crash', APP);
  const load = startLoad(tools, {
    url: `http://127.0.0.1:${stack.ports['front-door']}`,
    host: 'fastify-service.localhost',
    rate: 50,
    duration: 180,
  });
  await load.started;
  const { code, stderr } = await stack.make('ship', '--tag', '9.0.0-crash', '--digest', digest);
  t.equal(code, 1);
  t.match(stderr, /error: fastify-service did not take [0-9a-f]{7}: /);
  t.match(stderr, 'exceeded its progress deadline');
  t.match(stderr, /back-off \d+s restarting failed container/);
  t.equal((await stack.application()).status?.health?.status, 'Degraded');
  t.match((await stack.make('status')).stdout, /CrashLoopBackOff/);
  const old = (await servicePods(stack)).filter(({ spec }) => spec.containers[0]?.image === good);
  t.ok(old.length >= 2 && old.every(isReady), 'the old pods serve on');

  const { code: undone, stderr: problem } = await stack.make('rollback', '--app', APP);
  t.equal(undone, 0, problem);
  t.ok(await stack.isRolledOut(good));
  const { requests, failed, refused } = await load.stop();
  t.comment(`${failed + refused} of ${requests} requests lost`);
  t.same({ failed, refused }, { failed: 0, refused: 0 });

  // main gets the good image again, and Git the service.
  const [, tag = '', sha256 = ''] = /:([^:@]+)@(sha256:.*)$/.exec(good) ?? [];
  await succeed(stack.instance.dir, ['ship', '--tag', tag, '--digest', sha256]);
  await succeed(stack.instance.dir, ['resume', '--app', APP]);
  await until('the service is Healthy', async () =>
    (await stack.application()).status?.health?.status === 'Healthy' ? true : undefined,
  );
});

t.test('faults of a release that starts', async (t) => {
  const image = async (tag: string, fault: Parameters<typeof pushFault>[1]): Promise<string> =>
    (await pushFault(stack, fault, tag)).reference;
  const limits = { resources: { limits: { memory: '128Mi' } } };
  await stack.create(podOf('leaks', containerOf(await image('leaks', { leakMebibytes: 4 }), limits)));
  const slow = await image('starts-slowly', { startSeconds: 4 });
  await stack.create(podOf('slow-within', containerOf(slow)));
  const probe = { httpGet: { path: '/livez', port: 'admin' }, periodSeconds: 1, failureThreshold: 2 };
  await stack.create(podOf('slow-beyond', containerOf(slow, { startupProbe: probe })));
  // Ten minutes of life, a hundred times faster.
  await stack.create(podOf('tires', containerOf(await image('tires', { readySeconds: 6 }))));
  await stack.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'tires', namespace: NAMESPACE },
    spec: { selector: { app: 'tires' }, ports: [{ port: 80, targetPort: 'http' }] },
  });
  const endpoints = async (): Promise<string> =>
    stack.kubectl(
      ...['-n', NAMESPACE, 'get', 'endpointslices', '-l', 'kubernetes.io/service-name=tires', '-o'],
      'jsonpath={.items[*].endpoints[*].conditions.ready}',
    );

  await t.test('fails readiness after its first time of life: out of the endpoints, and not restarted', async (t) => {
    await podUntil(stack, 'tires', isReady);
    await until('an endpoint', async () => ((await endpoints()) === 'true' ? true : undefined));
    const pod = await podUntil(stack, 'tires', (pod) => !isReady(pod));
    await until('no endpoint', async () => ((await endpoints()) === 'false' ? true : undefined));
    t.equal(restarts(pod), 0);
    t.match(
      await eventsOf(stack, 'tires'),
      /^Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 503/m,
    );
  });

  await t.test('starts slowly, within its time', async (t) => {
    t.equal(restarts(await podUntil(stack, 'slow-within', isReady)), 0);
  });

  await t.test('starts slowly, beyond its time: restarted, never ready', async (t) => {
    const pod = await podUntil(stack, 'slow-beyond', (each) => restarts(each) > 0);
    t.notOk(isReady(pod));
    t.match(
      await eventsOf(stack, 'slow-beyond'),
      /^Killing Container service failed startup probe, will be restarted/m,
    );
  });

  await t.test('leaks memory: killed for it, restarted, and make status says so', async (t) => {
    const killed = await podUntil(stack, 'leaks', (pod) => endOf(pod)?.reason === 'OOMKilled');
    t.match(endOf(killed), { exitCode: 137, message: /^\d+ MiB used, the memory limit is 128 MiB/ });
    await podUntil(stack, 'leaks', (each) => restarts(each) > 0);
    const row = await until(
      'a row of make status',
      async () => /^leaks .*(OOMKilled|CrashLoopBackOff).*$/m.exec((await stack.make('status')).stdout)?.[0],
    );
    t.comment(row);
  });
});
