import t from 'tap';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { monitorProblems, scrapedPorts } from '../../src/proofs/monitors.ts';
import { object, SELECTOR } from './application.ts';

const in_ = (namespace: string, made: KubernetesObject): KubernetesObject => ({
  ...made,
  metadata: { ...made.metadata, namespace },
});
const service = (name: string, ports: readonly string[], selector: object = SELECTOR): KubernetesObject => ({
  ...in_(
    'apps',
    object('v1', 'Service', { spec: { selector, ports: ports.map((port) => ({ name: port, port: 9090 })) } }),
  ),
  metadata: { name, namespace: 'apps', labels: SELECTOR },
});
const OBJECTS = [
  service('api', ['http', 'admin']),
  in_(
    'apps',
    object('apps/v1', 'Deployment', {
      spec: {
        template: {
          metadata: { labels: SELECTOR },
          spec: { containers: [{ name: 'api', ports: [{ name: 'metrics', containerPort: 9090 }] }] },
        },
      },
    }),
  ),
];

const serviceMonitor = (rest: object = {}): KubernetesObject =>
  in_(
    'monitoring',
    object('monitoring.coreos.com/v1', 'ServiceMonitor', {
      spec: {
        namespaceSelector: { any: true },
        selector: { matchLabels: SELECTOR },
        endpoints: [{ port: 'admin', path: '/metrics' }],
        ...rest,
      },
    }),
  );
const podMonitor = (port: string): KubernetesObject =>
  in_(
    'monitoring',
    object('monitoring.coreos.com/v1', 'PodMonitor', {
      spec: {
        namespaceSelector: { matchNames: ['apps'] },
        selector: { matchLabels: SELECTOR },
        podMetricsEndpoints: [{ port }],
      },
    }),
  );

t.test('monitors of a Service and of pods that are there', (t) => {
  t.strictSame(monitorProblems([serviceMonitor(), podMonitor('metrics')], { objects: OBJECTS }), []);
  t.end();
});

t.test('a monitor that scrapes nothing', (t) => {
  const wrong: readonly [string, KubernetesObject, string][] = [
    ['another label', serviceMonitor({ selector: { matchLabels: { app: 'apis' } } }), 'spec.selector'],
    ['an empty selector', serviceMonitor({ selector: {} }), 'spec.selector'],
    ['its own namespace', serviceMonitor({ namespaceSelector: {} }), 'spec.selector'],
    ['another namespace', serviceMonitor({ namespaceSelector: { matchNames: ['app'] } }), 'spec.selector'],
    ['another port', serviceMonitor({ endpoints: [{ port: 'metrics' }] }), 'spec.endpoints[0].port'],
    ['another path', serviceMonitor({ endpoints: [{ port: 'admin', path: '/metric' }] }), 'spec.endpoints[0].path'],
    ['a port that the pods lack', podMonitor('admin'), 'spec.podMetricsEndpoints[0].port'],
  ];
  for (const [name, monitor, path] of wrong)
    t.match(monitorProblems([monitor], { objects: OBJECTS }), [{ object: `${monitor.kind}/api`, path }], name);
  t.end();
});

t.test('two Services of the same pods are scraped twice', (t) => {
  const objects = [...OBJECTS, service('headless', ['admin'])];
  t.match(monitorProblems([serviceMonitor()], { objects }), [{ path: 'spec.selector', rule: /same pods/ }]);
  t.strictSame(monitorProblems([serviceMonitor()], { objects: [...OBJECTS, service('other', ['http'])] }), []);
  t.end();
});

t.test('an Application that does not render may have the target', (t) => {
  const lost = serviceMonitor({ selector: { matchLabels: { app: 'other' } } });
  t.strictSame(monitorProblems([lost], { objects: OBJECTS, isUnknownElsewhere: true }), []);
  const monitor = serviceMonitor({ namespaceSelector: { matchNames: ['argocd'] } });
  t.strictSame(monitorProblems([monitor], { objects: OBJECTS, unknownNamespaces: ['argocd'] }), []);
  t.end();
});

t.test('the ports of pods that are scraped, by their Service or by themselves', (t) => {
  const scraped = (monitor: KubernetesObject): string[] =>
    scrapedPorts([...OBJECTS, monitor]).map(
      ({ workload, port }) => `${workload.kind}/${workload.metadata.name} ${port}`,
    );
  t.same(scraped(serviceMonitor()), ['Deployment/api 9090'], 'the target port of the Service');
  t.same(scraped(podMonitor('metrics')), ['Deployment/api metrics']);
  t.same(scraped(serviceMonitor({ endpoints: [{ port: 'other' }] })), [], 'reported where monitors are checked');
  t.end();
});
