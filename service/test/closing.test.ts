import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { buildApp } from '../src/app.ts';

const local = { host: '127.0.0.1', port: 0 };

t.test('while draining: not ready, alive, every request answered, clients told to leave; then the port is closed', async (t) => {
  const app = buildApp({ drainSeconds: 0.5 });
  const url = await app.listen(local);
  const closed = app.close();

  const ready = await fetch(`${url}/readyz`);
  t.equal(ready.status, 503);
  t.strictSame(await ready.json(), { status: 'stopping' });

  for (const path of ['/livez', '/v1/networks/10.0.0.0/8']) {
    const response = await fetch(url + path);
    t.equal(response.status, 200, path);
    t.equal(response.headers.get('connection'), 'close', path);
    await response.text();
  }

  await closed;
  await t.rejects(fetch(`${url}/livez`), { cause: { code: 'ECONNREFUSED' } });
});

t.test('a request that began before the end is answered after it, and its connection keeps nobody waiting', async (t) => {
  const app = buildApp();
  const arrived = Promise.withResolvers<undefined>();
  app.get('/slow', async () => {
    arrived.resolve(undefined);
    await sleep(500);
    return 'done';
  });
  const url = await app.listen(local);
  const answer = fetch(`${url}/slow`);
  await arrived.promise;

  const began = performance.now();
  await app.close();
  t.ok(performance.now() - began < 2_000, 'closed right after the answer');
  t.equal(await (await answer).text(), 'done');
  t.equal((await answer).headers.get('connection'), 'close');
});

t.test('a request that never ends is cut', async (t) => {
  const app = buildApp();
  const { port } = new URL(await app.listen(local));
  const socket = connect(Number(port), local.host);
  t.teardown(() => socket.destroy());
  socket.write('GET /livez HTTP/1.1\r\n');
  await once(app.server, 'connection');

  const began = performance.now();
  await app.close();
  t.ok(performance.now() - began < 5_000, 'within the 5 seconds that the grace period leaves after the drain');
});
