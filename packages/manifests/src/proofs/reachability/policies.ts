import { type Cidr, parseCidr, size } from '@gitops/subnets/cidr';
import { namespaceOf } from '../../kubernetes/namespace.ts';
import type { KubernetesObject } from '../../kubernetes/object.ts';
import { type Labels, type LabelSelector, selects } from '../../kubernetes/selector.ts';
import type { Peer, PodPeer } from './peers.ts';
import type { Protocol } from './ports.ts';

// What NetworkPolicies let through, by the rules of networking.k8s.io/v1.

export type Direction = 'Ingress' | 'Egress';
export const DIRECTIONS = ['Ingress', 'Egress'] as const;

interface IpBlock {
  readonly cidr: string;
  readonly except?: readonly string[];
}

interface RulePeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: IpBlock;
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

export interface NetworkPolicy extends KubernetesObject {
  readonly spec?: {
    readonly podSelector?: LabelSelector;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly Rule[];
    readonly egress?: readonly Rule[];
  };
}

export const isNetworkPolicy = (object: KubernetesObject): object is NetworkPolicy =>
  object.kind === 'NetworkPolicy' && object.apiVersion === 'networking.k8s.io/v1';

export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** One pod or address that represents all that policies treat alike. */
export interface End {
  readonly pods?: PodPeer;
  readonly address?: Address;
}

export interface Network {
  /** The workloads among the objects; the connections from and to these are examined. */
  readonly own: readonly PodPeer[];
  readonly peers: readonly Peer[];
  readonly policies: readonly NetworkPolicy[];
  readonly namespaceLabels: (namespace: string) => Labels;
}

export const rulesOf = ({ spec }: NetworkPolicy, direction: Direction): readonly Rule[] =>
  (direction === 'Ingress' ? spec?.ingress : spec?.egress) ?? [];
export const peersOf = (rule: Rule, direction: Direction): readonly RulePeer[] =>
  (direction === 'Ingress' ? rule.from : rule.to) ?? [];

/** The last address of a network. */
export const lastOf = (cidr: Cidr): bigint => cidr.network + size(cidr) - 1n;

export function isIn({ family, value }: Address, network: string): boolean {
  const cidr = parseCidr(network);
  return cidr.family === family && cidr.network <= value && value <= lastOf(cidr);
}

/** Why a connection is open in one direction, or which policies keep it closed. */
export interface Verdict {
  readonly isOpen: boolean;
  /** The rules that allow it. None of an open connection: no policy selects the pods. */
  readonly rules: readonly { readonly policy: NetworkPolicy; readonly path: string }[];
  /** The policies that select the pods. */
  readonly policies: readonly NetworkPolicy[];
}

/** Whether a direction of a connection is open: at the target for Ingress, at the source for Egress. */
export function verdict(
  network: Network,
  direction: Direction,
  source: End,
  target: End,
  port: number,
  protocol: Protocol,
): Verdict {
  const [subject, other] = direction === 'Ingress' ? [target, source] : [source, target];
  const policies = subject.pods === undefined ? [] : policiesFor(network, direction, subject.pods);
  const rules: { policy: NetworkPolicy; path: string }[] = [];
  for (const policy of policies)
    for (const [index, rule] of rulesOf(policy, direction).entries()) {
      const peers = peersOf(rule, direction);
      // No peers means all peers.
      const isMatch = peers.length === 0 || peers.some((peer) => matches(network, policy, peer, other));
      if (isMatch && includesPort(rule, target, port, protocol))
        rules.push({ policy, path: `spec.${direction.toLowerCase()}[${index}]` });
    }
  return { isOpen: policies.length === 0 || rules.length > 0, rules, policies };
}

/** The policies that restrict a direction of these pods. Without any, that direction is open. */
const policiesFor = ({ policies }: Network, direction: Direction, pods: PodPeer): NetworkPolicy[] =>
  pods.hostNetwork === true
    ? []
    : policies.filter(
        (policy) =>
          namespaceOf(policy) === pods.namespace &&
          isOfType(policy, direction) &&
          selects(policy.spec?.podSelector ?? {}, pods.labels),
      );

/**
 * Without policyTypes a policy is one for Ingress, and one for Egress as well if it has rules for it
 * (pkg/apis/networking/v1/defaults.go).
 */
function isOfType({ spec }: NetworkPolicy, direction: Direction): boolean {
  const { policyTypes = [], egress = [] } = spec ?? {};
  return policyTypes.length === 0 ? direction === 'Ingress' || egress.length > 0 : policyTypes.includes(direction);
}

/** Whether a rule's peer matches an end. A namespace selector and a pod selector in one peer must both select it. */
function matches(
  network: Network,
  policy: NetworkPolicy,
  { podSelector, namespaceSelector, ipBlock }: RulePeer,
  { pods, address }: End,
): boolean {
  if (ipBlock !== undefined) return address !== undefined && covers(ipBlock, address);
  if (pods === undefined || pods.hostNetwork === true) return false;
  if (podSelector === undefined && namespaceSelector === undefined) return false;
  const isInNamespace =
    namespaceSelector === undefined
      ? pods.namespace === namespaceOf(policy)
      : selects(namespaceSelector, network.namespaceLabels(pods.namespace));
  return isInNamespace && selects(podSelector ?? {}, pods.labels);
}

const covers = ({ cidr, except = [] }: IpBlock, address: Address): boolean =>
  isIn(address, cidr) && !except.some((part) => isIn(address, part));

/** Whether a rule's ports include this one. A name is looked up among the target's ports, in both directions. */
function includesPort({ ports = [] }: Rule, target: End, port: number, protocol: Protocol): boolean {
  if (ports.length === 0) return true;
  const declares = (name: string): boolean =>
    target.pods?.ports.some(
      (declared) =>
        declared.name === name && declared.containerPort === port && (declared.protocol ?? 'TCP') === protocol,
    ) === true;
  return ports.some(({ port: wanted, endPort, protocol: its = 'TCP' }) => {
    if (its !== protocol) return false;
    if (wanted === undefined) return true;
    return typeof wanted === 'number' ? wanted <= port && port <= (endPort ?? wanted) : declares(wanted);
  });
}
