import { randomUUID } from 'node:crypto';
import t from 'tap';
import { timings } from '../src/timings.ts';
import { build, exchange, metric } from './helper.ts';

/** Name and labels of every series. */
async function series(service: Parameters<typeof metric>[0]): Promise<string[]> {
  return (await service.metrics.registry.metrics())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));
}

t.test('what the admin port tells: the process, requests, cache, build, and nothing twice', async (t) => {
  const service = await build(t);
  await service.api.inject('/v1/networks/10.0.0.0/8');
  const response = await service.admin.inject('/metrics');
  t.match(response.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  const names = [
    'http_request_duration_seconds_bucket',
    'http_requests_in_flight',
    'service_build_info',
    'service_draining',
    'cache_answers_total',
    'cache_entries',
    'cache_bytes',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_gc_duration_seconds',
    'nodejs_heap_size_limit_bytes',
    'nodejs_heap_size_used_bytes',
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
  ];
  for (const name of names) t.match(response.body, new RegExp(`^(# TYPE )?${name}[{ ]`, 'm'), name);
  t.match(
    response.body,
    new RegExp(`^service_build_info\\{version="source",commit="unknown",node="${process.version}"\\} 1$`, 'm'),
  );
  const all = await series(service);
  t.equal(new Set(all).size, all.length);
  t.notOk(
    all.some((line) => line.includes('/metrics')),
    'the admin port counts no requests of its own',
  );
});

t.test('what ends in _total is a counter, and every counter does', async (t) => {
  const { metrics } = await build(t);
  const types = Array.from((await metrics.registry.metrics()).matchAll(/^# TYPE (\S+) (\S+)$/gm));
  for (const [, name = '', type] of types)
    t.equal(name.endsWith('_total'), type === 'counter', `${name} ${String(type)}`);
  for (const name of ['nodejs_active_handles', 'nodejs_active_requests', 'nodejs_active_resources'])
    t.ok(
      types.some(([, known]) => known === name),
      `${name}, by type`,
    );
});

t.test('a bucket ends exactly at the objective', async (t) => {
  const service = await build(t);
  await service.api.inject('/v1/networks/10.0.0.0/8');
  t.equal(
    await metric(
      service,
      `http_request_duration_seconds_bucket{le="${timings.latencyObjective}",method="GET",route="/v1/networks/{cidr}",status_code="200"}`,
    ),
    1,
  );
});

t.test('what the client counts and what the metrics count is the same, for every route and status', async (t) => {
  const service = await build(t);
  const counted = new Map<string, number>();
  const plan = { cidr: '10.0.0.0/16', zones: ['a'], tiers: [{ name: 'x', prefixLength: 20 }] };
  const requests = [
    { method: 'GET', url: '/v1/networks/10.0.0.0/8', route: '/v1/networks/{cidr}' },
    { method: 'GET', url: '/v1/networks/10.0.0.0%2F8', route: '/v1/networks/{cidr}' },
    { method: 'HEAD', url: '/v1/networks/10.0.0.0/8', route: '/v1/networks/{cidr}' },
    { method: 'GET', url: '/v1/networks/10.0.0.0/8', headers: { 'if-none-match': '*' }, route: '/v1/networks/{cidr}' },
    { method: 'GET', url: '/v1/networks/10.0.0.0/8', headers: { 'if-match': '"x"' }, route: '/v1/networks/{cidr}' },
    { method: 'GET', url: '/v1/networks/10.0.0.0/40', route: '/v1/networks/{cidr}' },
    { method: 'POST', url: '/v1/plans', payload: plan, route: '/v1/plans' },
    { method: 'POST', url: '/v1/plans', payload: { ...plan, cidr: '10.0.0.0/24' }, route: '/v1/plans' },
    { method: 'POST', url: '/v1/plans', payload: 'x', headers: { 'content-type': 'text/plain' }, route: '/v1/plans' },
    { method: 'POST', url: '/v1/plans', payload: { x: 'x'.repeat(40_000) }, route: '/v1/plans' },
    { method: 'PUT', url: '/v1/plans', payload: plan, route: '/v1/plans' },
    { method: 'OPTIONS', url: '/v1/overlaps', route: '/v1/overlaps' },
    { method: 'GET', url: '/nothing', route: 'unmatched' },
    { method: 'POST', url: '/nothing', payload: 'x', headers: { 'content-type': 'text/plain' }, route: 'unmatched' },
    { method: 'GET', url: '/%zz', route: 'unmatched' },
  ] as const;
  for (let round = 0; round < 3; round += 1) {
    for (const { route, ...request } of requests) {
      const { statusCode } = await service.api.inject(request);
      const key = `http_request_duration_seconds_count{method="${request.method}",route="${route}",status_code="${statusCode}"}`;
      counted.set(key, (counted.get(key) ?? 0) + 1);
    }
  }
  t.ok(counted.size >= 12, `${counted.size} series`);
  for (const [key, count] of counted) t.equal(await metric(service, key), count, key);
  t.equal(
    (await series(service)).filter((line) => line.startsWith('http_request_duration_seconds_count')).length,
    counted.size,
    'and there are no others',
  );
});

t.test('10,000 random paths, methods and ids leave the number of series unchanged', async (t) => {
  const service = await build(t, { LOG_LEVEL: 'fatal', CACHE_MAX_BYTES: '100000' });
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'] as const;
  const visit = async (index: number): Promise<void> => {
    const method = methods[index % methods.length] ?? 'GET';
    const id = randomUUID();
    const urls = [
      `/${id}`,
      `/v1/networks/${id}`,
      `/v1/networks/10.${index % 256}.${(index >> 8) % 256}.0/24`,
      `/v1/${id}/x?${id}=${id}`,
      `/v1/plans/${id}`,
      `/%zz${id}`,
    ];
    await service.api.inject({
      method,
      url: urls[index % urls.length] ?? '/',
      headers: { [`x-${id}`]: id, traceparent: id },
    });
  };
  for (let index = 0; index < 200; index += 1) await visit(index);
  const before = await series(service);
  for (let index = 200; index < 10_200; index += 1) await visit(index);
  // GC kinds appear as they happen; they are no client's doing.
  const ofClients = (all: string[]): string[] =>
    all.filter((line) => !line.startsWith('nodejs_') && !line.startsWith('process_'));
  t.same(ofClients(await series(service)), ofClients(before));
});

t.test('methods that nobody uses are one series', async (t) => {
  const service = await build(t);
  const address = await service.api.listen({ host: '127.0.0.1', port: 0 });
  for (const method of ['PROPFIND', 'MKCOL', 'LOCK', 'SEARCH'])
    t.match(
      (await exchange(address, `${method} /v1/plans HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).text,
      /^HTTP\/1\.1 501 /,
      method,
    );
  t.equal(
    await metric(service, 'http_request_duration_seconds_count{method="other",route="unmatched",status_code="501"}'),
    4,
  );
});
