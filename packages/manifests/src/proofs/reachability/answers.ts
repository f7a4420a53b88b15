import { contains, parseCidr } from '@gitops/subnets/cidr';
import type { Peer } from './peers.ts';
import {
  type Address,
  DIRECTIONS,
  type End,
  isIn,
  lastOf,
  type Network,
  peersOf,
  rulesOf,
  type Verdict,
  verdict,
} from './policies.ts';
import { LAST_PORT, type PortRange, type Protocol, PROTOCOLS } from './ports.ts';

// Nothing is sampled: policies only compare labels, ports and addresses with fixed bounds, so that ports and addresses
// fall into a few ranges within which the answer is the same, and one of each range stands for all.

/** The verdict of each direction about one connection. */
export interface Verdicts {
  /** What is reached. */
  readonly to: End;
  readonly ingress: Verdict;
  readonly egress: Verdict;
}

/** Whether a range of ports is open between two peers: from and to all of their addresses, some, or none. */
export interface RangeAnswer {
  readonly range: PortRange;
  readonly openFor: 'all' | 'some' | 'none';
  /** For the addresses that it is open for. */
  readonly openings: readonly Verdicts[];
  /** For those that it is closed for. */
  readonly refusals: readonly Verdicts[];
}

/**
 * Every port of a target, as a source reaches it.
 * @param ports ports that need an answer of their own
 */
export function answers(network: Network, source: Peer, target: Peer, ports: readonly number[]): RangeAnswer[] {
  const sources = endsOf(network, source);
  const targets = endsOf(network, target);
  const found: RangeAnswer[] = [];
  for (const protocol of PROTOCOLS)
    for (const range of portRanges(network, target, protocol, ports))
      found.push(answerFor(network, sources, targets, range));
  return found;
}

function answerFor(network: Network, sources: readonly End[], targets: readonly End[], range: PortRange): RangeAnswer {
  const openings: Verdicts[] = [];
  const refusals: Verdicts[] = [];
  for (const from of sources)
    for (const to of targets) {
      const egress = verdict(network, 'Egress', from, to, range.from, range.protocol);
      const ingress = verdict(network, 'Ingress', from, to, range.from, range.protocol);
      (ingress.isOpen && egress.isOpen ? openings : refusals).push({ to, ingress, egress });
    }
  return {
    range,
    openFor: openings.length === 0 ? 'none' : refusals.length === 0 ? 'all' : 'some',
    openings,
    refusals,
  };
}

/**
 * Where the answer for a port may change: at the ports that policies, containers and required flows name, and after
 * them.
 */
function portRanges(network: Network, target: Peer, protocol: Protocol, more: readonly number[]): PortRange[] {
  const starts = new Set([1]);
  const add = (first: number, last: number): void => {
    starts.add(first).add(last + 1);
  };
  for (const port of more) add(port, port);
  for (const { containerPort } of target.kind === 'pods' ? target.ports : []) add(containerPort, containerPort);
  for (const { rule } of allRules(network))
    for (const { port, endPort } of rule.ports ?? []) if (typeof port === 'number') add(port, endPort ?? port);
  const sorted = [...starts].filter((port) => port >= 1 && port <= LAST_PORT).sort((a, b) => a - b);
  return sorted.map((from, index) => ({ protocol, from, to: (sorted[index + 1] ?? LAST_PORT + 1) - 1 }));
}

/** One end for each set of a peer's addresses that policies treat alike. */
function endsOf(network: Network, peer: Peer): End[] {
  const pods = peer.kind === 'pods' ? { pods: peer } : {};
  const except = peer.kind === 'addresses' ? (peer.except ?? []) : [];
  const networks = peer.networks ?? [];
  if (networks.length === 0) return [pods];
  const borders = [...blocksOf(network), ...except];
  const ends: End[] = [];
  for (const cidr of networks)
    for (const address of firstAddresses(cidr, borders))
      if (!except.some((part) => isIn(address, part))) ends.push({ ...pods, address });
  return ends;
}

/** Every network that a policy names. */
function blocksOf(network: Network): string[] {
  const blocks: string[] = [];
  for (const { rule, direction } of allRules(network))
    for (const { ipBlock } of peersOf(rule, direction))
      if (ipBlock !== undefined) blocks.push(ipBlock.cidr, ...(ipBlock.except ?? []));
  return blocks;
}

/** The first address of a network, and those at which other networks within it begin or have just ended. */
function firstAddresses(cidr: string, borders: readonly string[]): Address[] {
  const whole = parseCidr(cidr);
  const values = new Set([whole.network]);
  for (const border of borders.map(parseCidr))
    if (contains(whole, border)) values.add(border.network).add(lastOf(border) + 1n);
  return [...values].filter((value) => value <= lastOf(whole)).map((value) => ({ family: whole.family, value }));
}

const allRules = ({ policies }: Network) =>
  policies.flatMap((policy) =>
    DIRECTIONS.flatMap((direction) => rulesOf(policy, direction).map((rule) => ({ rule, direction }))),
  );
