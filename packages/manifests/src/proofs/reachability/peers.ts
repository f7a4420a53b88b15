import type { Labels } from '../../kubernetes/selector.ts';
import type { ContainerPort } from '../../kubernetes/workload.ts';

/** Pods that are alike: those of one workload, or others that are described from outside. */
export interface PodPeer {
  readonly kind: 'pods';
  /** Deployment/fastify-service, or any other name for pods that are not among the objects. */
  readonly name: string;
  readonly namespace: string;
  /** Of the namespace, if no Namespace object has them; kubernetes.io/metadata.name is always there. */
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
  /** Parts of these networks that belong to another peer. */
  readonly except?: readonly string[];
  /** Other peers have its addresses, too: nothing is asked of it but the flows to it that are required. */
  readonly isSecondName?: boolean;
}

export type Peer = PodPeer | AddressPeer;

/** Everything around the objects of an application. */
export interface Surroundings {
  readonly peers: readonly Peer[];
  /** Networks that the addresses of the objects' own pods are from. */
  readonly podNetworks?: readonly string[];
}
