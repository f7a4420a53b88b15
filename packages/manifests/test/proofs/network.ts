import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { surroundingPeers } from '../../src/proofs/network-peers.ts';

const LABELS = { 'app.kubernetes.io/name': 'api' };
export const FACTS = {
  namespace: 'services',
  network: '10.0.0.0/16',
  loadBalancerNetworks: ['10.0.0.0/24', '10.0.1.0/24'],
  podNetworks: ['10.0.16.0/20', '10.0.32.0/20'],
};
export const SURROUNDINGS = { peers: surroundingPeers(FACTS), podNetworks: FACTS.podNetworks };

/** A service of ours, with its ports. */
export const deployment = (namespace = 'services', spec: object = {}): KubernetesObject => ({
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

export const policy = (spec: object, name = 'api', namespace = 'services'): KubernetesObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace },
  spec,
});

export const namespaced = (name: string): object => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
});
export const BALANCERS = FACTS.loadBalancerNetworks.map((cidr) => ({ ipBlock: { cidr } }));
/** Opens what the service needs, and nothing else. */
export const GOOD = {
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
