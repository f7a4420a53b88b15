import { type Cidr, contains } from './cidr.ts';

/**
 * Two networks of a list that share addresses, by their places in it (from 0). The inner one lies in the outer one, or
 * is the same.
 */
export interface Overlap {
  readonly outer: number;
  readonly inner: number;
}

/**
 * All pairs of networks that share an address, by the address where they begin. Of two equal networks the earlier one
 * counts as the outer. Takes n log n steps and one for each pair.
 */
export function findOverlaps(cidrs: readonly Cidr[]): Overlap[] {
  const order = cidrs.map((cidr, index) => ({ cidr, index }));
  // A network comes before all that lie in it.
  order.sort(
    (a, b) =>
      a.cidr.family - b.cidr.family ||
      compare(a.cidr.network, b.cidr.network) ||
      a.cidr.prefixLength - b.cidr.prefixLength ||
      a.index - b.index,
  );
  const found: Overlap[] = [];
  // Those that began and may not have ended yet, each within the one before.
  let open: typeof order = [];
  for (const inner of order) {
    open = open.filter((outer) => contains(outer.cidr, inner.cidr));
    for (const outer of open) found.push({ outer: outer.index, inner: inner.index });
    open.push(inner);
  }
  return found;
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
