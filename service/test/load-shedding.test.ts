import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import Fastify from 'fastify';
import t from 'tap';
import { createMetrics } from '../src/metrics.ts';
import { loadShedding, pressureLimits } from '../src/plugins/load-shedding.ts';
import { build, start } from './helper.ts';

const url = '/v1/networks/10.0.0.0/8';

t.test('a process that does nothing sheds nothing', async (t) => {
  const service = await build(t, { LOAD_SHEDDING: 'on' });
  await sleep(600);
  for (let round = 0; round < 20; round += 1) {
    t.equal((await service.api.inject(url)).statusCode, 200);
    await sleep(20);
  }
});

/** Keeps the event loop busy, in turns of 150 ms, until it is told to end. */
function keepBusy(): { end: () => Promise<void> } {
  const state = { busy: true };
  const load = (async () => {
    while (state.busy) {
      const until = performance.now() + 150;
      while (performance.now() < until);
      await new Promise(setImmediate);
    }
  })();
  return {
    async end() {
      state.busy = false;
      await load;
    },
  };
}

t.test(
  'in overload, what has waited too long is answered 503 with Retry-After, counted by reason; all else goes on',
  { timeout: 60_000 },
  async (t) => {
    const service = start(t, { LOAD_SHEDDING: 'on', CACHE_MAX_BYTES: '0', DRAIN_SECONDS: '0' });
    const { api, admin } = await service.listening();
    // Some 20 ms each, so that forty at once make a turn of the event loop far too long.
    const tiers = Array.from({ length: 64 }, (_, index) => ({ name: `tier-${index}`, prefixLength: 64 + index }));
    const zones = Array.from({ length: 16 }, (_, index) => `zone-${index}`);
    const body = JSON.stringify({ cidr: '::/0', zones, tiers });
    const plan = async (): Promise<Response> =>
      fetch(`${api}/v1/plans`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });

    const seen = { 200: 0, 503: 0, other: 0 };
    const until = performance.now() + 4_000;
    const client = async (): Promise<void> => {
      while (performance.now() < until) {
        const answer = await plan();
        if (answer.status === 503) {
          seen[503] += 1;
          if (seen[503] === 1) {
            t.equal(answer.headers.get('retry-after'), '1');
            t.match(answer.headers.get('content-type'), /^application\/problem\+json/);
            t.equal(answer.headers.get('x-content-type-options'), 'nosniff');
            t.match(await answer.json(), { type: /:overloaded$/, status: 503, instance: /^urn:trace:[0-9a-f]{32}$/ });
          } else await answer.arrayBuffer();
          await sleep(100);
        } else {
          seen[answer.status === 200 ? 200 : 'other'] += 1;
          await answer.arrayBuffer();
        }
      }
    };
    const clients = Promise.all(Array.from({ length: 40 }, client));
    await sleep(2_000);
    for (const path of ['/livez', '/readyz', '/metrics']) t.equal((await fetch(admin + path)).status, 200, path);
    t.equal((await fetch(`${api}/nothing`)).status, 404, 'what no route takes is refused as ever');
    await clients;

    t.ok(seen[503] > 0 && seen[200] > 20, JSON.stringify(seen));
    t.equal(seen.other, 0);
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    const counted = Array.from(
      metrics.matchAll(/^http_requests_shed_total\{reason="event-loop-(?:delay|utilization)"\} (\d+)$/gm),
      ([, count]) => Number(count),
    ).reduce((sum, count) => sum + count, 0);
    t.equal(counted, seen[503]);
    t.match(
      metrics,
      new RegExp(
        `^http_request_duration_seconds_count\\{method="POST",route="/v1/plans",status_code="503"\\} ${seen[503]}$`,
        'm',
      ),
    );

    await sleep(1_000);
    t.equal((await plan()).status, 200, 'and it recovers by itself');

    // Answers do not wait for their lines; at the end of the process all of them are there.
    service.child.kill('SIGTERM');
    await service.ended;
    t.equal(service.log.filter(({ status }) => status === 503).length, seen[503]);
  },
);

t.test('a busy event loop alone refuses nobody who did not wait', async (t) => {
  const service = await build(t, { LOAD_SHEDDING: 'on' });
  // Over a socket: a request then comes with a turn of the event loop, as in life. An injected one may come in the
  // midst of a busy turn, of which it would have to wait for the rest.
  const { api } = await service.listen();
  const load = keepBusy();
  await sleep(2_000);
  for (let round = 0; round < 5; round += 1) t.equal((await fetch(api + url)).status, 200);
  await load.end();
});

t.test('without memory, everything is refused', async (t) => {
  const metrics = createMetrics({ version: 'test', commit: 'test' });
  const app = Fastify();
  t.teardown(async () => app.close());
  await app.register(loadShedding, { metrics, limits: { maxHeapUsedBytes: 1, maxRssBytes: 0 } });
  app.get('/', (_request, reply) => reply.send('served'));
  await app.listen({ host: '127.0.0.1', port: 0 });
  await sleep(1_000);
  for (let round = 0; round < 3; round += 1) t.equal((await app.inject('/')).statusCode, 503);
  t.match(await metrics.registry.metrics(), /^http_requests_shed_total\{reason="heap"\} 3$/m);
});

t.test('the limits come from the limits of the process', (t) => {
  const { maxHeapUsedBytes, maxRssBytes } = pressureLimits();
  t.equal(maxHeapUsedBytes, Math.floor(getHeapStatistics().heap_size_limit * 0.9));
  t.ok(maxRssBytes === 0 || maxRssBytes < process.constrainedMemory());
  t.end();
});

t.test('the first requests after the start are served, however busy the start was', async (t) => {
  const service = await build(t, { LOAD_SHEDDING: 'on' });
  await service.api.ready();
  for (let turn = 0; turn < 6; turn += 1) {
    const until = performance.now() + 150;
    while (performance.now() < until);
    await new Promise(setImmediate);
  }
  await service.listen();
  t.equal((await service.api.inject(url)).statusCode, 200);
});
