import { type Cidr, contains, parseCidr, size } from '@gitops/subnets/cidr';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { type Labels, type LabelSelector, selects } from '../kubernetes/selector.ts';
import { type ContainerPort, namespaceOf, podLabelsOf, podSpecOf, portsOf, workloads } from '../kubernetes/workload.ts';
import type { Problem } from './problem.ts';

// Which connections the NetworkPolicies of a cluster let through, by the rules of networking.k8s.io/v1. Nothing is
// sampled: policies only compare labels, ports and addresses with fixed bounds, so that ports and addresses fall into a
// few ranges within which the answer is the same, and one of each range stands for all.
//
// What no policy governs is not shown: replies, traffic between a pod and its own node (the kubelet's probes), a pod
// with itself.

/** Pods that are alike: those of one workload, or others that are named from outside. */
export interface PodPeer {
  readonly kind: 'pods';
  /** Deployment/fastify-service, or any other name for pods that are not among the objects. */
  readonly name: string;
  readonly namespace: string;
  /** Of the namespace, where no Namespace object tells them; kubernetes.io/metadata.name is always there. */
  readonly namespaceLabels?: Labels;
  readonly labels: Labels;
  readonly ports: readonly ContainerPort[];
  /** The networks that their addresses are from, so that an ipBlock may let them through as well. */
  readonly networks?: readonly string[];
  /** With the node's own network: no policy selects them, and only an ipBlock matches them. */
  readonly hostNetwork?: boolean;
}

/** What has addresses and no labels: load balancers, services of AWS, the internet. */
export interface AddressPeer {
  readonly kind: 'addresses';
  readonly name: string;
  readonly networks: readonly string[];
  /** Parts of these networks that are something else. */
  readonly except?: readonly string[];
}

export type Peer = PodPeer | AddressPeer;

/** Who is there. */
export interface Surroundings {
  readonly peers: readonly Peer[];
  /** Networks that the addresses of the objects' own pods are from. */
  readonly podNetworks?: readonly string[];
}

/** A connection that has to work. */
export interface RequiredFlow {
  /** The name of a peer or of a workload. */
  readonly from: string;
  readonly to: string;
  /** A number, or the name of a container port of the target. */
  readonly port: number | string;
  /** TCP by default. */
  readonly protocol?: Protocol;
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Ports from `from` to `to`, both included. */
export interface PortRange {
  readonly protocol: Protocol;
  readonly from: number;
  readonly to: number;
}

/** What of one peer's ports another one reaches. */
export interface Reach {
  readonly source: string;
  readonly target: string;
  /** Open from and to all addresses of the two. */
  readonly open: readonly PortRange[];
  /** Open from or to some of them alone. */
  readonly partlyOpen: readonly PortRange[];
}

type Direction = 'Ingress' | 'Egress';

interface IpBlock {
  readonly cidr: string;
  readonly except?: readonly string[];
}

interface Rule {
  readonly from?: readonly RulePeer[];
  readonly to?: readonly RulePeer[];
  readonly ports?: readonly {
    readonly port?: number | string;
    readonly endPort?: number;
    readonly protocol?: string;
  }[];
}

interface RulePeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: IpBlock;
}

interface NetworkPolicy extends KubernetesObject {
  readonly spec?: {
    readonly podSelector?: LabelSelector;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
}

interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** One pod or address that stands for all that policies treat alike. */
interface End {
  readonly pods?: PodPeer;
  readonly address?: Address;
}

interface Network {
  /** The workloads among the objects; the flows from and to these are what is looked at. */
  readonly own: readonly PodPeer[];
  readonly peers: readonly Peer[];
  readonly policies: readonly NetworkPolicy[];
  readonly namespaceLabels: (namespace: string) => Labels;
}

const isPolicy = (object: KubernetesObject): object is NetworkPolicy =>
  object.kind === 'NetworkPolicy' && object.apiVersion === 'networking.k8s.io/v1';

function networkOf(objects: readonly KubernetesObject[], { peers, podNetworks }: Surroundings): Network {
  const own = workloads(objects).map((workload): PodPeer => ({
    kind: 'pods',
    name: nameOf(workload),
    namespace: namespaceOf(workload),
    labels: podLabelsOf(workload),
    ports: portsOf(workload),
    hostNetwork: podSpecOf(workload).hostNetwork === true,
    ...(podNetworks === undefined ? {} : { networks: podNetworks }),
  }));
  const known = new Map<string, Labels>();
  for (const peer of peers)
    if (peer.kind === 'pods' && peer.namespaceLabels !== undefined) known.set(peer.namespace, peer.namespaceLabels);
  for (const object of objects)
    if (object.kind === 'Namespace' && object.apiVersion === 'v1')
      known.set(object.metadata.name, object.metadata.labels ?? {});
  // The API server puts this label on every namespace.
  const namespaceLabels = (namespace: string): Labels => ({
    ...known.get(namespace),
    'kubernetes.io/metadata.name': namespace,
  });
  return { own, peers, policies: objects.filter(isPolicy), namespaceLabels };
}

const lastOf = (cidr: Cidr): bigint => cidr.network + size(cidr) - 1n;
const isIn = ({ family, value }: Address, network: string): boolean => {
  const cidr = parseCidr(network);
  return cidr.family === family && cidr.network <= value && value <= lastOf(cidr);
};
const covers = ({ cidr, except = [] }: IpBlock, address: Address): boolean =>
  isIn(address, cidr) && !except.some((part) => isIn(address, part));

const rulesOf = ({ spec }: NetworkPolicy, direction: Direction): readonly Rule[] =>
  (direction === 'Ingress' ? spec?.ingress : spec?.egress) ?? [];
const peersOf = (rule: Rule, direction: Direction): readonly RulePeer[] =>
  (direction === 'Ingress' ? rule.from : rule.to) ?? [];

/**
 * Without policyTypes a policy is one for Ingress, and one for Egress as well if it has rules for it
 * (pkg/apis/networking/v1/defaults.go).
 */
function isOfType({ spec }: NetworkPolicy, direction: Direction): boolean {
  const { policyTypes = [], egress = [] } = spec ?? {};
  return policyTypes.length === 0 ? direction === 'Ingress' || egress.length > 0 : policyTypes.includes(direction);
}

/** The policies that rule a direction of these pods. Where there is none, that direction is open. */
const policiesFor = ({ policies }: Network, direction: Direction, pods: PodPeer): NetworkPolicy[] =>
  pods.hostNetwork === true
    ? []
    : policies.filter(
        (policy) =>
          namespaceOf(policy) === pods.namespace &&
          isOfType(policy, direction) &&
          selects(policy.spec?.podSelector ?? {}, pods.labels),
      );

/** Whether a rule's peer means this end. A namespace selector and a pod selector in one peer must both choose it. */
function means(
  network: Network,
  policy: NetworkPolicy,
  { podSelector, namespaceSelector, ipBlock }: RulePeer,
  { pods, address }: End,
): boolean {
  if (ipBlock !== undefined) return address !== undefined && covers(ipBlock, address);
  if (pods === undefined || pods.hostNetwork === true || (podSelector === undefined && namespaceSelector === undefined))
    return false;
  const inNamespace =
    namespaceSelector === undefined
      ? pods.namespace === namespaceOf(policy)
      : selects(namespaceSelector, network.namespaceLabels(pods.namespace));
  return inNamespace && selects(podSelector ?? {}, pods.labels);
}

/** Whether a rule's ports include this one. A name is looked up among the target's ports, in both directions. */
function includesPort({ ports = [] }: Rule, target: End, port: number, protocol: Protocol): boolean {
  return (
    ports.length === 0 ||
    ports.some(({ port: wanted, endPort, protocol: its = 'TCP' }) => {
      if (its !== protocol) return false;
      if (wanted === undefined) return true;
      if (typeof wanted === 'number') return wanted <= port && port <= (endPort ?? wanted);
      return (
        target.pods?.ports.some(
          (declared) =>
            declared.name === wanted && declared.containerPort === port && (declared.protocol ?? 'TCP') === protocol,
        ) === true
      );
    })
  );
}

/** Where a rule stands that lets a connection through, or the policies of which none has one. */
interface Verdict {
  readonly isOpen: boolean;
  readonly rules: readonly { readonly policy: NetworkPolicy; readonly path: string }[];
  readonly policies: readonly NetworkPolicy[];
}

function verdict(
  network: Network,
  direction: Direction,
  source: End,
  target: End,
  port: number,
  protocol: Protocol,
): Verdict {
  const [subject, other] = direction === 'Ingress' ? [target, source] : [source, target];
  const policies = subject.pods === undefined ? [] : policiesFor(network, direction, subject.pods);
  const rules = policies.flatMap((policy) =>
    rulesOf(policy, direction).flatMap((rule, index) => {
      const peers = peersOf(rule, direction);
      // No peers at all means everybody.
      const isMeant = peers.length === 0 || peers.some((peer) => means(network, policy, peer, other));
      return isMeant && includesPort(rule, target, port, protocol)
        ? [{ policy, path: `spec.${direction.toLowerCase()}[${index}]` }]
        : [];
    }),
  );
  return { isOpen: policies.length === 0 || rules.length > 0, rules, policies };
}

/**
 * Where the answer for a port may change: at the ports that policies, containers and required flows name, and after
 * them.
 */
function portRanges(network: Network, target: Peer, protocol: Protocol, more: readonly number[]): PortRange[] {
  const named = network.policies.flatMap((policy) =>
    (['Ingress', 'Egress'] as const).flatMap((direction) =>
      rulesOf(policy, direction).flatMap(({ ports = [] }) => ports),
    ),
  );
  const single = [...more, ...(target.kind === 'pods' ? target.ports.map(({ containerPort }) => containerPort) : [])];
  const ends = named.flatMap(({ port, endPort }) => (typeof port === 'number' ? [port, (endPort ?? port) + 1] : []));
  const starts = [...new Set([1, ...ends, ...single.flatMap((port) => [port, port + 1])])]
    .filter((port) => port >= 1 && port <= 65_535)
    .sort((a, b) => a - b);
  return starts.map((from, index) => ({ protocol, from, to: (starts[index + 1] ?? 65_536) - 1 }));
}

/** One end for each set of a peer's addresses that policies treat alike. */
function endsOf(network: Network, peer: Peer): End[] {
  const pods = peer.kind === 'pods' ? { pods: peer } : {};
  const networks = (peer.networks ?? []).map(parseCidr);
  if (networks.length === 0) return [pods];
  const except = peer.kind === 'addresses' ? (peer.except ?? []) : [];
  const blocks = network.policies.flatMap((policy) =>
    (['Ingress', 'Egress'] as const).flatMap((direction) =>
      rulesOf(policy, direction).flatMap((rule) => peersOf(rule, direction).flatMap(({ ipBlock }) => ipBlock ?? [])),
    ),
  );
  const borders = [...blocks.flatMap(({ cidr, except: parts = [] }) => [cidr, ...parts]), ...except].map(parseCidr);
  const addresses = networks.flatMap(({ family, ...cidr }) => {
    const inside = borders
      .filter((border) => contains({ family, ...cidr }, border))
      .flatMap((border) => [border.network, lastOf(border) + 1n]);
    return [...new Set([cidr.network, ...inside])]
      .filter((value) => value <= lastOf({ family, ...cidr }))
      .map((value): Address => ({ family, value }));
  });
  return addresses
    .filter((address) => !except.some((part) => isIn(address, part)))
    .map((address) => ({ ...pods, address }));
}

/** Every pair of which at least one is a workload among the objects. */
function pairsOf({ own, peers }: Network): [Peer, Peer][] {
  const all: Peer[] = [...own, ...peers];
  const isOwn = (peer: Peer): boolean => peer.kind === 'pods' && own.includes(peer);
  return all.flatMap((source) =>
    all.filter((target) => isOwn(source) || isOwn(target)).map((target): [Peer, Peer] => [source, target]),
  );
}

const portOf = ({ port }: RequiredFlow, target: Peer): number | undefined =>
  typeof port === 'number'
    ? port
    : target.kind === 'pods'
      ? target.ports.find(({ name }) => name === port)?.containerPort
      : undefined;

interface RangeAnswer {
  readonly range: PortRange;
  readonly isOpen: 'all' | 'some' | 'none';
  /** Of the ends for which it is open, what each direction says; of those for which it is closed. */
  readonly openings: readonly { readonly ingress: Verdict; readonly egress: Verdict }[];
  readonly refusals: readonly { readonly ingress: Verdict; readonly egress: Verdict }[];
}

function answers(network: Network, source: Peer, target: Peer, ports: readonly number[]): RangeAnswer[] {
  const pairs = endsOf(network, source).flatMap((from) => endsOf(network, target).map((to) => [from, to] as const));
  return PROTOCOLS.flatMap((protocol) => portRanges(network, target, protocol, ports)).map((range) => {
    const verdicts = pairs.map(([from, to]) => ({
      egress: verdict(network, 'Egress', from, to, range.from, range.protocol),
      ingress: verdict(network, 'Ingress', from, to, range.from, range.protocol),
    }));
    const openings = verdicts.filter(({ ingress, egress }) => ingress.isOpen && egress.isOpen);
    const refusals = verdicts.filter(({ ingress, egress }) => !ingress.isOpen || !egress.isOpen);
    return {
      range,
      isOpen: openings.length === 0 ? 'none' : refusals.length === 0 ? 'all' : 'some',
      openings,
      refusals,
    };
  });
}

/** Ranges that touch, as one. */
function joined(ranges: readonly PortRange[]): PortRange[] {
  const result: PortRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last?.protocol === range.protocol && last.to + 1 === range.from)
      result[result.length - 1] = { ...last, to: range.to };
    else result.push(range);
  }
  return result;
}

/** What every peer reaches of every other, as far as a workload among the objects takes part. */
export function reachability(objects: readonly KubernetesObject[], surroundings: Surroundings): Reach[] {
  const network = networkOf(objects, surroundings);
  return pairsOf(network).map(([source, target]) => {
    const all = answers(network, source, target, []);
    const ranges = (isOpen: RangeAnswer['isOpen']): PortRange[] =>
      joined(all.filter((answer) => answer.isOpen === isOpen).map(({ range }) => range));
    return { source: source.name, target: target.name, open: ranges('all'), partlyOpen: ranges('some') };
  });
}

/** Ports as people read them: `TCP 8080, UDP 53`, `TCP 1-1023`, `every port`. */
export function showPorts(ranges: readonly PortRange[]): string {
  const merged = joined(ranges);
  const isWhole = ({ from, to }: PortRange): boolean => from === 1 && to === 65_535;
  if (merged.length === PROTOCOLS.length && merged.every(isWhole)) return 'every port';
  return merged
    .map(({ protocol, from, to }) =>
      isWhole({ protocol, from, to })
        ? `every ${protocol} port`
        : `${protocol} ${from === to ? from : `${from}-${to}`}`,
    )
    .join(', ');
}

export const REACHABILITY_HEADER = ['FROM', 'TO', 'OPEN', 'OPEN IN PART'];

/** The open flows, a row each; a pair without a row is closed. */
export const reachabilityTable = (objects: readonly KubernetesObject[], surroundings: Surroundings): string[][] =>
  reachability(objects, surroundings)
    .filter(({ open, partlyOpen }) => open.length + partlyOpen.length > 0)
    .map(({ source, target, open, partlyOpen }) => [source, target, showPorts(open), showPorts(partlyOpen)]);

/**
 * Every required flow that a policy of either side stops, and every other flow that is open, with the rule that opens
 * it.
 */
export function reachabilityProblems(
  objects: readonly KubernetesObject[],
  surroundings: Surroundings,
  required: readonly RequiredFlow[],
): Problem[] {
  const network = networkOf(objects, surroundings);
  const known = new Set([...network.own, ...network.peers].map(({ name }) => name));
  const problems: Problem[] = required
    .flatMap(({ from, to }) => [from, to])
    .filter((name) => !known.has(name))
    .map((name) => ({ object: name, path: '', rule: 'a required flow names it, but it is not there' }));

  for (const [source, target] of pairsOf(network)) {
    const flows = required.filter(({ from, to }) => from === source.name && to === target.name);
    const wanted = flows.flatMap((flow) => {
      const port = portOf(flow, target);
      if (port === undefined)
        problems.push({
          object: target.name,
          path: 'spec.template.spec.containers',
          rule: `declares no port ${flow.port}, which ${source.name} has to reach`,
        });
      return port === undefined ? [] : [{ port, protocol: flow.protocol ?? 'TCP' }];
    });
    const all = answers(
      network,
      source,
      target,
      wanted.map(({ port }) => port),
    );
    const isWanted = ({ range }: RangeAnswer): boolean =>
      wanted.some(({ port, protocol }) => protocol === range.protocol && range.from <= port && port <= range.to);
    problems.push(
      ...all
        .filter((answer) => isWanted(answer) && answer.isOpen !== 'all')
        .flatMap((answer) => closedProblems(source, target, answer)),
    );
    problems.push(
      ...openProblems(
        network,
        source,
        target,
        all.filter((answer) => !isWanted(answer) && answer.isOpen !== 'none'),
      ),
    );
  }
  return problems;
}

/** A required port that is closed: at the policies of each side that does not let it through. */
function closedProblems(source: Peer, target: Peer, { range, isOpen, refusals }: RangeAnswer): Problem[] {
  if (refusals.length === 0)
    return [
      {
        object: source.name,
        path: '',
        rule: `has no address from which it could reach ${target.name} on ${showPorts([range])}`,
      },
    ];
  const rule = `must let ${source.name} reach ${target.name} on ${showPorts([range])}${isOpen === 'some' ? ', from and to all of their addresses' : ''}`;
  const objects = (direction: 'ingress' | 'egress'): Problem[] =>
    [
      ...new Set(
        refusals.flatMap((refusal) => (refusal[direction].isOpen ? [] : refusal[direction].policies.map(nameOf))),
      ),
    ].map((object) => ({ object, path: `spec.${direction}`, rule }));
  return [...objects('egress'), ...objects('ingress')];
}

/**
 * Ports that are open without need, at the rules that open them; of the receiving side where that is ours, since it
 * decides for itself.
 */
function openProblems(network: Network, source: Peer, target: Peer, open: readonly RangeAnswer[]): Problem[] {
  const places = new Map<string, { object: string; path: string; ranges: Set<PortRange> }>();
  const direction = target.kind === 'pods' && network.own.includes(target) ? 'ingress' : 'egress';
  const subject = direction === 'ingress' ? target : source;
  for (const { range, openings } of open) {
    for (const opening of openings) {
      const { rules } = opening[direction];
      // Open without any rule: no policy looks at it.
      const found =
        rules.length === 0
          ? [{ object: subject.name, path: 'spec.template.metadata.labels' }]
          : rules.map(({ policy, path }) => ({ object: nameOf(policy), path }));
      for (const place of found) {
        const key = `${place.object} ${place.path}`;
        const entry = places.get(key) ?? { ...place, ranges: new Set() };
        entry.ranges.add(range);
        places.set(key, entry);
      }
    }
  }
  return [...places.values()].map(({ object, path, ranges }) => ({
    object,
    path,
    rule: `${object === subject.name ? `no NetworkPolicy for ${direction === 'ingress' ? 'Ingress' : 'Egress'} selects these pods; ` : ''}must not let ${source.name} reach ${target.name} on ${showPorts([...ranges])}`,
  }));
}
