import t from 'tap';
import { surroundingPeers } from '../../src/proofs/network-peers.ts';
import { allowedEgress, requiredFlows } from '../../src/proofs/our-service.ts';
import { closedFlows, type Peer, reachabilityProblems, reachabilityTable } from '../../src/proofs/reachability.ts';
import { BALANCERS, deployment, FACTS, GOOD, namespaced, policy, SURROUNDINGS } from './network.ts';

const FLOWS = requiredFlows('Deployment/api');
const UNSELECTED = (direction: string): string =>
  `Deployment/api spec.template.metadata.labels: no NetworkPolicy for ${direction} selects these pods`;

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

t.test('each mistake in a policy is reported at its rule', (t) => {
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
      'spec.ingress: must let load balancer reach Deployment/api on TCP 8080, from and to all of their addresses',
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
      `${UNSELECTED('Egress')}; must not let Deployment/api reach the internet on every port`,
    ],
    [
      'a selector that hits nothing',
      (spec) => (spec.podSelector.matchLabels = { 'app.kubernetes.io/name': 'apis' }),
      `${UNSELECTED('Ingress')}; must not let the internet reach Deployment/api on every port`,
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

t.test('what a service says that it calls must be open, on that port alone', (t) => {
  const block = (cidr: string, port: number): object => ({
    to: [{ ipBlock: { cidr, ...(cidr === '0.0.0.0/0' && { except: ['169.254.169.254/32'] }) } }],
    ports: [{ protocol: 'TCP', port }],
  });
  const problemsWith = (called: { cidrs: string[]; port: number }[], ...egress: object[]): string[] => {
    const named = called.map((target, index) => ({ name: `target-${index}`, ...target }));
    const spec = { ...GOOD, egress: [...GOOD.egress, ...egress] };
    const surroundings = { ...SURROUNDINGS, peers: surroundingPeers({ ...FACTS, called: named }) };
    const required = requiredFlows('Deployment/api', undefined, named);
    const allowed = allowedEgress('Deployment/api', named);
    return reachabilityProblems([deployment(), policy(spec)], surroundings, required, { allowed }).map(
      ({ object, path, rule }) => `${object} ${path}: ${rule}`,
    );
  };
  const database = { cidrs: ['10.0.160.0/24', '10.0.161.0/24'], port: 5432 };
  const both = [block('10.0.160.0/24', 5432), block('10.0.161.0/24', 5432)];
  const none: [string, string[]][] = [
    ['a database', problemsWith([database], ...both)],
    ['one among the pods', problemsWith([{ cidrs: ['10.0.16.0/20'], port: 5432 }], block('10.0.16.0/20', 5432))],
    ['the whole internet', problemsWith([{ cidrs: ['0.0.0.0/0'], port: 443 }], block('0.0.0.0/0', 443))],
    [
      'another service, by its load balancer',
      problemsWith([{ cidrs: ['10.0.0.0/24'], port: 443 }], block('10.0.0.0/24', 443)),
    ],
    [
      'two of which one contains the other',
      problemsWith([database, { cidrs: ['0.0.0.0/0'], port: 443 }], ...both, block('0.0.0.0/0', 443)),
    ],
  ];
  for (const [name, problems] of none) t.same(problems, [], name);
  const wrong: [string, string[], string][] = [
    [
      'half of it',
      problemsWith([database], ...both.slice(1)),
      'must let Deployment/api reach target-0 on TCP 5432, from',
    ],
    ['nothing of it', problemsWith([database]), 'must let Deployment/api reach target-0 on TCP 5432'],
    [
      'another port, too',
      problemsWith([database], ...both, block('10.0.160.0/24', 22)),
      'spec.egress[3]: must not let Deployment/api reach the rest of the VPC on TCP 22',
    ],
    [
      'a network beside it',
      problemsWith([database], ...both, block('10.0.162.0/24', 5432)),
      'must not let Deployment/api reach the rest of the VPC on TCP 5432',
    ],
    [
      'the other protocol',
      problemsWith([database], ...both, {
        to: [{ ipBlock: { cidr: '10.0.160.0/24' } }],
        ports: [{ protocol: 'UDP', port: 5432 }],
      }),
      'must not let Deployment/api reach the rest of the VPC on UDP 5432',
    ],
    [
      'the metadata service with it',
      problemsWith([{ cidrs: ['0.0.0.0/0'], port: 80 }], {
        to: [{ ipBlock: { cidr: '0.0.0.0/0' } }],
        ports: [{ port: 80 }],
      }),
      'must not let Deployment/api reach instance metadata on TCP 80',
    ],
  ];
  for (const [name, problems, expected] of wrong)
    t.ok(
      problems.some((problem) => problem.includes(expected)),
      `${name}\n${problems.join('\n')}`,
    );
  t.end();
});

t.test('where only some flows are asked for, others may be open', (t) => {
  const scraped = [{ from: 'Prometheus', to: 'Deployment/api', port: 'admin' }];
  const rules = (spec?: object): string[] => {
    const policies = spec === undefined ? [] : [policy({ podSelector: {}, policyTypes: ['Ingress'], ...spec })];
    return closedFlows([deployment(), ...policies], SURROUNDINGS, scraped).map(
      ({ object, rule }) => `${object} ${rule}`,
    );
  };
  t.same(rules(), [], 'no policy');
  t.same(rules({ ingress: [{}] }), []);
  t.same(rules({ ingress: [] }), ['NetworkPolicy/api must let Prometheus reach Deployment/api on TCP 9090']);
  t.same(rules({ ingress: [{ ports: [{ port: 8080 }] }] }).length, 1);
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
  const misnamed = requiredFlows('Deployment/apis');
  t.ok(
    reachabilityProblems([deployment(), policy(GOOD)], SURROUNDINGS, misnamed).some(
      ({ object, rule }) => object === 'Deployment/apis' && rule === 'missing, although a required flow names it',
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
