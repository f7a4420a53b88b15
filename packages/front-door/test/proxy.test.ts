import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import {
  areHealthy,
  ask,
  clusterOf,
  HOST,
  LONG_IDLE_TIMEOUT,
  SECOND,
  startFrontDoor,
  startPod,
  until,
} from './cluster.ts';

/** A front door with healthy pods. */
async function openDoor(
  t: Test,
  pods: readonly { name: string; port: number }[],
  annotations: Record<string, string> = {},
): Promise<number> {
  const door = await startFrontDoor(t);
  door.update(clusterOf(pods, annotations));
  await until(() => areHealthy(door));
  return door.port;
}

/** Sends bytes as they are, and returns all that comes back until the connection ends. */
async function send(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

t.test('a request and its answer arrive as they were sent', async (t) => {
  const pod = await startPod(t, 'a', (call, response) => {
    void text(call).then((body) => {
      response.writeHead(201, 'Made', [
        ['X-Answer', 'a'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ]);
      response.end(`${call.method ?? ''} ${call.url ?? ''} ${body}`);
    });
  });
  const port = await openDoor(t, [pod]);
  const body = 'x'.repeat(300_000);
  const got = await ask(port, { method: 'PUT', path: '/a%20b?c=d&e', body, headers: { 'X-Asked': 'yes' } });
  t.equal(got.status, 201);
  t.equal(got.body, `PUT /a%20b?c=d&e ${body}`);
  t.match(got.headers, { 'x-answer': 'a', 'set-cookie': ['a=1', 'b=2'] });
  t.match(pod.requests[0]?.headers, { host: HOST, 'x-asked': 'yes', connection: 'keep-alive' });
  t.strictSame(await ask(port, { method: 'HEAD' }).then(({ body: none }) => none), '');
});

t.test('the target learns the client, the port and a trace', async (t) => {
  const pod = await startPod(t, 'a');
  const port = await openDoor(t, [pod]);
  await ask(port);
  t.match(pod.requests[0]?.headers, {
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-port': String(port),
    'x-amzn-trace-id': /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/,
  });
  const root = 'Root=1-67891233-abcdef012345678912345678';
  const headers = { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https', 'X-Amzn-Trace-Id': root };
  await ask(port, { headers });
  t.match(pod.requests[1]?.headers, {
    'x-forwarded-for': '203.0.113.7, 127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-amzn-trace-id': new RegExp(`^Self=1-[0-9a-f]{8}-[0-9a-f]{24};${root}$`),
  });
});

t.test('headers of the connection and invalid names are not passed on', async (t) => {
  const pod = await startPod(t, 'a', (_, response) => {
    response.setHeader('Keep-Alive', 'timeout=1');
    response.setHeader('Upgrade', 'h2c');
    response.end('a');
  });
  const port = await openDoor(t, [pod], {
    'load-balancer-attributes': 'routing.http.drop_invalid_header_fields.enabled=true',
  });
  const headers = { Connection: 'keep-alive, X-Mine', 'X-Mine': '1', TE: 'trailers', X_Under: '1', 'X-Good': '1' };
  const got = await ask(port, { headers });
  t.strictSame([got.headers.upgrade, got.headers['keep-alive']], [undefined, undefined]);
  const passed = Object.keys(pod.requests[0]?.headers ?? {});
  t.ok(passed.includes('x-good'));
  t.strictSame(
    passed.filter((name) => ['x-mine', 'te', 'x_under'].includes(name)),
    [],
  );
});

t.test('connections to a target are kept, whatever it hints about how long', async (t) => {
  const pod = await startPod(t, 'a', (_, response) => {
    response.setHeader('Keep-Alive', 'timeout=1');
    response.end('a');
  });
  const port = await openDoor(t, [pod]);
  const used = new Set<unknown>();
  for (let count = 0; count < 5; count += 1) await ask(port);
  for (const { socket } of pod.requests) used.add(socket);
  t.equal(used.size, 1);
});

t.test('a slow pod gets no more requests than it works on, and blocks no others', async (t) => {
  const slow = await startPod(t, 'slow', () => undefined);
  const fast = await startPod(t, 'fast');
  const port = await openDoor(t, [slow, fast], {
    'target-group-attributes': 'load_balancing.algorithm.type=least_outstanding_requests',
  });
  const ends: (() => void)[] = [];
  for (let count = 0; count < 2; count += 1) {
    const call = request({ host: '127.0.0.1', port, headers: { Host: HOST }, agent: false }).on(
      'error',
      () => undefined,
    );
    call.end();
    ends.push(() => call.destroy());
  }
  await until(() => slow.requests.length === 1);
  for (let count = 0; count < 20; count += 1) t.match(await ask(port), { body: 'fast' });
  t.equal(slow.requests.length, 1);
  for (const end of ends) end();
});

t.test('a target that does not answer: 502, 504, and never a second attempt', async (t) => {
  const reset = await startPod(t, 'reset', (call) => call.socket.destroy());
  const port = await openDoor(t, [reset]);
  for (const method of ['GET', 'POST']) {
    t.match(await ask(port, { method, body: method === 'POST' ? 'x' : '' }), { status: 502, body: /pod shop\/reset/ });
  }
  t.equal(reset.requests.length, 2);

  const silent = await startPod(t, 'silent', () => undefined);
  const slowDoor = await openDoor(t, [silent], { 'load-balancer-attributes': 'idle_timeout.timeout_seconds=5' });
  t.match(await ask(slowDoor), { status: 504, body: /idle timeout/ });
  t.equal(silent.requests.length, 1);

  const gone = await startPod(t, 'gone');
  const goneDoor = await openDoor(t, [gone]);
  gone.server.close();
  gone.server.closeAllConnections();
  t.match(await ask(goneDoor), { status: 502 });
});

t.test('an answer that its target does not complete is cut', async (t) => {
  const pod = await startPod(t, 'a', (call, response) => {
    response.writeHead(200, { 'Content-Length': 100 });
    response.write('half', () => call.socket.destroy());
  });
  await t.rejects(ask(await openDoor(t, [pod])));
});

t.test('a client that goes takes its request with it', async (t) => {
  let isAborted = false;
  const pod = await startPod(t, 'a', (_, response) => {
    response.on('close', () => (isAborted = true));
  });
  const port = await openDoor(t, [pod], LONG_IDLE_TIMEOUT);
  const call = request({ host: '127.0.0.1', port, headers: { Host: HOST }, agent: false }).on('error', () => undefined);
  call.end();
  await until(() => pod.requests.length === 1);
  call.destroy();
  await until(() => isAborted);
});

t.test('what the load balancer refuses itself', async (t) => {
  const pod = await startPod(t, 'a');
  const port = await openDoor(t, [pod]);
  t.match(await ask(port, { method: 'TRACE' }), { status: 405 });
  const addresses = (count: number): Record<string, string> => ({ 'X-Forwarded-For': Array(count).fill('::1').join() });
  t.match(await ask(port, { headers: addresses(31) }), { status: 463 });
  t.match(await ask(port, { headers: addresses(30) }), { status: 200 });
  t.match(await send(port, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
  const large = `GET / HTTP/1.1\r\nHost: ${HOST}\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`;
  t.match(await send(port, large), /^HTTP\/1\.1 400 /);
  t.match(await send(port, `GET * HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 400 /);
  const absolute = `GET http://${HOST}/x HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n`;
  t.match(await send(port, absolute), /^HTTP\/1\.1 200 /);
  t.equal(pod.requests.length, 2);
});

t.test('an upgrade is not offered: the request is answered as any other', async (t) => {
  const pod = await startPod(t, 'a');
  const port = await openDoor(t, [pod]);
  t.match(await ask(port, { headers: { Connection: 'Upgrade', Upgrade: 'websocket' } }), { status: 200, body: 'a' });
  t.notOk(pod.requests[0]?.headers.upgrade);
});

t.test('an idle connection is closed after the idle timeout, and an upload that stops gets 408', async (t) => {
  const pod = await startPod(t, 'a', (call, response) => {
    call.resume().on('end', () => response.end('a'));
  });
  const port = await openDoor(t, [pod], { 'load-balancer-attributes': 'idle_timeout.timeout_seconds=5' });
  const start = performance.now();
  t.match(await send(port, `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`), /^HTTP\/1\.1 200 /);
  // Never earlier; how much later depends on the machine. A timer may fire a millisecond before its time.
  t.ok(performance.now() - start >= 5 * SECOND - 2);
  t.equal(await send(port, ''), '', 'also one that never sent anything');
  t.match(await send(port, `PUT / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 9\r\n\r\nhalf`), /^HTTP\/1\.1 408 /);
});

t.test('the access log has a line for each request', async (t) => {
  const lines: string[] = [];
  const door = await startFrontDoor(t, { accessLog: (line) => lines.push(line) });
  await ask(door.port, { path: '/x?y' });
  await until(() => lines.length === 1);
  t.match(lines[0], /^GET web\.localhost\/x\?y 404 \d+\.\d$/);
});
