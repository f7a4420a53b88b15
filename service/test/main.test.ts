import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';

const main = resolve(import.meta.dirname, '../src/main.ts');

interface LogLine {
  readonly level: number;
  readonly msg: string;
}

/** The service as a process of its own, with no environment but this; ended with the test at the latest. */
function start(t: Test, env: Record<string, string>) {
  const child = spawn(process.execPath, [main], { env: { HOST: '127.0.0.1', PORT: '0', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const log: LogLine[] = [];
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    log.push(JSON.parse(line) as LogLine);
  });

  /** What stands after the beginning of a line of the log, once it is there. */
  async function logged(beginning: string): Promise<string> {
    for (;;) {
      const found = log.find(({ msg }) => msg.startsWith(beginning));
      if (found !== undefined) return found.msg.slice(beginning.length);
      await once(lines, 'line', { signal: AbortSignal.timeout(10_000) });
    }
  }

  return { child, log, logged, complaints: text(child.stderr), ended: once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]> };
}

t.test('SIGTERM: not ready but still serving, then closed, then exit code 0', async (t) => {
  const service = start(t, { DRAIN_SECONDS: '1' });
  const url = await service.logged('Server listening at ');
  t.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
  t.equal((await fetch(`${url}/readyz`)).status, 200);

  service.child.kill('SIGTERM');
  await service.logged('stopping');
  t.equal((await fetch(`${url}/readyz`)).status, 503);
  t.equal((await fetch(`${url}/v1/networks/10.0.0.0/8`)).status, 200);

  t.same(await service.ended, [0, null]);
  await t.rejects(fetch(`${url}/livez`), { cause: { code: 'ECONNREFUSED' } });
  t.equal(service.log.at(-1)?.msg, 'stopped');
  t.equal(await service.complaints, '');
});

t.test('SIGINT stops it likewise, and a second signal at once', async (t) => {
  const patient = start(t, { DRAIN_SECONDS: '0' });
  const hurried = start(t, { DRAIN_SECONDS: '300' });
  await Promise.all([patient, hurried].map(({ logged }) => logged('Server listening at ')));
  patient.child.kill('SIGINT');
  t.same(await patient.ended, [0, null]);

  hurried.child.kill('SIGINT');
  await hurried.logged('stopping');
  hurried.child.kill('SIGTERM');
  t.same(await hurried.ended, [1, null]);
});

t.test('a wrong environment ends it with 1 before it listens, and says all that is wrong', async (t) => {
  const service = start(t, { PORT: 'http', LOG_LEVEL: 'loud' });
  t.same(await service.ended, [1, null]);
  t.match(await service.complaints, /^error: PORT must .*\nerror: LOG_LEVEL must .*\n$/);
  t.same(service.log, []);
});

t.test('a port that is taken ends it with 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.teardown(() => other.close());
  await once(other, 'listening');
  const service = start(t, { PORT: String((other.address() as AddressInfo).port) });
  t.same(await service.ended, [1, null]);
  t.match(service.log, [{ level: 60, msg: /EADDRINUSE/ }]);
});
