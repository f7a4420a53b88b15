import t from 'tap';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { type Peer, type PodPeer, reachability, showPorts } from '../../src/proofs/reachability.ts';
import { deployment, namespaced, policy } from './network.ts';

const client = (labels: Record<string, string> = { role: 'client' }, namespace = 'services'): PodPeer => ({
  kind: 'pods',
  name: 'client',
  namespace,
  labels,
  ports: [],
});

/** What a client gets of the workload: its open ports. */
function openPorts(
  policies: object[],
  { peer = client(), objects = [] }: { peer?: Peer; objects?: KubernetesObject[] } = {},
): string {
  const all = [deployment(), ...policies.map((spec, index) => policy(spec, `p${index}`)), ...objects];
  const reach = reachability(all, { peers: [peer] }).find(
    ({ source, target }) => source === peer.name && target === 'Deployment/api',
  );
  return showPorts(reach?.open ?? []);
}

t.test('policies mean what networking.k8s.io/v1 says', (t) => {
  const all = { podSelector: {} };
  const from = (...peers: object[]): object => ({ ...all, ingress: [{ from: peers, ports: [{ port: 8080 }] }] });
  const cases: [string, string, string][] = [
    ['no policy: open', openPorts([]), 'every port'],
    ['an empty selector selects all pods of its namespace; no rules close', openPorts([all]), ''],
    ['an absent pod selector is an empty one', openPorts([{}]), ''],
    ['a policy of another namespace', openPorts([], { objects: [policy(all, 'other', 'elsewhere')] }), 'every port'],
    ['no policyTypes, egress rules alone: still for Ingress', openPorts([{ ...all, egress: [{}] }]), ''],
    [
      'no policyTypes, egress rules: for Egress as well',
      openPorts([
        { ...all, ingress: [{}] },
        { podSelector: { matchLabels: { role: 'client' } }, ingress: [{}], egress: [{ ports: [{ port: 9090 }] }] },
      ]),
      'TCP 9090',
    ],
    [
      'policyTypes Egress alone',
      openPorts([{ ...all, policyTypes: ['Egress'] }], { peer: client({}, 'elsewhere') }),
      'every port',
    ],
    ['an empty rule opens everything', openPorts([{ ...all, ingress: [{}] }]), 'every port'],
    ['an empty list of peers is everybody', openPorts([{ ...all, ingress: [{ from: [], ports: [] }] }]), 'every port'],
    [
      'the union of policies',
      openPorts([all, from({ podSelector: {} }), { ...all, ingress: [{ ports: [{ port: 9090 }] }] }]),
      'TCP 8080, TCP 9090',
    ],
    [
      'a pod selector alone means the own namespace',
      openPorts([from({ podSelector: {} })], { peer: client({}, 'elsewhere') }),
      '',
    ],
    [
      'an empty namespace selector means all namespaces',
      openPorts([from({ namespaceSelector: {} })], { peer: client({}, 'elsewhere') }),
      'TCP 8080',
    ],
    [
      'both selectors must hold: labels differ',
      openPorts([from({ ...namespaced('services'), podSelector: { matchLabels: { role: 'x' } } })]),
      '',
    ],
    [
      'both selectors must hold: they do',
      openPorts([from({ ...namespaced('services'), podSelector: { matchLabels: { role: 'client' } } })]),
      'TCP 8080',
    ],
    ['a peer that says nothing means nobody', openPorts([from({})]), ''],
    [
      'labels of a Namespace object',
      openPorts([from({ namespaceSelector: { matchLabels: { team: 'a' } } })], {
        objects: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'services', labels: { team: 'a' } } }],
      }),
      'TCP 8080',
    ],
    [
      'labels that a peer tells of its namespace',
      openPorts([from({ namespaceSelector: { matchLabels: { team: 'a' } } })], {
        peer: { ...client({}, 'elsewhere'), namespaceLabels: { team: 'a' } },
      }),
      'TCP 8080',
    ],
    [
      'In',
      openPorts([
        from({ podSelector: { matchExpressions: [{ key: 'role', operator: 'In', values: ['client', 'x'] }] } }),
      ]),
      'TCP 8080',
    ],
    [
      'NotIn chooses what lacks the label',
      openPorts([from({ podSelector: { matchExpressions: [{ key: 'other', operator: 'NotIn', values: ['x'] }] } })]),
      'TCP 8080',
    ],
    ['Exists', openPorts([from({ podSelector: { matchExpressions: [{ key: 'other', operator: 'Exists' }] } })]), ''],
    [
      'DoesNotExist',
      openPorts([from({ podSelector: { matchExpressions: [{ key: 'role', operator: 'DoesNotExist' }] } })]),
      '',
    ],
    [
      'a protocol without a port',
      openPorts([{ ...all, ingress: [{ ports: [{ protocol: 'UDP' }] }] }]),
      'every UDP port',
    ],
    [
      'a named port has a protocol',
      openPorts([{ ...all, ingress: [{ ports: [{ port: 'http', protocol: 'UDP' }] }] }]),
      '',
    ],
    [
      'a range of ports',
      openPorts([{ ...all, ingress: [{ ports: [{ port: 8000, endPort: 8080 }] }] }]),
      'TCP 8000-8080',
    ],
    [
      'an address block never means a pod without known addresses',
      openPorts([from({ ipBlock: { cidr: '0.0.0.0/0' } })]),
      '',
    ],
    [
      'an address block means pods that have addresses in it',
      openPorts([from({ ipBlock: { cidr: '10.0.0.0/8' } })], { peer: { ...client(), networks: ['10.0.16.0/20'] } }),
      'TCP 8080',
    ],
    [
      'less its exceptions',
      openPorts([from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/16'] } })], {
        peer: { ...client(), networks: ['10.0.16.0/20'] },
      }),
      '',
    ],
    [
      'IPv6',
      openPorts([from({ ipBlock: { cidr: '2001:db8::/32' } })], {
        peer: { kind: 'addresses', name: 'client', networks: ['2001:db8:1::/48'] },
      }),
      'TCP 8080',
    ],
    [
      "selectors never mean a pod with the node's network",
      openPorts([from({ podSelector: {} })], { peer: { ...client(), hostNetwork: true } }),
      '',
    ],
  ];
  for (const [name, found, expected] of cases) t.equal(found, expected, name);
  t.end();
});

t.test('no policy rules pods with the network of their node', (t) => {
  const [reach] = reachability([deployment('services', { hostNetwork: true }), policy({ podSelector: {} })], {
    peers: [client()],
  }).filter(({ source }) => source === 'client');
  t.equal(showPorts(reach?.open ?? []), 'every port');
  t.end();
});

t.test('an egress rule finds a named port at the target', (t) => {
  const server: PodPeer = { ...client(), name: 'server', ports: [{ name: 'db', containerPort: 5432 }] };
  const reach = reachability(
    [deployment(), policy({ podSelector: {}, policyTypes: ['Egress'], egress: [{ ports: [{ port: 'db' }] }] })],
    { peers: [server, { kind: 'addresses', name: 'outside', networks: ['192.0.2.0/24'] }] },
  );
  t.same(
    reach.filter(({ source }) => source === 'Deployment/api').map(({ target, open }) => [target, showPorts(open)]),
    [
      ['Deployment/api', ''],
      ['server', 'TCP 5432'],
      ['outside', ''],
    ],
  );
  t.end();
});
