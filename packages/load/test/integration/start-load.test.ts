import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { startLoad } from '../../src/start-load.ts';
import { programs, server, service } from '../helper.ts';

const bin = await programs();

t.test('a load sends what it is asked for, on kept connections and on new ones, and misses nothing', async (t) => {
  const url = await service(t);
  const load = startLoad({ bin }, { url, rate: 50, duration: 2 });
  await load.started;
  t.ok(load.count() > 0);
  const result = await load.result;
  t.match(result, { failed: 0, refused: 0, failures: [] });
  // k6 may start one more in the last moment, and drop some where the machine stands still.
  t.ok(Math.abs(result.requests + result.dropped - 100) <= 1, `${result.requests} sent, ${result.dropped} dropped`);
});

t.test('every failed request is listed with time, status, error and path', async (t) => {
  let count = 0;
  const connections = new Set<unknown>();
  const hosts = new Set<string | undefined>();
  const url = await server(t, (request, response) => {
    count += 1;
    connections.add(request.socket);
    hosts.add(request.headers.host);
    if (count === 5) response.writeHead(500).end();
    else if (count === 7) request.socket.destroy();
    else response.end('{}');
  });
  const before = Date.now();
  const { requests, failed, failures } = await startLoad({ bin }, { url, host: 'x.localhost', rate: 50, duration: 1 })
    .result;
  const expected = failures.filter(({ status }) => status === 500);
  t.match(expected, [{ status: 500, path: /^\/v1\// }]);
  t.ok(failures.every(({ time }) => time >= before && time <= Date.now()));
  t.equal(failed, failures.length, 'as many as were counted');
  // Go's client repeats a GET on a kept connection; whatever else was cut is there, with the reason.
  t.ok(failures.every(({ status, error }) => status === 500 || error !== undefined));
  t.ok(connections.size >= Math.floor(requests / 10), `${connections.size} connections for ${requests} requests`);
  t.strictSame([...hosts], ['x.localhost']);
});

t.test('a load that is stopped counts no request that had no answer yet', async (t) => {
  const url = await server(t, (_, response) => {
    // Every answer takes longer than the load.
    setTimeout(() => response.end('{}'), 60_000).unref();
  });
  const load = startLoad({ bin }, { url, rate: 20, duration: 600 });
  await sleep(1500);
  t.match(await load.stop(), { requests: 0, failed: 0, failures: [] });
});

t.test('where nothing listens, every request is a failure with its reason', async (t) => {
  const load = startLoad({ bin }, { url: 'http://127.0.0.1:1', rate: 20, duration: 1 });
  const { requests, failed, failures } = await load.result;
  t.ok(requests > 10);
  t.equal(failed, requests);
  t.match(failures[0], { status: 0, error: /connection refused/ });
});

t.test('a load ends with the process that started it', async (t) => {
  let asked = 0;
  const url = await server(t, (_, response) => {
    asked += 1;
    response.end('{}');
  });
  const module = import.meta.resolve('../../src/start-load.ts');
  const code = `import { startLoad } from ${JSON.stringify(module)};
    const load = startLoad({ bin: ${JSON.stringify(bin)} }, { url: ${JSON.stringify(url)}, rate: 20, duration: 600 });
    await load.started;
    process.exit(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'inherit' });
  const [exit] = (await once(child, 'close')) as [number];
  t.equal(exit, 0);
  // k6 has a moment to stop; then nothing comes any more.
  await sleep(1000);
  const before = asked;
  t.ok(before > 0);
  await sleep(1000);
  t.equal(asked, before);
});
