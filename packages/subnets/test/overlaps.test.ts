import fc from 'fast-check';
import t from 'tap';
import { type Cidr, contains, overlaps, parseCidr } from '../src/cidr.ts';
import { findOverlaps } from '../src/overlaps.ts';

t.test('pairs are told by their places in the list, the outer one first', (t) => {
  const list = ['10.1.0.0/16', '192.168.0.0/16', '10.0.0.0/8', '10.1.2.0/24', '10.0.0.0/8', '::a00:0/104'].map(
    parseCidr,
  );
  t.strictSame(findOverlaps(list), [
    { outer: 2, inner: 4 },
    { outer: 2, inner: 0 },
    { outer: 4, inner: 0 },
    { outer: 2, inner: 3 },
    { outer: 4, inner: 3 },
    { outer: 0, inner: 3 },
  ]);
  t.strictSame(findOverlaps([]), []);
  t.end();
});

const pairKey = (a: number, b: number): string => [a, b].sort((x, y) => x - y).join();

/** The pairs of a list that overlap, each compared with each. */
function everyPair(list: readonly Cidr[]): string[] {
  const pairs: string[] = [];
  for (const [i, a] of list.entries())
    for (const [j, b] of list.entries()) if (i < j && overlaps(a, b)) pairs.push(pairKey(i, j));
  return pairs;
}

t.test('property: the same pairs as comparing each with each', (t) => {
  const networks = fc
    .record({
      family: fc.constantFrom<4 | 6>(4, 6),
      bits: fc.integer({ min: 0, max: 15 }),
      length: fc.integer({ min: 0, max: 4 }),
    })
    .map(({ family, bits, length }): Cidr => {
      const total = family === 4 ? 32 : 128;
      return {
        family,
        network: (BigInt(bits >> (4 - length)) << BigInt(4 - length)) << BigInt(total - 4),
        prefixLength: length,
      };
    });
  fc.assert(
    fc.property(fc.array(networks, { maxLength: 12 }), (list) => {
      const found = findOverlaps(list);
      const at = (index: number): Cidr => list[index] ?? parseCidr('0.0.0.0/0');
      return (
        JSON.stringify(found.map(({ outer, inner }) => pairKey(outer, inner)).toSorted()) ===
          JSON.stringify(everyPair(list).toSorted()) &&
        found.every(({ outer, inner }) => contains(at(outer), at(inner)))
      );
    }),
    { numRuns: 1000 },
  );
  t.end();
});
