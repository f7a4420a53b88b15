import t from 'tap';
import { formatCidr, parseCidr } from '../src/cidr.ts';
import { reservedRanges } from '../src/reserved-ranges.ts';

t.test('the ranges of RFC 6890: 16 of IPv4 and 13 of IPv6, each once and in canonical form', (t) => {
  t.equal(reservedRanges.filter(({ family }) => family === 4).length, 16);
  t.equal(reservedRanges.filter(({ family }) => family === 6).length, 13);
  t.strictSame(
    reservedRanges.map(({ cidr }) => formatCidr(parseCidr(cidr))),
    reservedRanges.map(({ cidr }) => cidr),
  );
  t.equal(new Set(reservedRanges.map(({ cidr }) => cidr)).size, 29);
  t.match(
    reservedRanges.find(({ cidr }) => cidr === '255.255.255.255/32'),
    { name: 'Limited Broadcast', source: false, destination: true, forwardable: false, global: false },
  );
  t.equal(reservedRanges.find(({ cidr }) => cidr === '2002::/16')?.global, null);
  t.end();
});
