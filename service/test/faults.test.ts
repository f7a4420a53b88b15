import t from 'tap';
import { build, metric } from './helper.ts';

const PATH = '/v1/networks/10.0.0.0/8';

t.test('without the setting, no route and no hook is there', async (t) => {
  const { api, admin } = await build(t);
  for (const method of ['GET', 'PUT', 'DELETE'] as const)
    t.equal((await admin.inject({ method, url: '/faults', payload: {} })).statusCode, 404, method);
  await api.ready();
  t.notMatch(api.printPlugins(), 'faults');
  const { api: other } = await build(t, { FAULTS: 'on' });
  await other.ready();
  t.match(other.printPlugins(), 'faults');
});

t.test('the switches are on the admin port alone', async (t) => {
  const { api, admin } = await build(t, { FAULTS: 'on' });
  t.equal((await api.inject({ method: 'PUT', url: '/faults', payload: { failing: 1 } })).statusCode, 404);
  t.strictSame((await admin.inject('/faults')).json(), { failing: 0, delay: 0 });
});

t.test('the share of requests that was asked for fails, exactly, and is counted as any other answer', async (t) => {
  const service = await build(t, { FAULTS: 'on' });
  const { api, admin } = service;
  const statuses = async (count: number): Promise<number[]> => {
    const answers: number[] = [];
    for (let index = 0; index < count; index += 1) answers.push((await api.inject(PATH)).statusCode);
    return answers;
  };
  t.same(await statuses(2), [200, 200], 'off at first');
  const put = await admin.inject({ method: 'PUT', url: '/faults', payload: { failing: 0.3 } });
  t.strictSame(put.json(), { failing: 0.3, delay: 0 });
  t.equal((await statuses(20)).filter((status) => status === 500).length, 6);
  const series = 'http_request_duration_seconds_count{method="GET",route="/v1/networks/{cidr}",status_code="500"}';
  t.equal(await metric(service, series), 6);
  t.match((await admin.inject({ method: 'PUT', url: '/faults', payload: { failing: 1 } })).json(), { failing: 1 });
  const failed = await api.inject(PATH);
  t.match(failed.headers, { 'content-type': /^application\/problem\+json/ });
  t.match(failed.json(), { status: 500, detail: 'A fault switch is on.' });
  t.equal((await admin.inject('/readyz')).statusCode, 503, 'not listening; and no fault of the admin port');
  t.equal((await admin.inject({ method: 'DELETE', url: '/faults' })).statusCode, 200);
  t.same(await statuses(3), [200, 200, 200]);
  const changes = service.lines.filter(({ msg }) => msg === 'fault switches changed');
  t.match(changes, [
    { level: 'warn', faults: { failing: 0.3 } },
    { faults: { failing: 1 } },
    { faults: { failing: 0 } },
  ]);
});

t.test('requests wait as long as was asked for', async (t) => {
  const { api, admin } = await build(t, { FAULTS: 'on' });
  await admin.inject({ method: 'PUT', url: '/faults', payload: { delay: 60 } });
  const begin = performance.now();
  t.equal((await api.inject(PATH)).statusCode, 200);
  // Timers count in whole milliseconds.
  t.ok(performance.now() - begin >= 59);
});

t.test('what is no switch is refused', async (t) => {
  const { admin } = await build(t, { FAULTS: 'on' });
  for (const payload of [
    { failing: 1.1 },
    { failing: -0.1 },
    { delay: -1 },
    { delay: 1.5 },
    { fail: 1 },
    { failing: '1' },
  ])
    t.equal((await admin.inject({ method: 'PUT', url: '/faults', payload })).statusCode, 400, JSON.stringify(payload));
  t.strictSame((await admin.inject('/faults')).json(), { failing: 0, delay: 0 });
});
