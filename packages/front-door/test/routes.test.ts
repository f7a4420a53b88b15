import t, { type Test } from 'tap';
import { matchesHost, matchesPath, sortedPaths } from '../src/routes.ts';
import {
  areHealthy,
  ask,
  clusterOf,
  fakeIngress,
  fakePod,
  fakeService,
  startFrontDoor,
  startPod,
  until,
} from './cluster.ts';

t.test('a wildcard in a host stands for any characters, as with an ALB', (t) => {
  t.ok(matchesHost('Web.localhost', 'web.localhost'));
  t.ok(matchesHost('*.localhost', 'a.b.localhost'));
  t.notOk(matchesHost('*.localhost', 'localhost'));
  t.notOk(matchesHost('web.localhost', 'web-localhost'));
  t.notOk(matchesHost('*.localhost', 'weblocalhost'));
  t.ok(matchesHost(undefined, 'anything'));
  t.end();
});

t.test('a prefix is whole parts of a path', (t) => {
  const prefix = (path: string) => ({ path, isExact: false });
  for (const path of ['/foo', '/foo/', '/foo/bar']) t.ok(matchesPath(prefix('/foo'), path), path);
  t.notOk(matchesPath(prefix('/foo'), '/foobar'));
  t.ok(matchesPath(prefix('/foo/'), '/foo'));
  t.ok(matchesPath(prefix('/'), '/anything'));
  t.notOk(matchesPath({ path: '/foo', isExact: true }, '/foo/'));
  t.end();
});

t.test('exact paths come first, then longer prefixes', (t) => {
  const path = (text: string, pathType: string) => ({ path: text, pathType, backend: {} });
  const given = [
    path('/', 'Prefix'),
    path('/a/b', 'Prefix'),
    path('/z', 'Exact'),
    path('/i', 'ImplementationSpecific'),
  ];
  t.strictSame(
    sortedPaths(given).map(({ path: text }) => text),
    ['/z', '/a/b', '/', '/i'],
  );
  t.end();
});

/** A front door with two services, `web` and `shop`. */
async function twoServices(t: Test, ...ingresses: ReturnType<typeof fakeIngress>[]): Promise<number> {
  const parts = [fakePod(await startPod(t, 'web'), 0, 'web'), fakePod(await startPod(t, 'shop'), 1, 'shop')];
  const door = await startFrontDoor(t);
  door.update({
    ingresses,
    services: [fakeService('web'), fakeService('shop')],
    endpointSlices: parts.map(({ slice }) => slice),
    pods: parts.map(({ pod }) => pod),
    nodes: parts.map(({ node }) => node),
  });
  await until(() => areHealthy(door));
  return door.port;
}

t.test('the host chooses the load balancer, an exact name before a wildcard', async (t) => {
  const port = await twoServices(
    t,
    fakeIngress({}, { host: '*.localhost', service: 'shop', name: 'any' }),
    fakeIngress({}, { host: 'w.localhost', service: 'web' }),
  );
  t.match(await ask(port, { host: 'w.localhost' }), { body: 'web' });
  t.match(await ask(port, { host: `W.localhost:${port}` }), { body: 'web' });
  t.match(await ask(port, { host: 'else.localhost' }), { body: 'shop' });
  const hosts = '*.localhost, w.localhost';
  t.match(await ask(port, { host: 'example.com' }), {
    status: 404,
    body: `no Ingress has the host "example.com". Hosts: ${hosts}`,
  });
  t.match(await ask(port, { host: '127.0.0.1' }), { status: 404, body: hosts }, 'there are two');
});

t.test("this machine's own names reach the only load balancer", async (t) => {
  const pod = await startPod(t, 'a');
  const door = await startFrontDoor(t);
  const { port } = door;
  t.match(await ask(port, { host: 'localhost' }), { status: 404, body: 'no Ingress of class alb' });
  door.update(clusterOf([pod]));
  await until(() => areHealthy(door));
  for (const host of ['localhost', `localhost:${port}`, `127.0.0.1:${port}`, '127.77.3.4', '[::1]:80'])
    t.match(await ask(port, { host }), { status: 200, body: 'a' }, host);
});

t.test('the Ingresses of a group are one load balancer, asked in their order', async (t) => {
  const group = (order: string) => ({ 'group.name': 'both', 'group.order': order });
  const port = await twoServices(
    t,
    fakeIngress(group('20'), { name: 'a-all', service: 'web', host: 'x.localhost' }),
    fakeIngress(group('10'), { name: 'b-api', service: 'shop', host: 'x.localhost', path: '/api' }),
  );
  t.match(await ask(port, { host: 'x.localhost', path: '/api/x' }), { body: 'shop' });
  t.match(await ask(port, { host: 'x.localhost', path: '/x?/api' }), { body: 'web' });
});

t.test('no rule for the path: 404; no such Service: 503', async (t) => {
  const port = await twoServices(
    t,
    fakeIngress({}, { path: '/only' }),
    fakeIngress({}, { name: 'lost', host: 'lost.localhost', service: 'nobody' }),
  );
  t.match(await ask(port, { path: '/' }), { status: 404, body: 'no rule of Ingress shop/web has this path' });
  t.match(await ask(port, { host: 'lost.localhost' }), {
    status: 503,
    body: 'the Service of Ingress shop/lost does not exist',
  });
});

t.test('Ingresses of other classes are not ours', async (t) => {
  const door = await startFrontDoor(t);
  const { ingresses, ...state } = clusterOf([]);
  const other = ingresses.map((ingress) => ({ ...ingress, spec: { ...ingress.spec, ingressClassName: 'nginx' } }));
  door.update({ ...state, ingresses: other });
  t.strictSame(door.model().loadBalancers, []);
});
