import { BlockList, SocketAddress } from 'node:net';
import t from 'tap';
import { CidrError, contains, describeNetwork, formatAddress, formatCidr, overlaps, parseCidr } from '../src/cidr.ts';

/** Numbers that look random and are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const described: [string, ReturnType<typeof describeNetwork>][] = [
  [
    '10.0.3.7/16',
    {
      cidr: '10.0.0.0/16',
      family: 4,
      network: '10.0.0.0',
      broadcast: '10.0.255.255',
      netmask: '255.255.0.0',
      prefixLength: 16,
      addresses: '65536',
      firstHost: '10.0.0.1',
      lastHost: '10.0.255.254',
      containing: '10.0.0.0/15',
      contained: ['10.0.0.0/17', '10.0.128.0/17'],
    },
  ],
  [
    '0.0.0.0/0',
    {
      cidr: '0.0.0.0/0',
      family: 4,
      network: '0.0.0.0',
      broadcast: '255.255.255.255',
      netmask: '0.0.0.0',
      prefixLength: 0,
      addresses: '4294967296',
      firstHost: '0.0.0.1',
      lastHost: '255.255.255.254',
      containing: null,
      contained: ['0.0.0.0/1', '128.0.0.0/1'],
    },
  ],
  [
    '192.0.2.1/31',
    {
      cidr: '192.0.2.0/31',
      family: 4,
      network: '192.0.2.0',
      broadcast: '192.0.2.1',
      netmask: '255.255.255.254',
      prefixLength: 31,
      addresses: '2',
      firstHost: '192.0.2.0',
      lastHost: '192.0.2.1',
      containing: '192.0.2.0/30',
      contained: ['192.0.2.0/32', '192.0.2.1/32'],
    },
  ],
  [
    '192.0.2.1/32',
    {
      cidr: '192.0.2.1/32',
      family: 4,
      network: '192.0.2.1',
      broadcast: '192.0.2.1',
      netmask: '255.255.255.255',
      prefixLength: 32,
      addresses: '1',
      firstHost: '192.0.2.1',
      lastHost: '192.0.2.1',
      containing: '192.0.2.0/31',
      contained: [],
    },
  ],
  [
    '2001:DB8:0:0:1:0:0:1/64',
    {
      cidr: '2001:db8::/64',
      family: 6,
      network: '2001:db8::',
      broadcast: null,
      netmask: null,
      prefixLength: 64,
      addresses: '18446744073709551616',
      firstHost: '2001:db8::1',
      lastHost: '2001:db8::ffff:ffff:ffff:ffff',
      containing: '2001:db8::/63',
      contained: ['2001:db8::/65', '2001:db8:0:0:8000::/65'],
    },
  ],
  [
    '::/0',
    {
      cidr: '::/0',
      family: 6,
      network: '::',
      broadcast: null,
      netmask: null,
      prefixLength: 0,
      addresses: '340282366920938463463374607431768211456',
      firstHost: '::1',
      lastHost: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
      containing: null,
      contained: ['::/1', '8000::/1'],
    },
  ],
  [
    '::1/128',
    {
      cidr: '::1/128',
      family: 6,
      network: '::1',
      broadcast: null,
      netmask: null,
      prefixLength: 128,
      addresses: '1',
      firstHost: '::1',
      lastHost: '::1',
      containing: '::/127',
      contained: [],
    },
  ],
];

t.test('networks are described to the last address', (t) => {
  for (const [text, expected] of described) t.same(describeNetwork(parseCidr(text)), expected, text);
  t.end();
});

t.test('IPv6 is written as RFC 5952 says', (t) => {
  const cases = {
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '0:0:0:0:0:0:0:0': '::',
    '1:0:0:0:0:0:0:0': '1::',
    '::ffff:192.0.2.1': '::ffff:192.0.2.1',
    '::ffff:c000:201': '::ffff:192.0.2.1',
    '::ffff:0:192.0.2.1': '::ffff:0:c000:201',
    '64:ff9b::192.0.2.1': '64:ff9b::c000:201',
  };
  for (const [text, canonical] of Object.entries(cases))
    t.equal(formatCidr(parseCidr(`${text}/128`)), `${canonical}/128`);
  t.end();
});

t.test('what is not a network is refused with the input and the rule', (t) => {
  for (const text of [
    '',
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '010.0.0.0/8',
    '256.0.0.0/8',
    ':::/8',
    '2001:db8::/129',
    'fe80::1%eth0/64',
    '1.2.3.4/ 8',
    '::1.2.3/96',
  ]) {
    t.throws(() => parseCidr(text), CidrError, JSON.stringify(text));
  }
  t.throws(() => parseCidr('10.0.0.0/33'), {
    message: '"10.0.0.0/33" is not a network in CIDR notation: the prefix length must be a whole number from 0 to 32',
  });
  t.end();
});

t.test('containment and overlap agree with the operating library on random networks', (t) => {
  const random = seeded(20261123);
  let inside = 0;
  for (let round = 0; round < 4000; round += 1) {
    const family = random() < 0.5 ? 4 : 6;
    const bits = family === 4 ? 32 : 128;
    const name = family === 4 ? 'ipv4' : 'ipv6';
    const bigRandom = (): bigint =>
      Array.from({ length: bits / 16 }, () => BigInt(Math.floor(random() * 65536))).reduce(
        (value, part) => (value << 16n) | part,
        0n,
      );
    const prefix = Math.floor(random() * (bits + 1));
    const outer = parseCidr(`${formatAddress(family, bigRandom())}/${prefix}`);
    // Most of the addresses are taken from the network's neighbourhood, so that both answers are frequent.
    const near =
      random() < 0.8
        ? outer.network ^ (bigRandom() >> BigInt(Math.min(bits, Math.floor(random() * (prefix + 2)))))
        : bigRandom();
    const address = formatAddress(family, near);
    const list = new BlockList();
    list.addSubnet(formatAddress(family, outer.network), outer.prefixLength, name);
    const expected = list.check(address, name);
    const inner = parseCidr(`${address}/${bits}`);
    if (contains(outer, inner) !== expected || overlaps(inner, outer) !== expected)
      t.fail(`${address} in ${formatCidr(outer)}: ${String(expected)} expected`);
    if (
      family === 6 &&
      new SocketAddress({ address, family: 'ipv6' }).address !== formatAddress(6, parseCidr(`${address}/128`).network)
    )
      t.fail(`${address} is written differently`);
    if (expected) inside += 1;
  }
  t.ok(inside > 500 && inside < 3500, `${inside} of 4000 were inside`);
  t.notOk(contains(parseCidr('0.0.0.0/0'), parseCidr('::1/128')), 'never across families');
  t.end();
});
