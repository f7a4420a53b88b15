import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import t from 'tap';
import { pressureLimits } from '../src/plugins/load-shedding.ts';
import { build, metric } from './helper.ts';

const url = '/v1/networks/10.0.0.0/8';

t.test('a process that does nothing sheds nothing', async (t) => {
  const service = await build(t, { LOAD_SHEDDING: 'on' });
  await sleep(600);
  for (let round = 0; round < 20; round += 1) {
    t.equal((await service.api.inject(url)).statusCode, 200);
    await sleep(20);
  }
});

t.test('while the event loop is kept busy, the API answers 503 with Retry-After, counted by reason; all else goes on', async (t) => {
  const service = await build(t, { LOAD_SHEDDING: 'on' });
  await service.listen();
  const load = { busy: true, ended: Promise.resolve() };
  const keepBusy = async (): Promise<void> => {
    while (load.busy) {
      const until = performance.now() + 150;
      while (performance.now() < until);
      await new Promise(setImmediate);
    }
  };
  load.ended = keepBusy();
  await sleep(3_000);
  const shed = await service.api.inject(url);
  t.equal(shed.statusCode, 503);
  t.match(shed.headers, { 'retry-after': /^\d+$/, 'content-type': /^application\/problem\+json/, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  t.match(shed.json(), { type: /:overloaded$/, status: 503, instance: /^urn:trace:[0-9a-f]{32}$/ });
  t.equal((await service.api.inject('/nothing')).statusCode, 404, 'what no route takes is refused as ever');
  for (const path of ['/livez', '/readyz', '/metrics']) t.equal((await service.admin.inject(path)).statusCode, 200, path);
  load.busy = false;
  await load.ended;

  const metrics = await service.metrics.registry.metrics();
  t.match(metrics, /^http_requests_shed_total\{reason="event-loop-(delay|utilization)"\} 1$/m);
  t.equal(await metric(service, 'http_request_duration_seconds_count{method="GET",route="/v1/networks/{cidr}",status_code="503"}'), 1);
  t.match(service.requests()[0], { status: 503 });

  await sleep(3_000);
  t.equal((await service.api.inject(url)).statusCode, 200, 'and it recovers by itself');
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
