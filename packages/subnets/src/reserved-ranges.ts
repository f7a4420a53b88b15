import registries from '../data/iana-special-purpose.json' with { type: 'json' };
import { formatCidr, parseCidr } from './cidr.ts';

/** A network of IANA's Special-Purpose Address Registries. */
export interface ReservedRange {
  /** In the form of `formatCidr`. */
  readonly cidr: string;
  readonly family: 4 | 6;
  /** As IANA writes it. */
  readonly name: string;
  /** Number of the RFC that set it aside: the earliest of those that IANA names. */
  readonly rfc: number;
  /** Year and month in which its purpose ended; null where it is in force. */
  readonly terminated: string | null;
  /**
   * Whether its addresses may be the source of a packet on the wire, its destination, and whether a router may forward
   * it. null where IANA does not say, as for all that is terminated.
   */
  readonly source: boolean | null;
  readonly destination: boolean | null;
  readonly forwardable: boolean | null;
  /** Whether a packet may leave its administrative domain. */
  readonly global: boolean | null;
}

/** The day on which both registries were as they are here, as YYYY-MM-DD. */
export const registriesAsOf: string = registries.asOf;

/** A cell such as `False [1]`, whose footnote narrows the answer but does not change it, `N/A [2]`, or nothing. */
function flag(cell = ''): boolean | null {
  const word = cell.split(' ')[0] ?? '';
  if (word === 'True') return true;
  if (word === 'False') return false;
  if (word === 'N/A' || word === '') return null;
  throw new Error(`not a flag of IANA's registries: ${JSON.stringify(cell)}`);
}

/** The ranges of a row; more than one where IANA lists several blocks in a cell. */
function rangesOf(row: readonly string[]): ReservedRange[] {
  const [blocks = '', name = '', references = '', , terminated = ''] = row;
  const [source = null, destination = null, forwardable = null, global = null] = row.slice(5, 9).map(flag);
  const rfcs = Array.from(references.matchAll(/\[RFC(\d+)\]/g), ([, number]) => Number(number));
  return blocks.split(', ').map((block) => {
    // Without its footnote, as in "192.0.0.0/24 [2]".
    const cidr = parseCidr(block.split(' ')[0] ?? '');
    return {
      cidr: formatCidr(cidr),
      family: cidr.family,
      name,
      rfc: Math.min(...rfcs),
      terminated: terminated === 'N/A' ? null : terminated,
      source,
      destination,
      forwardable,
      global,
    };
  });
}

/** All special-purpose networks: those of IPv4, then those of IPv6, in the order of IANA's registries. */
export const reservedRanges: readonly ReservedRange[] = [...registries.ipv4, ...registries.ipv6].flatMap(rangesOf);
