import t from 'tap';
import { build, exchange, metric } from './helper.ts';

const url = '/v1/networks/10.0.0.0/16';
const plan = {
  method: 'POST',
  url: '/v1/plans',
  payload: { cidr: '10.0.0.0/16', zones: ['a'], tiers: [{ name: 'x', prefixLength: 20 }] },
} as const;

t.test('an answer says how old it is, where it comes from and how long it may be kept', async (t) => {
  const clock = { seconds: 1000 };
  const service = await build(t, {}, { now: () => clock.seconds * 1000 });
  const first = await service.api.inject(url);
  clock.seconds += 12.5;
  t.match(first.headers, {
    'cache-control': 'public, max-age=300, stale-while-revalidate=600',
    age: '0',
    'cache-status': 'fastify-service; fwd=uri-miss; stored',
    etag: /^"[A-Za-z0-9_-]{22}"$/,
  });
  const second = await service.api.inject(url);
  t.match(second.headers, { age: '12', 'cache-status': 'fastify-service; hit; ttl=287', etag: first.headers.etag });
  t.equal(second.body, first.body);
  t.not((await service.api.inject('/v1/networks/10.0.0.0/17')).headers.etag, first.headers.etag);
  t.equal(await metric(service, 'cache_answers_total{result="hit"}'), 1);
  t.equal(await metric(service, 'cache_answers_total{result="miss"}'), 2);
  t.equal(await metric(service, 'cache_entries'), 2);
  t.ok(Number(await metric(service, 'cache_bytes')) > 400);
});

t.test('304 for GET and HEAD of a 200, and for nothing else', async (t) => {
  const { api } = await build(t);
  const { etag } = (await api.inject(url)).headers;
  for (const method of ['GET', 'HEAD'] as const) {
    const response = await api.inject({ method, url, headers: { 'if-none-match': `"other", ${String(etag)}` } });
    t.equal(response.statusCode, 304, method);
    t.equal(response.body, '');
    t.match(response.headers, { etag, 'cache-control': /max-age/ });
    t.notOk('content-type' in response.headers);
  }
  t.equal((await api.inject({ url, headers: { 'if-none-match': '*' } })).statusCode, 304);
  t.equal((await api.inject({ url, headers: { 'if-none-match': '"other"' } })).statusCode, 200);
  // An error has no tag, whatever the client asks for.
  for (const path of ['/v1/networks/10.0.0.0/33', '/nothing']) {
    const response = await api.inject({ url: path, headers: { 'if-none-match': '*' } });
    t.ok(response.statusCode >= 400, path);
    t.notOk('etag' in response.headers);
    t.equal(response.headers['cache-control'], 'no-store');
  }
});

t.test('412 where the conditions do not hold', async (t) => {
  const { api } = await build(t);
  const { etag } = (await api.inject(url)).headers;
  t.equal((await api.inject({ url, headers: { 'if-match': String(etag) } })).statusCode, 200);
  const refused = await api.inject({ url, headers: { 'if-match': '"other"' } });
  t.match(refused.json(), { type: 'about:blank', status: 412 });
  t.equal(refused.headers['cache-control'], 'no-store');
  t.equal(
    (await api.inject({ ...plan, headers: { 'if-match': '*' } })).statusCode,
    412,
    'a plan is no representation that could match',
  );
  t.equal((await api.inject({ ...plan, headers: { 'if-none-match': '*' } })).statusCode, 200);
});

t.test('HEAD tells what GET would, without a body', async (t) => {
  const { api } = await build(t);
  const get = await api.inject(url);
  const head = await api.inject({ method: 'HEAD', url });
  t.equal(head.body, '');
  for (const name of ['etag', 'content-length', 'content-type', 'cache-control'])
    t.equal(head.headers[name], get.headers[name], name);
});

t.test('equal plans are made once, whatever the order of their fields; nobody else may keep them', async (t) => {
  const service = await build(t);
  const { cidr, zones, tiers } = plan.payload;
  const first = await service.api.inject(plan);
  const second = await service.api.inject({ ...plan, payload: { tiers, zones, cidr } });
  t.match(second.headers, { 'cache-status': /; hit; /, 'cache-control': 'no-store' });
  t.notOk('etag' in second.headers);
  t.equal(second.body, first.body);
  t.equal(await metric(service, 'subnet_plans_total{outcome="planned"}'), 1);
  t.match(
    (await service.api.inject({ ...plan, payload: { ...plan.payload, taken: [] } })).headers['cache-status'],
    /uri-miss/,
    'another plan',
  );
});

t.test('a stale answer is served at once while a new one is made, with the same schema and tag', async (t) => {
  const clock = { seconds: 1000 };
  const service = await build(t, {}, { now: () => clock.seconds * 1000 });
  const first = await service.api.inject(url);
  clock.seconds += 300.5;
  // The refresh runs after an answer without a body; that must not change what it makes.
  const stale = await service.api.inject({ url, headers: { 'if-none-match': String(first.headers.etag) } });
  t.equal(stale.statusCode, 304);
  t.match(stale.headers, { 'cache-status': /^fastify-service; hit; ttl=-1$/, age: '300' });
  const fresh = await service.api.inject(url);
  t.match(fresh.headers, { 'cache-status': /^fastify-service; hit; ttl=300$/, age: '0', etag: first.headers.etag });
  t.equal(fresh.body, first.body);
  t.equal(await metric(service, 'cache_answers_total{result="stale"}'), 1);
});

t.test('the cache can be switched off', async (t) => {
  const service = await build(t, { CACHE_MAX_BYTES: '0' });
  for (let round = 0; round < 2; round += 1)
    t.match((await service.api.inject(url)).headers['cache-status'], 'fastify-service; fwd=uri-miss');
  t.equal(await metric(service, 'cache_entries'), 0);
});

t.test('a cache that is too small for all that is asked at once refuses nobody', async (t) => {
  const service = await build(t, { CACHE_MAX_BYTES: '100000' });
  const { api } = await service.listen();
  // 1,200 requests in one go on one connection: 62 kB, whose answers are five times what the cache holds.
  const requests = Array.from(
    { length: 1200 },
    (_, index) => `GET /v1/networks/10.${index >> 8}.${index & 255}.0/24 HTTP/1.1\r\nHost: x\r\n\r\n`,
  );
  // The service ends the connection after the last one; until then it may be silent for as long as the machine is busy.
  const last = requests.at(-1)?.replace('Host: x', 'Host: x\r\nConnection: close') ?? '';
  const { text } = await exchange(api, [...requests.slice(0, -1), last].join(''), { silence: 30_000 });
  t.strictSame(
    Array.from(text.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status),
    requests.map(() => '200'),
  );
  t.ok(Number(await metric(service, 'cache_evictions_total')) > 500);
  t.ok(Number(await metric(service, 'cache_bytes')) <= 100_000);
});
