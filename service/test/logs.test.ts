import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { build, exchange, metric } from './helper.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';

t.test('one line a request: template, status, time, bytes and trace, and the trace in a problem', async (t) => {
  const { api, requests, lines } = await build(t);
  const response = await api.inject({
    url: '/v1/networks/10.0.0.0/8',
    headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` },
  });
  const problem = await api.inject({
    url: '/v1/networks/10.0.0.0/99',
    headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` },
  });
  await api.inject({ method: 'HEAD', url: '/v1/networks/10.0.0.0/8' });
  await api.inject({ method: 'DELETE', url: '/v1/plans' });
  await api.inject('/%zz');
  await api.inject('/nothing/here');
  t.equal(lines.length, 6, 'and nothing else');
  t.match(requests(), [
    {
      level: 'info',
      time: /^20.*Z$/,
      trace_id: trace,
      method: 'GET',
      route: '/v1/networks/{cidr}',
      status: 200,
      bytes: response.body.length,
    },
    { trace_id: trace, method: 'GET', route: '/v1/networks/{cidr}', status: 400, bytes: problem.body.length },
    { trace_id: /^[0-9a-f]{32}$/, method: 'HEAD', route: '/v1/networks/{cidr}', status: 200, bytes: 0 },
    { method: 'DELETE', route: '/v1/plans', status: 405 },
    { method: 'GET', route: 'unmatched', status: 400 },
    { method: 'GET', route: 'unmatched', status: 404 },
  ]);
  t.ok(requests().every(({ ms }) => typeof ms === 'number' && ms >= 0 && ms < 10_000));
  t.match(problem.json(), { instance: `urn:trace:${trace}` });
});

t.test('an error of ours is logged once, with its trace, and tells the client nothing', async (t) => {
  const { api, lines } = await build(t);
  api.get('/broken', () => {
    throw new Error('the database is at 10.9.8.7');
  });
  const response = await api.inject({ url: '/broken', headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` } });
  t.match(response.json(), {
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    detail: 'The service failed to answer this request.',
    instance: `urn:trace:${trace}`,
  });
  t.notMatch(response.body, /database|stack|\.ts/);
  t.match(lines, [
    {
      level: 'error',
      msg: 'request failed',
      trace_id: trace,
      err: { message: /10\.9\.8\.7/, stack: /logs\.test\.ts/ },
    },
    { msg: 'request', status: 500 },
  ]);
  t.equal(lines.length, 2);
});

t.test('secrets never appear, wherever a client or a careless line puts them', async (t) => {
  const { api, lines } = await build(t, { LOG_LEVEL: 'trace' });
  const secret = 'swordfish-4711';
  api.get('/careless', (request) => {
    const { headers } = request;
    request.log.info({ req: request, headers }, 'careless');
    request.log.info(
      { request: { headers }, body: { password: secret, token: secret }, options: { headers, authorization: secret } },
      'more careless',
    );
    request.log.info(
      { req: { headers }, authorization: secret, password: secret, res: { headers: { 'set-cookie': secret } } },
      'most careless',
    );
    throw Object.assign(new Error('failed'), { headers: { authorization: secret }, config: { authorization: secret } });
  });
  const headers = {
    authorization: `Bearer ${secret}`,
    cookie: `session=${secret}`,
    'x-api-key': secret,
    'proxy-authorization': secret,
    'user-agent': 'x',
  };
  await api.inject({ url: `/careless?token=${secret}`, headers });
  await api.inject({ url: `/v1/networks/${secret}?key=${secret}`, headers });
  await api.inject({
    method: 'POST',
    url: '/v1/plans',
    headers: { ...headers, 'content-type': 'application/json' },
    payload: `{"cidr": ${secret}`,
  });
  await api.inject({ method: 'POST', url: '/v1/plans', headers, payload: { [secret]: secret, cidr: secret } });
  await api.inject({ url: `/${secret}`, headers: { ...headers, traceparent: secret } });
  const { api: address } = { api: await api.listen({ host: '127.0.0.1', port: 0 }) };
  await exchange(address, `GET /${secret} HTTP/1.1\r\nHost: x\r\nBroken ${secret}\r\n\r\n`);
  const log = JSON.stringify(lines);
  t.notMatch(log, new RegExp(secret));
  t.match(log, /\[redacted\]/);
  t.equal(lines.filter(({ msg }) => msg === 'request').length, 5);
});

t.test('a client that leaves before the answer is logged and counted, once, as 499', async (t) => {
  const service = await build(t);
  const arrived = Promise.withResolvers<undefined>();
  service.api.get('/slow', async ({ raw }) => {
    arrived.resolve(undefined);
    await once(raw.socket, 'close');
    return 'late';
  });
  const { port } = new URL(await service.api.listen({ host: '127.0.0.1', port: 0 }));
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
  await arrived.promise;
  t.equal(await metric(service, 'http_requests_in_flight'), 1);
  socket.destroy();
  await once(socket, 'close');
  while (service.requests().length === 0) await sleep(10);
  await sleep(50); // for a second line, which there must not be
  t.match(service.requests(), [{ route: '/slow', status: 499, bytes: 0 }]);
  t.equal(service.requests().length, 1);
  t.equal(
    await metric(service, 'http_request_duration_seconds_count{method="GET",route="/slow",status_code="499"}'),
    1,
  );
  t.equal(await metric(service, 'http_requests_in_flight'), 0);
});

t.test('the level can be changed while it runs, for requests as well', async (t) => {
  const { api, admin, lines, requests } = await build(t, { LOG_LEVEL: 'warn' });
  const put = async (level: unknown) => admin.inject({ method: 'PUT', url: '/log-level', payload: { level } });
  t.strictSame((await admin.inject('/log-level')).json(), { level: 'warn' });
  await api.inject('/v1/networks/10.0.0.0/8');
  t.equal(requests().length, 0);
  t.strictSame((await put('info')).json(), { level: 'info' });
  await api.inject('/v1/networks/10.0.0.0/8');
  t.equal(requests().length, 1);
  t.match((await put('loud')).json(), {
    status: 400,
    errors: [{ pointer: '#/level', detail: /must be one of "fatal"/ }],
  });
  await put('error');
  await api.inject('/v1/networks/10.0.0.0/8');
  t.equal(requests().length, 1);
  t.match(
    lines.filter(({ msg }) => msg === 'log level changed'),
    [
      { before: 'warn', level: 'info' },
      { before: 'info', level: 'error' },
    ],
  );
});
