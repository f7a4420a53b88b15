import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import { type TargetRow, targetTable } from '../src/admin.ts';
import { DELAYS } from '../src/delays.ts';
import {
  areHealthy,
  ask,
  clusterOf,
  type FakePod,
  LONG_IDLE_TIMEOUT,
  startFrontDoor,
  startPod,
  statesOf,
  until,
} from './cluster.ts';

t.test('a target gets requests after its registration and one passed health check', async (t) => {
  let checks = 0;
  const pod = await startPod(
    t,
    'a',
    (_, response) => response.end('a'),
    () => {
      checks += 1;
      return true;
    },
  );
  const door = await startFrontDoor(t, { delays: { ...DELAYS, registrationSeconds: 50 } });
  door.update(clusterOf([pod]));
  t.strictSame(statesOf(door), { 'shop/a': 'initial' });
  t.match(await ask(door.port), { status: 503 }, 'not registered yet');
  await until(() => statesOf(door)['shop/a'] === 'healthy');
  t.equal(checks, 1);
  t.match(await ask(door.port), { status: 200, body: 'a' });
});

t.test(
  'a target is unhealthy after two failed checks, healthy after two passed ones, and only then gets requests',
  async (t) => {
    let isHealthy = true;
    let checks = 0;
    const sick = await startPod(
      t,
      'sick',
      (_, response) => response.end('sick'),
      () => {
        checks += 1;
        return isHealthy;
      },
    );
    const well = await startPod(t, 'well');
    const door = await startFrontDoor(t);
    door.update(clusterOf([sick, well]));
    await until(() => areHealthy(door));

    isHealthy = false;
    checks = 0;
    await until(() => statesOf(door)['shop/sick'] === 'unhealthy');
    t.equal(checks, 2);
    const [target] = door.groups().flatMap((group) => group.targets());
    t.match(target, {
      reason: 'Target.ResponseCodeMismatch',
      description: 'Health checks failed with these codes: [503]',
    });
    for (let count = 0; count < 5; count += 1) t.match(await ask(door.port), { body: 'well' });

    isHealthy = true;
    checks = 0;
    await until(() => statesOf(door)['shop/sick'] === 'healthy');
    t.equal(checks, 2);
  },
);

t.test('when no target is healthy, all get requests', async (t) => {
  const pods = await Promise.all(
    ['a', 'b'].map(async (name) =>
      startPod(
        t,
        name,
        (_, response) => response.end(name),
        () => false,
      ),
    ),
  );
  const door = await startFrontDoor(t);
  door.update(clusterOf(pods));
  await until(() => Object.values(statesOf(door)).every((state) => state === 'unhealthy'));
  const bodies = [await ask(door.port), await ask(door.port)].map(({ body }) => body);
  t.strictSame(bodies.sort(), ['a', 'b']);
});

t.test('a pod is registered when its containers are ready, for its gate waits for its target', async (t) => {
  const { port } = await startPod(t, 'a');
  const door = await startFrontDoor(t);
  const registered = (pod: Partial<FakePod>): string[] => {
    door.update(clusterOf([{ name: 'a', port, ready: false, ...pod }]));
    return door.groups().flatMap((group) => group.spec.endpoints.registered.map(({ pod: name }) => name));
  };
  t.strictSame(registered({ containersReady: false }), []);
  t.match(await ask(door.port), { status: 503, body: /Service shop\/web: no pod of it is ready/ });
  t.strictSame(registered({ containersReady: true, terminating: true }), []);
  t.strictSame(registered({ containersReady: true }), ['shop/a']);
  t.strictSame(registered({ containersReady: true, isSimulated: true }), []);
  t.match(await ask(door.port), { status: 503, body: /simulated: no process answers/ });
});

/** A front door with two healthy pods, of which the first answers when the test says so. */
async function twoPods(
  t: Test,
  deregistrationDelay = 20,
): Promise<{
  door: Awaited<ReturnType<typeof startFrontDoor>>;
  slow: Awaited<ReturnType<typeof startPod>>;
  waiting: ServerResponse[];
  drain: () => void;
}> {
  const waiting: ServerResponse[] = [];
  const slow = await startPod(t, 'slow', (request, response) => {
    if (request.url === '/wait') waiting.push(response);
    else response.end('slow');
  });
  const other = await startPod(t, 'other');
  const door = await startFrontDoor(t, { delays: { ...DELAYS, deregistrationSeconds: 20 } });
  const attributes = {
    'target-group-attributes': `deregistration_delay.timeout_seconds=${deregistrationDelay}`,
    ...LONG_IDLE_TIMEOUT,
  };
  door.update(clusterOf([slow], attributes));
  await until(() => statesOf(door)['shop/slow'] === 'healthy');
  const drain = (): void => {
    door.update(clusterOf([{ ...slow, terminating: true }, other], attributes));
  };
  return { door, slow, waiting, drain };
}

t.test('a terminating pod drains: requests and connections end, and what runs goes on', async (t) => {
  // Long, so that a busy machine does not end it first.
  const { door, slow, waiting, drain } = await twoPods(t, 3000);
  const running = ask(door.port, { path: '/wait' });
  await until(() => waiting.length === 1);
  await ask(door.port);
  drain();
  t.equal(statesOf(door)['shop/slow'], 'draining');
  const row = (): TargetRow | undefined =>
    targetTable(door, undefined).targetGroups[0]?.targets.find(({ pod }) => pod === 'shop/slow');
  t.match(row(), { state: 'draining', isRoutable: true }, 'and the table says so');
  t.match(await ask(door.port), { body: 'slow' }, 'until the load balancer knows, requests still come');
  await until(() => statesOf(door)['shop/other'] === 'healthy');
  const [target] = door.groups().flatMap((group) => group.targets().filter(({ state }) => state === 'draining'));
  await until(() => target?.isRoutable === false);
  t.match(row(), { state: 'draining', isRoutable: false });
  for (let count = 0; count < 5; count += 1) t.match(await ask(door.port), { body: 'other' });

  t.equal(target?.running.size, 1);
  waiting[0]?.end('at last');
  t.match(await running, { status: 200, body: 'at last' });
  let connections = 1;
  await until(() => {
    slow.server.getConnections((_, count) => (connections = count));
    return connections === 0;
  });
  t.equal(connections, 0, 'no keep-alive connection is left');
});

t.test('what still runs when the deregistration delay is over gets 502', async (t) => {
  const { door, waiting, drain } = await twoPods(t);
  const running = ask(door.port, { path: '/wait' });
  await until(() => waiting.length === 1);
  drain();
  t.match(await running, { status: 502, body: /deregistration delay/ });
  t.equal(statesOf(door)['shop/slow'], undefined);
});

t.test('an answer that has begun is cut, not completed, when the deregistration delay is over', async (t) => {
  const { door, waiting, drain } = await twoPods(t);
  const running = ask(door.port, { path: '/wait' });
  await until(() => waiting.length === 1);
  waiting[0]?.write('half');
  drain();
  await t.rejects(running);
});

t.test('another pod with the same address is another target', async (t) => {
  const pod = await startPod(t, 'a');
  const door = await startFrontDoor(t);
  door.update(clusterOf([pod]));
  await until(() => statesOf(door)['shop/a'] === 'healthy');
  door.update(clusterOf([{ ...pod, name: 'b' }]));
  t.strictSame(statesOf(door), { 'shop/b': 'initial', 'shop/a': 'draining' });
});

t.test('a pod that is ready again is a new target', async (t) => {
  const pod = await startPod(t, 'a');
  const door = await startFrontDoor(t);
  door.update(clusterOf([pod]));
  await until(() => statesOf(door)['shop/a'] === 'healthy');
  door.update(clusterOf([{ ...pod, ready: false, containersReady: false }]));
  door.update(clusterOf([pod]));
  const states = door.groups().flatMap((group) => group.targets().map(({ state }) => state));
  t.strictSame(states, ['initial', 'draining']);
});

t.test('a Service without pods has a slice without lists', async (t) => {
  const door = await startFrontDoor(t);
  const state = clusterOf([{ name: 'a', port: 1 }]);
  door.update({
    ...state,
    endpointSlices: state.endpointSlices.map((slice) => ({ ...slice, ports: null, endpoints: null })),
  });
  t.match(await ask(door.port), { status: 503 });
});

t.test('changed health checks apply from the next one', async (t) => {
  const pod = await startPod(t, 'a');
  const door = await startFrontDoor(t);
  door.update(clusterOf([pod]));
  await until(() => statesOf(door)['shop/a'] === 'healthy');
  pod.server.once('request', ({ url }) => {
    t.equal(url, '/other');
  });
  door.update(clusterOf([pod], { 'healthcheck-path': '/other', 'success-codes': '404' }));
  await once(pod.server, 'request');
  await until(() => statesOf(door)['shop/a'] === 'unhealthy');
});
