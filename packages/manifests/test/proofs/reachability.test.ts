import t from 'tap';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { serviceFlows, surroundingPeers } from '../../src/proofs/network-peers.ts';
import {
  type Peer,
  type PodPeer,
  reachability,
  reachabilityProblems,
  reachabilityTable,
  showPorts,
} from '../../src/proofs/reachability.ts';

const LABELS = { 'app.kubernetes.io/name': 'api' };
const FACTS = {
  namespace: 'services',
  network: '10.0.0.0/16',
  loadBalancerNetworks: ['10.0.0.0/24', '10.0.1.0/24'],
  podNetworks: ['10.0.16.0/20', '10.0.32.0/20'],
};
const SURROUNDINGS = { peers: surroundingPeers(FACTS), podNetworks: FACTS.podNetworks };
const FLOWS = serviceFlows('Deployment/api', { api: 'http', admin: 'admin' });

const deployment = (namespace = 'services', spec: object = {}): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'api', namespace },
  spec: {
    template: {
      metadata: { labels: LABELS },
      spec: {
        containers: [
          {
            name: 'api',
            ports: [
              { name: 'http', containerPort: 8080 },
              { name: 'admin', containerPort: 9090 },
            ],
          },
        ],
        ...spec,
      },
    },
  },
});

const policy = (spec: object, name = 'api', namespace = 'services'): KubernetesObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace },
  spec,
});

const namespaced = (name: string): object => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
});
const BALANCERS = FACTS.loadBalancerNetworks.map((cidr) => ({ ipBlock: { cidr } }));
const GOOD = {
  podSelector: { matchLabels: LABELS },
  policyTypes: ['Ingress', 'Egress'],
  ingress: [
    { from: BALANCERS, ports: [{ port: 'http' }, { port: 'admin' }] },
    {
      from: [{ ...namespaced('monitoring'), podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } } }],
      ports: [{ port: 'admin' }],
    },
  ],
  egress: [
    {
      to: [
        { ...namespaced('kube-system'), podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } },
        { ipBlock: { cidr: '169.254.20.10/32' } },
      ],
      ports: [
        { port: 53, protocol: 'UDP' },
        { port: 53, protocol: 'TCP' },
      ],
    },
  ],
};
type Spec = Omit<typeof GOOD, 'ingress' | 'egress'> & {
  ingress: { from?: object[]; ports?: object[] }[];
  egress: { to?: object[]; ports?: object[] }[];
};

/** What is wrong once the good policy is changed. */
function problemsOf(change: (spec: Spec) => void): string[] {
  const spec: Spec = structuredClone(GOOD);
  change(spec);
  return reachabilityProblems([deployment(), policy(spec)], SURROUNDINGS, FLOWS).map(
    ({ object, path, rule }) => `${object} ${path}: ${rule}`,
  );
}

t.test('a policy that opens the required flows and nothing else has no problem', (t) => {
  t.same(
    problemsOf(() => undefined),
    [],
  );
  t.same(reachabilityTable([deployment(), policy(GOOD)], SURROUNDINGS), [
    ['Deployment/api', 'CoreDNS', 'TCP 53, UDP 53', ''],
    ['Deployment/api', 'node-local DNS', 'TCP 53, UDP 53', ''],
    ['load balancer', 'Deployment/api', 'TCP 8080, TCP 9090', ''],
    ['Prometheus', 'Deployment/api', 'TCP 9090', ''],
  ]);
  t.end();
});

t.test('each mistake in a policy is told at its rule', (t) => {
  const mistakes: [string, (spec: Spec) => void, string][] = [
    [
      'the internet may come in',
      ({ ingress }) => ingress.push({ ports: [{ port: 8080 }] }),
      'NetworkPolicy/api spec.ingress[2]: must not let the internet reach Deployment/api on TCP 8080',
    ],
    [
      'a network too wide',
      ({ ingress }) => (ingress[0] = { ...ingress[0], from: [{ ipBlock: { cidr: '10.0.0.0/16' } }] }),
      'NetworkPolicy/api spec.ingress[0]: must not let the rest of the VPC reach Deployment/api on TCP 8080, TCP 9090',
    ],
    [
      'a network twice as wide',
      ({ ingress }) => (ingress[0] = { ...ingress[0], from: [{ ipBlock: { cidr: '10.0.0.0/22' } }] }),
      'NetworkPolicy/api spec.ingress[0]: must not let the rest of the VPC reach',
    ],
    [
      'one zone of the load balancer forgotten',
      ({ ingress }) => (ingress[0] = { ...ingress[0], from: BALANCERS.slice(0, 1) }),
      'NetworkPolicy/api spec.ingress: must let load balancer reach Deployment/api on TCP 8080, from and to all of their addresses',
    ],
    [
      'an exception too many',
      ({ ingress }) =>
        (ingress[0] = {
          ...ingress[0],
          from: [...BALANCERS.slice(0, 1), { ipBlock: { cidr: '10.0.1.0/24', except: ['10.0.1.64/28'] } }],
        }),
      'must let load balancer reach Deployment/api on TCP 8080, from and to all',
    ],
    [
      'every pod of the namespace',
      ({ ingress }) => ingress.push({ from: [{ podSelector: {} }] }),
      'NetworkPolicy/api spec.ingress[2]: must not let another pod of the namespace reach Deployment/api on every port',
    ],
    [
      'pods by namespace or name, two peers in place of one',
      ({ ingress }) =>
        (ingress[1] = {
          ...ingress[1],
          from: [
            namespaced('monitoring'),
            { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } } },
          ],
        }),
      'must not let another pod of monitoring reach Deployment/api on TCP 9090',
    ],
    [
      'any namespace',
      ({ ingress }) =>
        (ingress[1] = {
          ...ingress[1],
          from: [{ namespaceSelector: {}, podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } } }],
        }),
      'must not let a would-be Prometheus reach Deployment/api on TCP 9090',
    ],
    [
      'Prometheus may not come in',
      ({ ingress }) => ingress.splice(1, 1),
      'NetworkPolicy/api spec.ingress: must let Prometheus reach Deployment/api on TCP 9090',
    ],
    [
      'a port name that no container has',
      ({ ingress }) => (ingress[0] = { ...ingress[0], ports: [{ port: 'web' }, { port: 'admin' }] }),
      'must let load balancer reach Deployment/api on TCP 8080',
    ],
    [
      'TCP alone for DNS',
      ({ egress }) => (egress[0] = { ...egress[0], ports: [{ port: 53 }] }),
      'NetworkPolicy/api spec.egress: must let Deployment/api reach CoreDNS on UDP 53',
    ],
    [
      'DNS without the node-local cache',
      ({ egress }) => egress[0]?.to?.pop(),
      'must let Deployment/api reach node-local DNS on UDP 53',
    ],
    [
      'all of the internet',
      ({ egress }) =>
        egress.push({
          to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16', '10.0.0.0/16'] } }],
          ports: [{ port: 443 }],
        }),
      'NetworkPolicy/api spec.egress[1]: must not let Deployment/api reach the internet on TCP 443',
    ],
    [
      'one address of the internet',
      ({ egress }) => egress.push({ to: [{ ipBlock: { cidr: '203.0.113.7/32' } }] }),
      'NetworkPolicy/api spec.egress[1]: must not let Deployment/api reach the internet on every port',
    ],
    [
      'the metadata service',
      ({ egress }) => egress.push({ to: [{ ipBlock: { cidr: '169.254.0.0/16' } }], ports: [{ port: 80 }] }),
      'must not let Deployment/api reach instance metadata on TCP 80',
    ],
    [
      'ports without end',
      ({ ingress }) => ingress[1]?.ports?.push({ port: 9091, endPort: 9999 }),
      'must not let Prometheus reach Deployment/api on TCP 9091-9999',
    ],
    [
      'only Ingress',
      (spec) => (spec.policyTypes = ['Ingress']),
      'Deployment/api spec.template.metadata.labels: no NetworkPolicy for Egress selects these pods; must not let Deployment/api reach the internet on every port',
    ],
    [
      'a selector that hits nothing',
      (spec) => (spec.podSelector.matchLabels = { 'app.kubernetes.io/name': 'apis' }),
      'Deployment/api spec.template.metadata.labels: no NetworkPolicy for Ingress selects these pods; must not let the internet reach Deployment/api on every port',
    ],
  ];
  for (const [name, change, expected] of mistakes) {
    const problems = problemsOf(change);
    t.ok(
      problems.some((problem) => problem.includes(expected)),
      `${name}\n${problems.join('\n')}`,
    );
  }
  t.end();
});

t.test('a required flow must be open on both sides, and both ends must exist', (t) => {
  const database = policy(
    { podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } }, policyTypes: ['Ingress'] },
    'dns',
    'kube-system',
  );
  t.match(reachabilityProblems([deployment(), policy(GOOD), database], SURROUNDINGS, FLOWS), [
    { object: 'NetworkPolicy/dns', path: 'spec.ingress', rule: 'must let Deployment/api reach CoreDNS on TCP 53' },
    { object: 'NetworkPolicy/dns', path: 'spec.ingress', rule: 'must let Deployment/api reach CoreDNS on UDP 53' },
  ]);
  const misnamed = serviceFlows('Deployment/apis', { api: 'http', admin: 'admin' });
  t.ok(
    reachabilityProblems([deployment(), policy(GOOD)], SURROUNDINGS, misnamed).some(
      ({ object, rule }) => object === 'Deployment/apis' && rule.includes('not there'),
    ),
  );
  const noPort = reachabilityProblems([deployment(), policy(GOOD)], SURROUNDINGS, [
    ...FLOWS,
    { from: 'Prometheus', to: 'Deployment/api', port: 'metrics' },
  ]);
  const nowhere = {
    peers: surroundingPeers({ ...FACTS, loadBalancerNetworks: [] }).map((peer): Peer =>
      peer.name === 'load balancer' && peer.kind === 'addresses'
        ? { ...peer, networks: ['10.0.0.0/24'], except: ['10.0.0.0/24'] }
        : peer,
    ),
  };
  t.ok(
    reachabilityProblems([deployment(), policy(GOOD)], nowhere, FLOWS).some(
      ({ object, rule }) => object === 'load balancer' && rule.includes('has no address from which'),
    ),
  );
  t.match(noPort, [{ object: 'Deployment/api', rule: 'declares no port metrics, which Prometheus has to reach' }]);
  t.end();
});

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
