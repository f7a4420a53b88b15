import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import type { TargetTable } from '@gitops/front-door';
import { frontDoorProblems, readTargets, serviceAddresses } from '../src/front-door.ts';
import { PORT_NAMES, type Ports } from '../src/ports.ts';

const portsWith = (given: Partial<Ports>): Ports =>
  ({ ...Object.fromEntries(PORT_NAMES.map((name) => [name, 1])), ...given }) as Ports;

const target = { pod: 'shop/a', node: 'machine-a', ip: '192.0.2.1', port: 8080, address: '127.1.1.1' };
const counts = { since: '2026-01-01T00:00:00Z', isRoutable: true, running: 0, requests: 1 };

const table: TargetTable = {
  loadBalancers: [{ name: 'shop/web', hosts: ['web.localhost', '*.web.localhost'] }],
  targetGroups: [
    {
      ...{ name: 'k8s-shop-web-1', ingress: 'shop/web', service: 'shop/web' },
      targets: [
        { ...target, ...counts, state: 'healthy', reason: undefined, description: undefined },
        {
          ...target,
          ...counts,
          pod: 'shop/b',
          state: 'unhealthy',
          reason: 'Target.Timeout',
          description: 'Request timed out',
        },
      ],
    },
  ],
  problems: ['Ingress shop/other is not taken over: target-type must be ip'],
};

t.test('a service has the addresses of its hosts', (t) => {
  t.strictSame(serviceAddresses(table, portsWith({ 'front-door': 8080 })), ['http://web.localhost:8080']);
  t.end();
});

t.test('status tells unhealthy pods, refused Ingresses, and a front door that is gone', (t) => {
  t.strictSame(frontDoorProblems(table), [
    'front door: Ingress shop/other is not taken over: target-type must be ip',
    'front door: pod shop/b is unhealthy: Request timed out',
  ]);
  t.match(frontDoorProblems(undefined), [/does not answer.*new pods.*stay unready/]);
  t.end();
});

t.test('the table is read from the admin port', async (t) => {
  const server = createServer((_, response) => response.end(JSON.stringify(table)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  t.match(await readTargets(portsWith({ 'front-door-admin': port })), { loadBalancers: table.loadBalancers });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  t.equal(await readTargets(portsWith({ 'front-door-admin': port })), undefined);
});
