import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { getHeapStatistics } from 'node:v8';
import t from 'tap';
import { memoryLimits, memoryWatch } from '../src/memory-pressure.ts';
import { build, metric, start } from './helper.ts';

const run = promisify(execFile);

const url = '/v1/networks/10.0.0.0/8';

t.test('a process that does nothing sheds nothing', async (t) => {
  const service = await build(t, { LOAD_SHEDDING: 'on' });
  await sleep(600);
  for (let round = 0; round < 20; round += 1) {
    t.equal((await service.api.inject(url)).statusCode, 200);
    await sleep(20);
  }
});

/** Keeps the event loop busy, in turns of 150 ms, until it is stopped. */
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
    t.equal((await fetch(`${api}/nothing`)).status, 404, 'what no route takes is refused as usual');
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

t.test('short of memory, everything is refused, and readiness says so; afterwards nothing is', async (t) => {
  let resident = 0;
  const service = await build(
    t,
    { LOAD_SHEDDING: 'on' },
    { measures: { memory: () => ({ heap: 0, resident }), memoryLimits: { heap: 1, resident: 1 } } },
  );
  const { api, admin } = await service.listen();
  const ready = async () => (await fetch(`${admin}/readyz`)).text();
  t.equal((await fetch(api + url)).status, 200);
  resident = 2;
  while ((await ready()) !== '{"status":"overloaded"}') await sleep(20);
  for (let round = 0; round < 3; round += 1) t.equal((await fetch(api + url)).status, 503);
  t.equal(await metric(service, 'http_requests_shed_total{reason="memory"}'), 3);
  t.equal((await fetch(`${api}/nothing`)).status, 404, 'what no route takes is refused as usual');
  resident = 0;
  while ((await ready()) !== '{"status":"ok"}') await sleep(20);
  t.equal((await fetch(api + url)).status, 200);
});

t.test('memory is short when a collection has shown it, and as long as one shows it', (t) => {
  const clock = { now: 0 };
  const heap = { live: 0, garbage: 0 };
  let collections = 0;
  const watch = memoryWatch({
    limits: { heap: 100, resident: Infinity },
    use: () => ({ heap: heap.live + heap.garbage, resident: 0 }),
    collect: () => {
      collections += 1;
      heap.garbage = 0;
    },
    now: () => clock.now,
  });
  const steps: [seconds: number, live: number, garbage: number, short: string | undefined, collections: number][] = [
    [0, 50, 0, undefined, 0],
    [1, 50, 60, undefined, 1], // only garbage was too much
    [1.25, 50, 60, undefined, 1], // not again so soon
    [2.5, 110, 60, 'heap', 2],
    [2.75, 50, 60, 'heap', 2], // gone, but nobody knows yet
    [3.5, 50, 60, undefined, 3],
    [4.5, 110, 0, 'heap', 4],
    [4.75, 50, 0, undefined, 4], // seen without a collection
  ];
  for (const [seconds, live, garbage, short, count] of steps) {
    clock.now = seconds * 1000;
    Object.assign(heap, { live, garbage });
    t.equal(watch(), short, `after ${seconds} s`);
    t.equal(collections, count, `collections after ${seconds} s`);
  }
  t.end();
});

t.test('without --expose-gc, what is in use decides', (t) => {
  let resident = 0;
  const watch = memoryWatch({
    limits: { heap: 100, resident: 100 },
    use: () => ({ heap: 0, resident }),
    collect: undefined,
  });
  for (const [bytes, short] of [
    [0, undefined],
    [101, 'memory'],
    [100, undefined],
  ] as const) {
    resident = bytes;
    t.equal(watch(), short);
  }
  t.end();
});

t.test('the limits come from those of the process, and V8 can reach them', async (t) => {
  const { heap, resident } = memoryLimits();
  t.ok(heap > 0 && heap < getHeapStatistics().heap_size_limit);
  t.ok(resident === Infinity || resident < process.constrainedMemory());
  const module = JSON.stringify(new URL('../src/memory-pressure.ts', import.meta.url));
  for (const [flags, oldSpace] of [
    [['--max-old-space-size=166'], 166],
    [['--max-old-space-size=166', '--max-semi-space-size=4'], 166],
    [['--max_semi_space_size=8', '--max-old-space-size=60'], 60],
    [['--max-old-space-size=2000'], 2_000],
  ] as const) {
    const { stdout } = await run(process.execPath, [
      ...flags,
      '--input-type=module',
      '--eval',
      `import { memoryLimits } from ${module}; console.log(memoryLimits().heap);`,
    ]);
    const name = flags.join(' ');
    t.ok(Math.abs(Number(stdout) / 2 ** 20 - oldSpace * 0.9) < 1, `${name}: ${stdout}`);
  }
});

t.test(
  'a heap that is nearly full is known before V8 gives up, and what refused then serves again when it is free',
  { timeout: 60_000 },
  async (t) => {
    // On a signal it takes up to 155 MiB, between the limit (149 MiB) and the end (166 MiB); on the next one it lets go.
    const eat = `let all = [];
      process.on('SIGUSR2', () => {
        if (all.length > 0) all = [];
        else while (process.memoryUsage().heapUsed < 155 * 2 ** 20) all.push(new Array(50_000).fill(0.5));
      })`;
    const flags = [...startFlags(), '--max-old-space-size=166', '--import', `data:text/javascript,${eat}`];
    const service = start(t, { LOAD_SHEDDING: 'on', DRAIN_SECONDS: '0' }, { flags });
    const { api, admin } = await service.listening();
    const ready = async (): Promise<number> => (await fetch(`${admin}/readyz`)).status;
    t.equal((await fetch(api + url)).status, 200);

    service.child.kill('SIGUSR2');
    while ((await ready()) !== 503) await sleep(50);
    const refused = await fetch(api + url);
    t.equal(refused.status, 503);
    t.equal(refused.headers.get('retry-after'), '1');
    t.match(await (await fetch(`${admin}/metrics`)).text(), /^http_requests_shed_total\{reason="heap"\} 1$/m);

    service.child.kill('SIGUSR2');
    const freed = performance.now();
    while ((await ready()) !== 200) await sleep(50);
    t.equal((await fetch(api + url)).status, 200);
    t.comment(`served again after ${Math.round(performance.now() - freed)} ms`);
    service.child.kill('SIGTERM');
    t.same(await service.ended, [0, null]);
  },
);

/** The flags that the start script gives to node, but for the share of a machine's memory. */
function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    scripts: { start: string };
  };
  return scripts.start.split(' ').filter((word) => word.startsWith('--') && !word.includes('percentage'));
}

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
