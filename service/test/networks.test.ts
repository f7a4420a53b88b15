import t from 'tap';
import { describeNetwork, parseCidr } from '@gitops/subnets/cidr';
import { build } from './helper.ts';

t.test('a network is described in full: nothing of it is lost or changed on the way into JSON', async (t) => {
  const { api } = await build(t);
  for (const cidr of [
    '10.0.0.0/16',
    '192.0.2.4/31',
    '192.0.2.4/32',
    '0.0.0.0/0',
    '2001:db8::/32',
    '::/0',
    '::1/128',
    '::ffff:10.0.0.0/104',
  ]) {
    const response = await api.inject(`/v1/networks/${cidr}`);
    t.equal(response.statusCode, 200, cidr);
    t.equal(response.headers['content-type'], 'application/json; charset=utf-8');
    t.strictSame(response.json(), describeNetwork(parseCidr(cidr)), cidr);
  }
});

t.test('host bits are cleared; the slash may be percent-encoded, and so may the colons', async (t) => {
  const { api } = await build(t);
  for (const path of ['10.1.2.3/8', '10.1.2.3%2F8', '10.1.2.3%2f8'])
    t.match((await api.inject(`/v1/networks/${path}`)).json(), { cidr: '10.0.0.0/8' }, path);
  t.match((await api.inject('/v1/networks/2001%3Adb8%3A%3A1%2F32')).json(), { cidr: '2001:db8::/32' });
});

t.test('what is not a CIDR is explained, with a pointer to the parameter', async (t) => {
  const { api } = await build(t);
  const details: Record<string, RegExp> = {
    '10.0.0.0': /an address, a slash and a prefix length/,
    '10.0.0.0/33': /^"10\.0\.0\.0\/33" is not a network in CIDR notation: .* from 0 to 32/,
    '10.0.0.0%2F33': /from 0 to 32/,
    '2001:db8::/129': /from 0 to 128/,
    '10.0.0.0%252F8': /an address, a slash and a prefix length/, // decoded once, never twice
    'fe80::1%25eth0/64': /must be an IPv4 or IPv6 address/,
    [`${'9'.repeat(70)}/8`]: /…" is not a network|must NOT have more than 64 characters/,
  };
  for (const [path, detail] of Object.entries(details)) {
    const response = await api.inject(`/v1/networks/${path}`);
    t.equal(response.statusCode, 400, path.slice(0, 20));
    t.match(response.json(), {
      title: 'The request does not fit its schema',
      errors: [{ in: 'path', pointer: '#/cidr', detail }],
    });
  }
  t.match((await api.inject('/v1/networks/%zz/8')).json(), { status: 400, detail: /percent-encoded/ });
  t.match((await api.inject(`/v1/networks/${'9'.repeat(5_000)}/8`)).json(), { status: 414 });
  t.match((await api.inject('/v1/networks/10.0.0.0/8?verbose=1')).json(), {
    status: 400,
    errors: [{ in: 'query', pointer: '#/verbose', detail: 'unknown field' }],
  });
});
