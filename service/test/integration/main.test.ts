import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { sendMany, start } from '../helper.ts';

t.test(
  'SIGTERM: not ready, alive, every request answered with Connection: close; then the ports are closed, then exit code 0',
  async (t) => {
    const service = start(t, { DRAIN_SECONDS: '1' });
    const { api, admin } = await service.listening();
    t.match(api, /^http:\/\/127\.0\.0\.1:\d+$/);
    t.equal((await fetch(`${admin}/readyz`)).status, 200);

    service.child.kill('SIGTERM');
    await service.logged('stopping');
    const ready = await fetch(`${admin}/readyz`);
    t.equal(ready.status, 503);
    t.strictSame(await ready.json(), { status: 'stopping' });
    t.equal((await fetch(`${admin}/livez`)).status, 200);
    t.match(await (await fetch(`${admin}/metrics`)).text(), /^service_draining 1$/m);
    const answer = await fetch(`${api}/v1/networks/10.0.0.0/8`);
    t.equal(answer.status, 200);
    t.equal(answer.headers.get('connection'), 'close');

    t.same(await service.ended, [0, null]);
    for (const address of [api, admin]) await t.rejects(fetch(`${address}/livez`), { cause: { code: 'ECONNREFUSED' } });
    t.equal(service.log.at(-1)?.msg, 'stopped');
    t.equal(await service.complaints, '');
  },
);

t.test('no request is lost: clients that keep their connections send all through the drain', async (t) => {
  const service = start(t, { DRAIN_SECONDS: '1' });
  const { api } = await service.listening();
  const agent = new Agent({ keepAlive: true, maxSockets: 10 });
  t.teardown(() => {
    agent.destroy();
  });
  const counts = { answered: 0, closing: 0 };
  let sending = true;
  const client = async (): Promise<void> => {
    while (sending) {
      await new Promise<void>((done, fail) => {
        get(`${api}/v1/networks/10.0.0.0/8`, { agent }, (response) => {
          counts.answered += 1;
          if (response.headers.connection === 'close') counts.closing += 1;
          if (response.statusCode !== 200) fail(new Error(`status ${String(response.statusCode)}`));
          response.resume().on('end', done);
        }).on('error', fail);
      });
      await sleep(5);
    }
  };
  const clients = Promise.all(Array.from({ length: 10 }, client));
  await sleep(300);
  service.child.kill('SIGTERM');
  // As a load balancer: it goes on for a while, and stops before the drain ends.
  await sleep(700);
  sending = false;
  await clients;
  t.ok(counts.answered > 50, `${counts.answered} answers`);
  t.ok(counts.closing > 10, `${counts.closing} of them said Connection: close`);
  t.same(await service.ended, [0, null]);
});

t.test('a request that began before the signal is answered after it, with Connection: close', async (t) => {
  const service = start(t, { DRAIN_SECONDS: '1' });
  const { api } = await service.listening();
  const { hostname, port } = new URL(api);
  const body = '{"cidrs":["10.0.0.0/8","10.1.0.0/16"]}';
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString()));
  socket.write(
    `POST /v1/overlaps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  await sleep(100);
  service.child.kill('SIGTERM');
  await service.logged('stopping');
  socket.write(body);
  await once(socket, 'end');
  t.match(received, /^HTTP\/1\.1 200 /);
  t.match(received, /^connection: close\r$/im);
  t.same(await service.ended, [0, null]);
});

t.test('a connection that nobody uses, and a request that never ends, keep nobody waiting', async (t) => {
  const service = start(t, { DRAIN_SECONDS: '0' });
  const { api } = await service.listening();
  const { hostname, port } = new URL(api);
  for (const bytes of ['', 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\n']) {
    const socket = connect(Number(port), hostname);
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined); // cut, which is the point
    await once(socket, 'connect');
    socket.write(bytes);
  }
  await sleep(100);
  const began = performance.now();
  service.child.kill('SIGTERM');
  t.same(await service.ended, [0, null]);
  t.ok(performance.now() - began < 5_000, 'within the 5 seconds that the grace period leaves after the drain');
});

t.test('SIGINT stops it likewise, and a second signal at once', async (t) => {
  const patient = start(t, { DRAIN_SECONDS: '0' });
  const hurried = start(t, { DRAIN_SECONDS: '300' });
  await Promise.all([patient.listening(), hurried.listening()]);
  patient.child.kill('SIGINT');
  t.same(await patient.ended, [0, null]);

  hurried.child.kill('SIGINT');
  await hurried.logged('stopping');
  hurried.child.kill('SIGTERM');
  t.same(await hurried.ended, [1, null]);
});

t.test('a signal at any moment of the start ends it in order, with 0', { timeout: 60_000 }, async (t) => {
  const reference = start(t);
  const began = performance.now();
  await reference.listening();
  const boot = performance.now() - began;
  reference.child.kill('SIGKILL');
  const codes: unknown[] = [];
  for (let part = 1; part <= 8; part += 1) {
    const service = start(t, { DRAIN_SECONDS: '0' });
    // The last one while it opens its ports.
    await (part < 8 ? sleep((boot * part) / 8) : service.logged('admin port at '));
    service.child.kill('SIGTERM');
    codes.push((await service.ended).map((value) => value ?? '').join(''));
  }
  // Until the first line of main.js runs, the signal has its default action, as for any process; nothing was begun by
  // then.
  t.ok(
    codes.every((code) => code === '0' || code === 'SIGTERM'),
    codes.join(' '),
  );
  t.equal(codes.at(-1), '0');
});

t.test('a wrong environment ends it with 1 before it listens, and says all that is wrong', async (t) => {
  const service = start(t, { PORT: 'http', LOG_LEVEL: 'loud', CACHE_TLL_SECONDS: '3' });
  t.same(await service.ended, [1, null]);
  t.match(
    await service.complaints,
    /^error: unknown setting CACHE_TLL_SECONDS;.*\nerror: PORT must .*\nerror: LOG_LEVEL must .*\n$/,
  );
  t.same(service.log, []);
});

t.test('a port that is taken ends it with 1, and the other port is not left open', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.teardown(() => other.close());
  await once(other, 'listening');
  const taken = String((other.address() as AddressInfo).port);
  for (const setting of ['PORT', 'ADMIN_PORT']) {
    const service = start(t, { [setting]: taken });
    t.same(await service.ended, [1, null], setting);
    t.match(service.log.at(-1), { level: 'fatal', msg: 'could not listen', err: { message: /EADDRINUSE/ } });
  }
});

t.test(
  'an unhandled rejection and an uncaught exception are logged, requests that run are finished, exit code 1',
  async (t) => {
    for (const crash of ['Promise.reject(new Error("boom"))', 'throw new Error("boom")']) {
      // Preloaded, so that the bundle itself needs no hole for a test.
      const preload = `data:text/javascript,process.on('SIGUSR2',()=>{${crash}})`;
      const service = start(t, { DRAIN_SECONDS: '300' }, { flags: ['--import', preload] });
      const { api } = await service.listening();
      t.equal((await fetch(`${api}/v1/networks/10.0.0.0/8`)).status, 200);
      service.child.kill('SIGUSR2');
      t.same(await service.ended, [1, null], crash);
      t.match(
        service.log.find(({ level }) => level === 'fatal'),
        { msg: 'crashed', err: { message: 'boom' } },
      );
      t.equal(service.log.at(-1)?.msg, 'stopped');
    }
  },
);

const linesLost = async (admin: string): Promise<number> =>
  Number(/^log_lines_lost_total (\d+)$/m.exec(await (await fetch(`${admin}/metrics`)).text())?.[1]);

t.test('a log that nobody reads stops nobody', { timeout: 60_000 }, async (t) => {
  const service = start(t);
  const { api, admin } = await service.listening();
  service.child.stdout.pause();
  // 200 bytes a line: more than the pipe and the buffer of 8 MB hold.
  await sendMany(api, 60_000);
  const lost = await linesLost(admin);
  t.ok(lost > 0, `${lost} lines were lost, and counted`);
  service.child.stdout.resume();
  service.child.kill('SIGTERM');
  t.same(await service.ended, [0, null]);
  t.equal(service.log.filter(({ msg }) => msg === 'request').length, 60_000 - lost, 'all others are there, each whole');
});

t.test('lines that a dead reader of the log will not read are counted as lost', async (t) => {
  const service = start(t, { DRAIN_SECONDS: '0' });
  const { api, admin } = await service.listening();
  await sendMany(api, 1_000);
  await service.line(() => service.log.filter(({ msg }) => msg === 'request').length === 1_000);
  t.equal(await linesLost(admin), 0);
  service.child.stdout.destroy();
  await once(service.child.stdout, 'close');
  await sendMany(api, 1_000);
  while ((await linesLost(admin)) < 1_000) await sleep(50);
  t.equal(await linesLost(admin), 1_000);
  service.child.kill('SIGTERM');
  t.same(await once(service.child, 'exit'), [0, null]);
});

t.test('out of memory: V8 ends it with a report, before the kernel would without one', async (t) => {
  const eat =
    'data:text/javascript,process.on("SIGUSR2",()=>{const all=[];for(;;)all.push(new Array(1e5).fill(Math.random()))})';
  const service = start(
    t,
    {},
    {
      flags: [
        '--max-old-space-size=60',
        '--report-on-fatalerror',
        '--report-compact',
        '--report-filename=stderr',
        '--import',
        eat,
      ],
    },
  );
  await service.listening();
  service.child.kill('SIGUSR2');
  t.same(await service.ended, [null, 'SIGABRT']);
  const complaints = await service.complaints;
  t.match(complaints, /heap out of memory/);
  t.match(complaints, /"trigger":"OOMError"/);
});
