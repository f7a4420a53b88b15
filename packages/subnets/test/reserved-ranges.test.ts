import t from 'tap';
import { formatCidr, parseCidr } from '../src/cidr.ts';
import { registriesAsOf, reservedRanges } from '../src/reserved-ranges.ts';

t.test("the ranges of IANA's registries: 26 of IPv4 and 25 of IPv6, each once and in canonical form", (t) => {
  t.equal(reservedRanges.filter(({ family }) => family === 4).length, 26);
  t.equal(reservedRanges.filter(({ family }) => family === 6).length, 25);
  t.strictSame(
    reservedRanges.map(({ cidr }) => formatCidr(parseCidr(cidr))),
    reservedRanges.map(({ cidr }) => cidr),
  );
  t.equal(new Set(reservedRanges.map(({ cidr }) => cidr)).size, 51);
  t.match(registriesAsOf, /^20\d\d-\d\d-\d\d$/);
  t.end();
});

t.test('footnotes, several blocks in a cell, several RFCs and what is terminated are read as IANA means them', (t) => {
  const range = (cidr: string) => reservedRanges.find((candidate) => candidate.cidr === cidr);
  t.strictSame(range('255.255.255.255/32'), {
    cidr: '255.255.255.255/32',
    family: 4,
    name: 'Limited Broadcast',
    rfc: 919,
    terminated: null,
    source: false,
    destination: true,
    forwardable: false,
    global: false,
  });
  t.match(range('192.0.0.0/24'), { name: 'IETF Protocol Assignments', global: false });
  t.match(range('127.0.0.0/8'), { source: false, global: false });
  t.match(range('192.0.0.170/32'), { name: 'NAT64/DNS64 Discovery', rfc: 7050 });
  t.match(range('192.0.0.171/32'), { name: 'NAT64/DNS64 Discovery', rfc: 7050 });
  t.match(range('2002::/16'), { forwardable: true, global: null });
  t.match(range('2001:10::/28'), { terminated: '2014-03', source: null, global: null });
  t.ok(range('::ffff:0.0.0.0/96'), 'IPv4-mapped, as RFC 5952 writes it');
  t.end();
});

// What the list of 2013 (RFC 6890) had wrong or lacked, from Python's report of the same mistake (cpython#113171).
t.test('globally reachable ranges within reserved ones, and those of the last ten years', (t) => {
  const global = (cidr: string) => reservedRanges.find((candidate) => candidate.cidr === cidr)?.global;
  for (const cidr of ['192.0.0.9/32', '192.0.0.10/32', '2001:1::1/128', '2001:3::/32', '2001:20::/28'])
    t.equal(global(cidr), true, cidr);
  for (const cidr of ['64:ff9b:1::/48', '3fff::/20', '5f00::/16', '100:0:0:1::/64']) t.equal(global(cidr), false, cidr);
  t.end();
});
