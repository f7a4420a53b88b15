import { isIPv4, isIPv6 } from 'node:net';

/** A network: its family, first address as an integer, and prefix length. Host bits are always zero. */
export interface Cidr {
  readonly family: 4 | 6;
  readonly network: bigint;
  readonly prefixLength: number;
}

/** Everything that is worth knowing of one network. */
export interface NetworkDescription {
  readonly cidr: string;
  readonly family: 4 | 6;
  readonly network: string;
  /** null for IPv6, which has none. */
  readonly broadcast: string | null;
  /** null for IPv6, which does not write masks. */
  readonly netmask: string | null;
  readonly prefixLength: number;
  /** How many addresses, as decimal text: 2^128 is more than a JSON number holds. */
  readonly addresses: string;
  readonly firstHost: string;
  readonly lastHost: string;
  /** The network one bit shorter, which holds this one and its neighbour; null for a /0. */
  readonly containing: string | null;
  /** The two halves of this network; none for a single address. */
  readonly contained: readonly string[];
}

/** A text is not a network in CIDR notation; the message has the text and the rule that it breaks. */
export class CidrError extends Error {
  constructor(text: string, rule: string) {
    // Shortened, since it may come from strangers, and as JSON, since it may hold line breaks.
    super(
      `${JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text)} is not a network in CIDR notation: ${rule}`,
    );
    this.name = 'CidrError';
  }
}

const BITS = { 4: 32, 6: 128 } as const;

/**
 * Reads a network such as 10.0.0.0/16 or 2001:db8::/32 (RFC 4632, RFC 4291). Host bits may be set and are cleared.
 * Throws CidrError.
 */
export function parseCidr(text: string): Cidr {
  const [address = '', prefix, ...rest] = text.split('/');
  if (prefix === undefined || rest.length > 0)
    throw new CidrError(text, 'it must be an address, a slash and a prefix length');
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : undefined;
  if (family === undefined) throw new CidrError(text, 'the part before the slash must be an IPv4 or IPv6 address');
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > bits(family))
    throw new CidrError(text, `the prefix length must be a whole number from 0 to ${bits(family)}`);
  return clear(family, family === 4 ? parseIPv4(address) : parseIPv6(address), Number(prefix));
}

/** The network of an address: its host bits are cleared. */
function clear(family: 4 | 6, address: bigint, prefixLength: number): Cidr {
  const hostBits = BigInt(bits(family) - prefixLength);
  return { family, network: (address >> hostBits) << hostBits, prefixLength };
}

function parseIPv4(address: string): bigint {
  return address.split('.').reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function parseIPv6(address: string): bigint {
  // The last 32 bits may be written as IPv4 (RFC 4291, 2.2.3).
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const low = embedded === null ? 0n : parseIPv4(embedded[2] ?? '');
  const groups =
    embedded === null ? address : `${embedded[1] ?? ''}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  const [head = '', tail] = groups.split('::');
  const split = (part: string): string[] => part.split(':').filter((group) => group !== '');
  const [before, after] = [split(head), split(tail ?? '')];
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/**
 * An address as text; IPv6 in the canonical form of RFC 5952: an IPv4-mapped address ends in IPv4 notation (section 5).
 */
export function formatAddress(family: 4 | 6, address: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 0xffn)).join('.');
  if (address >> 32n === 0xffffn) return `::ffff:${formatAddress(4, address & 0xffff_ffffn)}`;
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((address >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  // The longest run of two or more zero groups becomes ::, the first one where two are equally long (RFC 5952, 4.2).
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** A network as text: its first address, a slash and its prefix length. */
export const formatCidr = (cidr: Cidr): string => `${formatAddress(cidr.family, cidr.network)}/${cidr.prefixLength}`;

/** How many bits an address of a family has. */
export const bits = (family: 4 | 6): number => BITS[family];

/** How many addresses a network has. */
export const size = ({ family, prefixLength }: Cidr): bigint => 1n << BigInt(BITS[family] - prefixLength);
const lastAddress = (cidr: Cidr): bigint => cidr.network + size(cidr) - 1n;

/**
 * All that is worth knowing of a network. The hosts of an IPv4 network leave out network and broadcast address; a /31
 * has two hosts (RFC 3021), a /32 one. IPv6 has no broadcast, but the first address of a network is the anycast address
 * of its routers (RFC 4291, 2.6.1), save in a /127 (RFC 6164) and a /128.
 */
export function describeNetwork(cidr: Cidr): NetworkDescription {
  const { family, network, prefixLength } = cidr;
  const last = lastAddress(cidr);
  // Point-to-point links and single addresses have none to spare.
  const reserved = prefixLength < bits(family) - 1 ? 1n : 0n;
  const address = (value: bigint): string => formatAddress(family, value);
  return {
    cidr: formatCidr(cidr),
    family,
    network: address(network),
    broadcast: family === 4 ? address(last) : null,
    netmask: family === 4 ? address((1n << 32n) - size(cidr)) : null,
    prefixLength,
    addresses: size(cidr).toString(),
    firstHost: address(network + reserved),
    lastHost: address(family === 4 ? last - reserved : last),
    containing: prefixLength === 0 ? null : formatCidr(clear(family, network, prefixLength - 1)),
    contained: prefixLength === bits(family) ? [] : halves(cidr).map(formatCidr),
  };
}

/** The two networks that a network consists of. */
export function halves({ family, network, prefixLength }: Cidr): [Cidr, Cidr] {
  const low = { family, network, prefixLength: prefixLength + 1 };
  return [low, { ...low, network: network + size(low) }];
}

/** Whether every address of the inner network belongs to the outer one; never across families. */
export const contains = (outer: Cidr, inner: Cidr): boolean =>
  outer.family === inner.family && outer.network <= inner.network && lastAddress(inner) <= lastAddress(outer);

/**
 * Whether two networks share an address. Networks never share a part of each other: one contains the other, or they are
 * apart.
 */
export const overlaps = (a: Cidr, b: Cidr): boolean => contains(a, b) || contains(b, a);
