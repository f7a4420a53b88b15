import { parseCidr } from './cidr.ts';

/** A network that RFC 6890 sets aside. */
export interface ReservedRange {
  readonly cidr: string;
  readonly family: 4 | 6;
  readonly name: string;
  /** The document that set it aside. */
  readonly rfc: number;
  /**
   * Whether its addresses may be the source of a packet on the wire, its destination, and whether a router may forward
   * it.
   */
  readonly source: boolean;
  readonly destination: boolean;
  readonly forwardable: boolean;
  /** Whether a packet may leave its administrative domain; null where the RFC does not say (6to4). */
  readonly global: boolean | null;
}

// The facts of tables 1 to 29 of RFC 6890 (IETF, April 2013), in its order: name, RFC, then source, destination,
// forwardable and global as y, n or - (not said).
const tables: readonly (readonly [cidr: string, name: string, rfc: number, flags: string])[] = [
  ['0.0.0.0/8', 'This host on this network', 1122, 'ynnn'],
  ['10.0.0.0/8', 'Private-Use', 1918, 'yyyn'],
  ['100.64.0.0/10', 'Shared Address Space', 6598, 'yyyn'],
  ['127.0.0.0/8', 'Loopback', 1122, 'nnnn'],
  ['169.254.0.0/16', 'Link Local', 3927, 'yynn'],
  ['172.16.0.0/12', 'Private-Use', 1918, 'yyyn'],
  ['192.0.0.0/24', 'IETF Protocol Assignments', 6890, 'nnnn'],
  ['192.0.0.0/29', 'DS-Lite', 6333, 'yyyn'],
  ['192.0.2.0/24', 'Documentation (TEST-NET-1)', 5737, 'nnnn'],
  ['192.88.99.0/24', '6to4 Relay Anycast', 3068, 'yyyy'],
  ['192.168.0.0/16', 'Private-Use', 1918, 'yyyn'],
  ['198.18.0.0/15', 'Benchmarking', 2544, 'yyyn'],
  ['198.51.100.0/24', 'Documentation (TEST-NET-2)', 5737, 'nnnn'],
  ['203.0.113.0/24', 'Documentation (TEST-NET-3)', 5737, 'nnnn'],
  ['240.0.0.0/4', 'Reserved', 1112, 'nnnn'],
  ['255.255.255.255/32', 'Limited Broadcast', 919, 'nynn'],
  ['::1/128', 'Loopback Address', 4291, 'nnnn'],
  ['::/128', 'Unspecified Address', 4291, 'ynnn'],
  ['64:ff9b::/96', 'IPv4-IPv6 Translation', 6052, 'yyyy'],
  ['::ffff:0:0/96', 'IPv4-mapped Address', 4291, 'nnnn'],
  ['100::/64', 'Discard-Only Address Block', 6666, 'yyyn'],
  ['2001::/23', 'IETF Protocol Assignments', 2928, 'nnnn'],
  ['2001::/32', 'TEREDO', 4380, 'yyyn'],
  ['2001:2::/48', 'Benchmarking', 5180, 'yyyn'],
  ['2001:db8::/32', 'Documentation', 3849, 'nnnn'],
  ['2001:10::/28', 'ORCHID', 4843, 'nnnn'],
  ['2002::/16', '6to4', 3056, 'yyy-'],
  ['fc00::/7', 'Unique-Local', 4193, 'yyyn'],
  ['fe80::/10', 'Linked-Scoped Unicast', 4291, 'yynn'],
];

/** The special-purpose networks of RFC 6890: those of IPv4, then those of IPv6, in the order of the RFC. */
export const reservedRanges: readonly ReservedRange[] = tables.map(([cidr, name, rfc, flags]) => {
  const [source, destination, forwardable, global] = flags.split('');
  return {
    cidr,
    family: parseCidr(cidr).family,
    name,
    rfc,
    source: source === 'y',
    destination: destination === 'y',
    forwardable: forwardable === 'y',
    global: global === '-' ? null : global === 'y',
  };
});
