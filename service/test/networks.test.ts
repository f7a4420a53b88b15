import { describeNetwork, parseCidr } from '@platform/subnets';
import t from 'tap';
import { buildApp } from '../src/app.ts';

t.test('a network is described in full: nothing of it is lost or changed on the way into JSON', async (t) => {
  const app = buildApp();
  for (const cidr of ['10.0.0.0/16', '192.0.2.4/31', '0.0.0.0/0', '2001:db8::/32', '::/0', '::ffff:10.0.0.0/104']) {
    const response = await app.inject(`/v1/networks/${cidr}`);
    t.equal(response.statusCode, 200, cidr);
    t.match(response.headers['content-type'], /^application\/json\b/);
    t.strictSame(response.json(), describeNetwork(parseCidr(cidr)), cidr);
  }
});

t.test('the slash may be percent-encoded, and so may the colons', async (t) => {
  const app = buildApp();
  for (const path of ['10.1.2.3%2F8', '10.1.2.3%2f8']) t.match((await app.inject(`/v1/networks/${path}`)).json(), { cidr: '10.0.0.0/8' }, path);
  t.match((await app.inject('/v1/networks/2001%3Adb8%3A%3A%2F32')).json(), { cidr: '2001:db8::/32' });
});

t.test('what is not a CIDR is a problem of the client, explained', async (t) => {
  const app = buildApp();
  const details: Record<string, RegExp> = {
    '': /^"" is no network/,
    '10.0.0.0': /an address, a slash and a prefix length/,
    '10.0.0.0/33': /^"10\.0\.0\.0\/33" is no network in CIDR notation: .* from 0 to 32/,
    '10.0.0.0%252F8': /an address, a slash and a prefix length/, // decoded once, never twice
    'fe80::1%25eth0/64': /must be an IPv4 or IPv6 address/,
    '%zz/8': /is not a valid url/,
    [`${'9'.repeat(5_000)}/8`]: /…" is no network/,
  };
  for (const [path, detail] of Object.entries(details)) {
    const response = await app.inject(`/v1/networks/${path}`);
    t.equal(response.statusCode, 400, path.slice(0, 20));
    t.match(response.headers['content-type'], /^application\/problem\+json\b/);
    t.match(response.json(), { type: 'about:blank', title: 'Bad Request', status: 400, detail });
  }
});
