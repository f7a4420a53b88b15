import { namespaceOf } from '../kubernetes/namespace.ts';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import type { Labels } from '../kubernetes/selector.ts';
import { podLabelsOf, podOwners, podSpecOf, portsOf } from '../kubernetes/workload.ts';
import type { Problem } from './problem.ts';
import { answers, type RangeAnswer, type Verdicts } from './reachability/answers.ts';
import type { Peer, PodPeer, Surroundings } from './reachability/peers.ts';
import { isIn, isNetworkPolicy, type Network } from './reachability/policies.ts';
import { joined, type PortRange, type Protocol, showPorts } from './reachability/ports.ts';

// Which connections the NetworkPolicies of a cluster let through. What no policy governs is not shown: replies, traffic
// between a pod and its own node (the kubelet's probes), a pod with itself.

export type { AddressPeer, Peer, PodPeer, Surroundings } from './reachability/peers.ts';
export { showPorts } from './reachability/ports.ts';

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

/** Addresses that a workload may reach over TCP on one port, whoever has them. */
export interface AllowedEgress {
  /** The name of the workload. */
  readonly from: string;
  readonly networks: readonly string[];
  /** Parts of the networks that are not meant. */
  readonly except: readonly string[];
  readonly port: number;
}

/** Which of one peer's ports another one reaches. */
export interface Reach {
  readonly source: string;
  readonly target: string;
  /** Open from and to all addresses of the two. */
  readonly open: readonly PortRange[];
  /** Open from or to only some of them. */
  readonly partlyOpen: readonly PortRange[];
}

/** What every peer reaches of every other, as far as a workload among the objects takes part. */
export function reachability(objects: readonly KubernetesObject[], surroundings: Surroundings): Reach[] {
  const network = networkOf(objects, surroundings);
  return pairsOf(network).map(([source, target]) => {
    const all = answers(network, source, target, []);
    const ranges = (openFor: RangeAnswer['openFor']): PortRange[] =>
      joined(all.filter((answer) => answer.openFor === openFor).map(({ range }) => range));
    return { source: source.name, target: target.name, open: ranges('all'), partlyOpen: ranges('some') };
  });
}

export const REACHABILITY_HEADER = ['FROM', 'TO', 'OPEN', 'PARTLY OPEN'];

/** The open connections, a row each; a pair without a row is closed. */
export const reachabilityTable = (objects: readonly KubernetesObject[], surroundings: Surroundings): string[][] =>
  reachability(objects, surroundings)
    .filter(({ open, partlyOpen }) => open.length + partlyOpen.length > 0)
    .map(({ source, target, open, partlyOpen }) => [source, target, showPorts(open), showPorts(partlyOpen)]);

/**
 * Every required flow that a policy of either side closes, and every other connection that is open, with the rule that
 * opens it.
 * @param options.ingressOnly only what reaches the workloads among the objects, not what they reach
 * @param options.allowed addresses that workloads may reach, beside the required flows
 */
export function reachabilityProblems(
  objects: readonly KubernetesObject[],
  surroundings: Surroundings,
  required: readonly RequiredFlow[],
  {
    ingressOnly = false,
    allowed = [],
  }: { readonly ingressOnly?: boolean; readonly allowed?: readonly AllowedEgress[] } = {},
): Problem[] {
  const network = networkOf(objects, surroundings);
  const problems = unknownEnds(network, required);
  for (const [source, target] of pairsOf(network)) {
    if (ingressOnly && !isGoverned(network, target)) continue;
    const flows = required.filter(({ from, to }) => from === source.name && to === target.name);
    const mayReach = allowed.filter(({ from }) => from === source.name);
    problems.push(...pairProblems(network, source, target, flows, mayReach));
  }
  return problems;
}

/** Every required flow that a policy of either side closes, or that names no port; what else is open does not count. */
export function closedFlows(
  objects: readonly KubernetesObject[],
  surroundings: Surroundings,
  required: readonly RequiredFlow[],
): Problem[] {
  const network = networkOf(objects, surroundings);
  const problems: Problem[] = [];
  for (const [source, target] of pairsOf(network)) {
    const flows = required.filter(({ from, to }) => from === source.name && to === target.name);
    if (flows.length > 0) problems.push(...requiredProblems(network, source, target, flows).problems);
  }
  return problems;
}

function networkOf(objects: readonly KubernetesObject[], { peers, podNetworks }: Surroundings): Network {
  const own = podOwners(objects).map((workload): PodPeer => ({
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
  return { own, peers, policies: objects.filter(isNetworkPolicy), namespaceLabels };
}

/** A workload among the objects that policies select: none selects what is on the network of its node. */
const isGoverned = ({ own }: Network, peer: Peer): boolean =>
  peer.kind === 'pods' && own.includes(peer) && peer.hostNetwork !== true;

const isOwn = ({ own }: Network, peer: Peer): boolean => peer.kind === 'pods' && own.includes(peer);

const isSecondName = (peer: Peer): boolean => peer.kind === 'addresses' && peer.isSecondName === true;

/** Every pair of which at least one is a workload among the objects. */
function pairsOf(network: Network): [Peer, Peer][] {
  const all: Peer[] = [...network.own, ...network.peers];
  const pairs: [Peer, Peer][] = [];
  for (const source of all)
    for (const target of all)
      if (!isSecondName(source) && (isOwn(network, source) || isOwn(network, target))) pairs.push([source, target]);
  return pairs;
}

/** Ends of required flows that do not exist. */
function unknownEnds({ own, peers }: Network, required: readonly RequiredFlow[]): Problem[] {
  const known = new Set([...own, ...peers].map(({ name }) => name));
  const problems: Problem[] = [];
  for (const { from, to } of required)
    for (const name of [from, to])
      if (!known.has(name))
        problems.push({ object: name, path: '', rule: 'missing, although a required flow names it' });
  return problems;
}

/** What is wrong between two peers, given the flows that are required between them, and what the source may reach. */
function pairProblems(
  network: Network,
  source: Peer,
  target: Peer,
  flows: readonly RequiredFlow[],
  mayReach: readonly AllowedEgress[],
): Problem[] {
  const { problems, others } = requiredProblems(network, source, target, flows);
  const needless: RangeAnswer[] = [];
  if (isSecondName(target)) return problems;
  for (const answer of others) {
    const openings = answer.openings.filter((opening) => !mayReach.some((egress) => isMeant(egress, answer, opening)));
    if (openings.length > 0) needless.push({ ...answer, openings });
  }
  return [...problems, ...openProblems(network, source, target, needless)];
}

/** What is wrong with the flows that are required between two peers, and the answers for all other ports. */
function requiredProblems(
  network: Network,
  source: Peer,
  target: Peer,
  flows: readonly RequiredFlow[],
): { problems: Problem[]; others: RangeAnswer[] } {
  const problems: Problem[] = [];
  const wanted: { port: number; protocol: Protocol }[] = [];
  for (const flow of flows) {
    const port = portOf(flow, target);
    if (port !== undefined) wanted.push({ port, protocol: flow.protocol ?? 'TCP' });
    else
      problems.push({
        object: target.name,
        path: 'spec.template.spec.containers',
        rule: `declares no port ${flow.port}, which ${source.name} has to reach`,
      });
  }
  const ports = wanted.map(({ port }) => port);
  const others: RangeAnswer[] = [];
  for (const answer of answers(network, source, target, ports)) {
    const { protocol, from, to } = answer.range;
    const isWanted = wanted.some((flow) => flow.protocol === protocol && from <= flow.port && flow.port <= to);
    if (!isWanted) others.push(answer);
    else if (answer.openFor !== 'all') problems.push(...closedProblems(source, target, answer));
  }
  return { problems, others };
}

/** Whether an open connection is one of those to certain addresses. */
function isMeant({ networks, except, port }: AllowedEgress, { range }: RangeAnswer, { to }: Verdicts): boolean {
  const { address } = to;
  if (address === undefined || range.protocol !== 'TCP' || range.from !== port || range.to !== port) return false;
  return networks.some((cidr) => isIn(address, cidr)) && !except.some((cidr) => isIn(address, cidr));
}

/** The number of a required port; undefined for a name that the target does not declare. */
function portOf({ port }: RequiredFlow, target: Peer): number | undefined {
  if (typeof port === 'number') return port;
  return target.kind === 'pods' ? target.ports.find(({ name }) => name === port)?.containerPort : undefined;
}

/** A required port that is closed: at the policies of each side that do not let it through. */
function closedProblems(source: Peer, target: Peer, { range, openFor, refusals }: RangeAnswer): Problem[] {
  const ports = showPorts([range]);
  if (refusals.length === 0)
    return [
      { object: source.name, path: '', rule: `has no address from which it could reach ${target.name} on ${ports}` },
    ];
  const scope = openFor === 'some' ? ', from and to all of their addresses' : '';
  const rule = `must let ${source.name} reach ${target.name} on ${ports}${scope}`;
  const problems: Problem[] = [];
  for (const direction of ['egress', 'ingress'] as const) {
    const closed = refusals.map(({ [direction]: verdict }) => verdict).filter(({ isOpen: open }) => !open);
    for (const object of new Set(closed.flatMap(({ policies }) => policies.map(nameOf))))
      problems.push({ object, path: `spec.${direction}`, rule });
  }
  return problems;
}

/**
 * Ports that are open without need, at the rules that open them; of the receiving side if that is ours, since it
 * decides for itself.
 */
function openProblems(network: Network, source: Peer, target: Peer, open: readonly RangeAnswer[]): Problem[] {
  const direction = isOwn(network, target) ? 'ingress' : 'egress';
  const subject = direction === 'ingress' ? target : source;
  const places = new Map<string, { object: string; path: string; ranges: Set<PortRange> }>();
  const note = (object: string, path: string, range: PortRange): void => {
    const place = places.get(`${object} ${path}`) ?? { object, path, ranges: new Set() };
    place.ranges.add(range);
    places.set(`${object} ${path}`, place);
  };
  for (const { range, openings } of open)
    for (const { [direction]: verdict } of openings) {
      for (const { policy, path } of verdict.rules) note(nameOf(policy), path, range);
      // Open without any rule: no policy selects the pods.
      if (verdict.rules.length === 0) note(subject.name, 'spec.template.metadata.labels', range);
    }
  const unselected = `no NetworkPolicy for ${direction === 'ingress' ? 'Ingress' : 'Egress'} selects these pods; `;
  return [...places.values()].map(({ object, path, ranges }) => {
    const rule = `must not let ${source.name} reach ${target.name} on ${showPorts([...ranges])}`;
    return { object, path, rule: object === subject.name ? unselected + rule : rule };
  });
}
