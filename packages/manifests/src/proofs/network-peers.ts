import type { AddressPeer, Peer, PodPeer } from './reachability/peers.ts';

/** What differs between clusters in the surroundings of a service. */
export interface NetworkFacts {
  /** Namespace of the service. */
  readonly namespace: string;
  /** The VPC. */
  readonly network: string;
  /** The subnets that load balancers stand in: with `ip` targets a request comes from one of their addresses. */
  readonly loadBalancerNetworks: readonly string[];
  /** The subnets that pods have their addresses from (Amazon VPC CNI). */
  readonly podNetworks: readonly string[];
  /** What the service says that it calls. */
  readonly called?: readonly Called[];
}

/** Something that a service calls over TCP: `networkPolicy.egress` of its chart. */
export interface Called {
  readonly name: string;
  readonly cidrs: readonly string[];
  readonly port: number;
}

const addresses = (name: string, ...networks: readonly string[]): AddressPeer => ({
  kind: 'addresses',
  name,
  networks,
});

// Link-local addresses that AWS and Kubernetes have fixed: NodeLocal DNSCache, the EKS Pod Identity agent, the instance
// metadata service.
const NODE_LOCAL_DNS = addresses('node-local DNS', '169.254.20.10/32');
const POD_IDENTITY = addresses('Pod Identity agent', '169.254.170.23/32');
const INSTANCE_METADATA = addresses('instance metadata', '169.254.169.254/32');

/** What nobody may call: it gives out the credentials of the node. */
export const NEVER_CALLED = INSTANCE_METADATA.networks;

const DNS_PORTS: PodPeer['ports'] = [
  { name: 'dns', containerPort: 53, protocol: 'UDP' },
  { name: 'dns-tcp', containerPort: 53 },
  { name: 'metrics', containerPort: 9153 },
];

/** Everything that a service's pods could connect to or be reached from, so that all else can be proven closed. */
export function surroundingPeers({
  namespace,
  network,
  loadBalancerNetworks,
  podNetworks: networks,
  called = [],
}: NetworkFacts): Peer[] {
  const pods = (name: string, ns: string, labels: PodPeer['labels'], ports: PodPeer['ports']): PodPeer => ({
    kind: 'pods',
    name,
    namespace: ns,
    labels,
    ports,
    networks,
  });
  const named = [NODE_LOCAL_DNS, POD_IDENTITY, INSTANCE_METADATA];
  const linkLocal = named.flatMap((peer) => peer.networks);
  const calledPeers = called.map(({ name, cidrs }): AddressPeer => ({
    ...addresses(name, ...cidrs),
    except: linkLocal.filter((cidr) => !cidrs.includes(cidr)),
    isSecondName: true,
  }));
  return [
    addresses('load balancer', ...loadBalancerNetworks),
    ...calledPeers,
    // The labels that the Prometheus operator gives to the pods of any Prometheus.
    pods('Prometheus', 'monitoring', { 'app.kubernetes.io/name': 'prometheus' }, [
      { name: 'http-web', containerPort: 9090 },
    ]),
    pods('CoreDNS', 'kube-system', { 'k8s-app': 'kube-dns' }, DNS_PORTS),
    ...named,
    pods('another pod of the namespace', namespace, { 'app.kubernetes.io/name': 'another' }, [
      { name: 'http', containerPort: 8080 },
    ]),
    pods('a pod of another namespace', 'elsewhere', { 'app.kubernetes.io/name': 'stranger' }, [
      { name: 'http', containerPort: 8080 },
    ]),
    // Right name, wrong namespace, and the other way round: a rule that checks only one of the two allows these.
    pods('a would-be Prometheus', 'elsewhere', { 'app.kubernetes.io/name': 'prometheus' }, []),
    pods('a would-be CoreDNS', 'elsewhere', { 'k8s-app': 'kube-dns' }, DNS_PORTS),
    pods('another pod of monitoring', 'monitoring', { 'app.kubernetes.io/name': 'another' }, []),
    pods('another pod of kube-system', 'kube-system', { 'app.kubernetes.io/name': 'another' }, [
      { containerPort: 53, protocol: 'UDP' },
    ]),
    { ...addresses('the rest of the VPC', network), except: [...loadBalancerNetworks, ...networks] },
    {
      ...addresses('the internet', '0.0.0.0/0', '::/0'),
      except: [network, ...loadBalancerNetworks, ...networks, ...linkLocal],
    },
  ];
}
