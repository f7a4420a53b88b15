import t from 'tap';
import { operatedWorkloads } from '../../src/kubernetes/operated.ts';
import { podRequest } from '../../src/proofs/capacity/pods.ts';

const reloader = (name: string) => ({ name, resources: { requests: { cpu: '10m', memory: '32Mi' } } });

t.test('the operator makes a StatefulSet of each Prometheus and Alertmanager', (t) => {
  const [prometheus, alertmanager, ...others] = operatedWorkloads([
    {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'Prometheus',
      metadata: { name: 'kps', namespace: 'monitoring' },
      spec: {
        replicas: 2,
        portName: 'http-web',
        resources: { requests: { cpu: '100m', memory: '1Gi' } },
        containers: [reloader('config-reloader'), { name: 'proxy' }],
        initContainers: [reloader('init-config-reloader')],
      },
    },
    { apiVersion: 'monitoring.coreos.com/v1', kind: 'Alertmanager', metadata: { name: 'kps' }, spec: {} },
    { apiVersion: 'monitoring.coreos.com/v1', kind: 'ServiceMonitor', metadata: { name: 'kps' } },
    { apiVersion: 'example.com/v1', kind: 'Prometheus', metadata: { name: 'of-somebody-else' } },
  ]);
  t.same(others, []);
  t.match(prometheus, {
    kind: 'StatefulSet',
    metadata: { name: 'prometheus-kps', namespace: 'monitoring' },
    spec: {
      replicas: 2,
      template: {
        metadata: { labels: { 'app.kubernetes.io/name': 'prometheus', 'operator.prometheus.io/name': 'kps' } },
        spec: {
          containers: [
            { name: 'prometheus', ports: [{ name: 'http-web', containerPort: 9090 }] },
            { name: 'config-reloader', ports: [{ name: 'reloader-web' }], resources: { requests: { memory: '32Mi' } } },
            { name: 'proxy' },
          ],
        },
      },
    },
  });
  t.same(podRequest(prometheus?.spec?.template?.spec ?? {}), { cpu: 110, memory: 1056, pods: 1 });
  t.match(alertmanager?.metadata.name, 'alertmanager-kps');
  t.same(
    alertmanager?.spec?.template?.spec?.containers?.[0]?.ports?.map(({ name }) => name),
    ['web', 'mesh-tcp', 'mesh-udp'],
  );
  t.equal(alertmanager?.spec?.replicas, 1);
  t.end();
});
