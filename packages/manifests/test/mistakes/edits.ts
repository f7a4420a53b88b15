import type { Mistake } from './slip.ts';
import { arm64Nodes, dev, honest, production, shared } from './slip.ts';

const egress = (name: string, cidr: string, port: number): string =>
  `networkPolicy:\n  egress:\n    ${name}: {cidrs: [${cidr}], port: ${port}}\nzoneSpread:`;

const internal = { file: shared, from: 'scheme: internet-facing', to: 'scheme: internal' };

/** Edits that are right, beside those of docs/guides/common-changes.md. */
export const EDITS: readonly Mistake[] = [
  honest('a database among the nodes', {
    file: production,
    from: 'zoneSpread:',
    to: egress('database', '10.2.0.0/19', 5432),
  }),
  honest('an API on the internet', { file: production, from: 'zoneSpread:', to: egress('payments', '0.0.0.0/0', 443) }),
  honest('another service, by its load balancer', {
    file: production,
    from: 'zoneSpread:',
    to: egress('orders', '10.2.128.0/24, 10.2.129.0/24, 10.2.130.0/24', 443),
  }),
  honest('a way out of all clusters, and one more in one of them', [
    {
      file: shared,
      from: 'ingress:',
      to: 'networkPolicy:\n  egress:\n    database: {cidrs: [192.0.2.0/24], port: 5432}\ningress:',
    },
    {
      file: dev,
      from: 'host:',
      to: 'networkPolicy:\n  egress:\n    payments: {cidrs: [203.0.113.0/24], port: 443}\nhost:',
    },
  ]),
  honest('a wildcard beside a host', {
    file: production,
    from: 'zoneSpread:',
    to: 'additionalHosts: ["*.networks.example.com"]\nzoneSpread:',
  }),
  honest('settings of the service for all clusters, and another value for one', [
    {
      file: shared,
      from: 'ingress:',
      to: 'environment:\n  CACHE_MAX_BYTES: "50000000"\n  LOAD_SHEDDING: "off"\ningress:',
    },
    { file: dev, from: 'host:', to: 'environment:\n  LOAD_SHEDDING: "on"\nhost:' },
  ]),
  honest('internal load balancers everywhere', internal),
  honest('arm64 nodes in production', arm64Nodes('production')),
];
