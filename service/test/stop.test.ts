import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import t from 'tap';

const main = resolve(import.meta.dirname, '../src/main.ts');

t.test('SIGTERM: readiness fails, requests are still served, then it ends with 0', async (t) => {
  const child = spawn(process.execPath, [main], { env: { ...process.env, HOST: '127.0.0.1', PORT: '0', DRAIN_SECONDS: '1' }, stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  let url = '';
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  while (url === '') {
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the service ended before it listened');
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(value)?.[0] ?? '';
  }
  t.equal((await fetch(`${url}/readyz`)).status, 200);
  child.kill('SIGTERM');
  // The log says so once the signal has arrived.
  while (!String((await lines.next()).value).includes('stopping'));
  t.equal((await fetch(`${url}/readyz`)).status, 503);
  t.equal((await fetch(`${url}/v1/networks/10.0.0.0/8`)).status, 200);
  t.same(await exited, [0, null]);
});

t.test('a wrong environment ends it before it listens', async (t) => {
  const child = spawn(process.execPath, [main], { env: { ...process.env, PORT: 'http' }, stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  t.same(await once(child, 'close'), [1, null]);
  t.match(complaint, 'PORT must be a whole number from 0 to 65535 (it is "http")');
});
