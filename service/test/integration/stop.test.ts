// Whatever the stop could wait for stands still.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { build, metric, sendMany, start } from '../helper.ts';

interface Standstill {
  readonly name: string;
  /** Makes something stand still. */
  readonly still: (
    t: Test,
    service: ReturnType<typeof start>,
    addresses: { api: string; admin: string },
  ) => Promise<void>;
}

/** A connection that sends some bytes and then neither reads nor writes. */
async function holdStill(t: Test, url: string, bytes: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.on('error', () => undefined); // cut, which is the point
  await once(socket, 'connect');
  socket.pause();
  await new Promise((done) => socket.write(bytes, done));
}

const unfinished = 'HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{';
const network = 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\nHost: x\r\n\r\n';
const standstills: readonly Standstill[] = [
  { name: 'a connection that nobody uses', still: async (t, _service, { api }) => holdStill(t, api, '') },
  { name: 'a connection that was used', still: async (t, _service, { api }) => holdStill(t, api, network) },
  {
    name: 'a request whose headers never end',
    still: async (t, _service, { api }) => holdStill(t, api, 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\n'),
  },
  {
    name: 'a request whose body never ends',
    still: async (t, _service, { api }) => holdStill(t, api, `POST /v1/plans ${unfinished}`),
  },
  {
    name: 'a client that does not read its answers',
    still: async (t, _service, { api }) => holdStill(t, api, network.repeat(5_000)),
  },
  {
    name: 'a client that does not read that it was refused',
    still: async (t, _service, { api }) => holdStill(t, api, `${network.repeat(5_000)}garbage\r\n\r\n`),
  },
  {
    name: 'a CONNECT behind a request whose answer nobody reads',
    still: async (t, _service, { api }) =>
      holdStill(t, api, `${network.repeat(5_000)}CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n`),
  },
  {
    name: 'a file of the admin port that nobody reads',
    still: async (t, _service, { admin }) =>
      holdStill(t, admin, 'GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(10)),
  },
  {
    name: 'a request of the admin port whose body never ends',
    still: async (t, _service, { admin }) => holdStill(t, admin, `PUT /log-level ${unfinished}`),
  },
  {
    name: 'a log that nobody reads',
    still: async (_t, service, { api }) => {
      service.child.stdout.pause();
      // More than the pipe holds, and less than is kept for its reader.
      await sendMany(api, 5_000);
    },
  },
];

async function stopWhile(
  t: Test,
  { name, still }: Standstill,
  signals: readonly NodeJS.Signals[],
  code: number,
): Promise<void> {
  const crash = "data:text/javascript,process.on('SIGUSR2',()=>{throw new Error('boom')})";
  // With a second signal it must not have ended by itself before.
  const service = start(t, { DRAIN_SECONDS: signals.length > 1 ? '300' : '0' }, { flags: ['--import', crash] });
  const exit = once(service.child, 'exit');
  const addresses = await service.listening();
  await still(t, service, addresses);
  for (const [index, signal] of signals.entries()) {
    // The line that says that it stops may be behind a reader that stands still.
    if (index > 0) while (!(await draining(addresses.admin))) await sleep(20);
    service.child.kill(signal);
  }
  t.same(await exit, [code, null], `${name}: ${signals.join(', ')}`);
}

t.test('whatever stands still, the stop has an end', { timeout: 120_000 }, async (t) => {
  for (let first = 0; first < standstills.length; first += 3)
    await Promise.all(standstills.slice(first, first + 3).map(async (one) => stopWhile(t, one, ['SIGTERM'], 0)));
});

t.test('so it has with a log that nobody reads, and with all of it, however it is to end', async (t) => {
  const all: Standstill = {
    name: 'all of it',
    still: async (...args) => {
      for (const { still } of standstills) await still(...args);
    },
  };
  for (const one of [...standstills.slice(-1), all])
    await Promise.all([
      stopWhile(t, one, ['SIGTERM'], 0),
      stopWhile(t, one, ['SIGTERM', 'SIGINT'], 1),
      stopWhile(t, one, ['SIGUSR2'], 1),
    ]);
});

/** Whether it has begun to stop, or has ended. */
async function draining(admin: string): Promise<boolean> {
  try {
    return (await (await fetch(`${admin}/metrics`)).text()).includes('\nservice_draining 1\n');
  } catch {
    return true;
  }
}

t.test('what waits for something that it should not is ended as well, with 1', { timeout: 60_000 }, async (t) => {
  const stuck = `data:text/javascript,import { Server } from 'node:net'; Server.prototype.close = function close() { return this; };`;
  const service = start(t, { DRAIN_SECONDS: '0' }, { flags: ['--import', stuck] });
  await service.listening();
  service.child.kill('SIGTERM');
  t.same(await service.ended, [1, null]);
  t.match(service.log.at(-1), { level: 'fatal', msg: 'could not stop in time' });
});

t.test('a request that is never answered is cut at the end, and logged', async (t) => {
  const service = await build(t);
  service.api.get('/never', () => new Promise(() => undefined));
  const { api } = await service.listen();
  const cut = fetch(`${api}/never`).then(
    () => 'answered',
    () => 'cut',
  );
  while ((await metric(service, 'http_requests_in_flight')) !== 1) await sleep(10);
  await service.close({ drainSeconds: 0 });
  t.equal(await cut, 'cut');
  t.match(service.requests(), [{ route: '/never', status: 499 }]);
});
