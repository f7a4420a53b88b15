import t from 'tap';
import { build, metric } from './helper.ts';

t.test('every pair that shares addresses is listed, the outer network first', async (t) => {
  const service = await build(t);
  const response = await service.api.inject({
    method: 'POST',
    url: '/v1/overlaps',
    payload: { cidrs: ['10.1.2.3/16', '192.168.0.0/16', '10.0.0.0/8', '2001:db8::/32', '2001:db8::/32'] },
  });
  t.equal(response.statusCode, 200);
  t.strictSame(response.json(), {
    overlaps: [
      { outer: { cidr: '10.0.0.0/8', index: 2 }, inner: { cidr: '10.1.0.0/16', index: 0 } },
      { outer: { cidr: '2001:db8::/32', index: 3 }, inner: { cidr: '2001:db8::/32', index: 4 } },
    ],
  });
  t.equal(response.headers['cache-control'], 'no-store');
  t.equal(await metric(service, 'network_overlaps_found_total'), 2);
});

t.test('none, one, too many, and what is no network', async (t) => {
  const { api } = await build(t);
  const post = async (cidrs: unknown) => api.inject({ method: 'POST', url: '/v1/overlaps', payload: { cidrs } });
  t.strictSame((await post(['10.0.0.0/8'])).json(), { overlaps: [] });
  t.match((await post([])).json(), { status: 400, errors: [{ pointer: '#/cidrs' }] });
  t.match((await post(Array(101).fill('10.0.0.0/8'))).json(), { status: 400, errors: [{ pointer: '#/cidrs' }] });
  t.match((await post(['10.0.0.0/8', '10.0.0.0/99'])).json(), {
    status: 400,
    errors: [{ pointer: '#/cidrs/1', detail: /from 0 to 32/ }],
  });
  const most = await post(Array(100).fill('10.0.0.0/8'));
  t.equal(most.json<{ overlaps: unknown[] }>().overlaps.length, 4950);
});
