import t from 'tap';
import { blocking, type Change, upgradeChanges } from '../../src/kubernetes/changes.ts';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';

interface Head {
  readonly apiVersion?: string;
  readonly name?: string;
  readonly annotations?: Record<string, string>;
}
const object = (
  kind: string,
  fields: object = {},
  { apiVersion = 'v1', name = 'api', annotations }: Head = {},
): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(annotations === undefined ? {} : { annotations }) },
  ...fields,
});
const workload = (spec: object, kind = 'Deployment'): KubernetesObject =>
  object(kind, { spec }, { apiVersion: 'apps/v1' });
const ingress = (
  annotations: Record<string, string> = {},
  { name = 'api', spec = {} }: { name?: string; spec?: object } = {},
): KubernetesObject =>
  object(
    'Ingress',
    {
      spec: {
        ingressClassName: 'alb',
        rules: [{ http: { paths: [{ path: '/', backend: { service: { name: 'api', port: { name: 'http' } } } }] } }],
        ...spec,
      },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      name,
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`alb.ingress.kubernetes.io/${key}`, value]),
      ),
    },
  );
const autoscaler = object(
  'HorizontalPodAutoscaler',
  { spec: { scaleTargetRef: { kind: 'Deployment', name: 'api' }, minReplicas: 3 } },
  { apiVersion: 'autoscaling/v2' },
);

const changes = (
  before: KubernetesObject | KubernetesObject[],
  after: KubernetesObject | KubernetesObject[],
): Change[] => upgradeChanges([before].flat(), [after].flat());
const shown = (list: readonly Change[]): string[] =>
  list.map((change) => `${blocking(change) ? 'STOP ' : ''}${change.kind} ${change.object} ${change.path}`.trim());

t.test('what is equal is no change, whatever the order of objects and keys', (t) => {
  t.same(
    shown(changes(object('Pod'), object('Pod', {}, { annotations: { a: '1', b: '2' } }))),
    ['change Pod/api metadata.annotations.a', 'change Pod/api metadata.annotations.b'],
    'but for what a map that comes has in it',
  );
  const both = [workload({ replicas: 2, template: { a: 1, b: [1, { c: 2 }] } }), ingress({ scheme: 'internal' })];
  t.same(
    changes(both, [ingress({ scheme: 'internal' }), workload({ template: { b: [1, { c: 2 }], a: 1 }, replicas: 2 })]),
    [],
  );
  t.end();
});

t.test('immutable fields stop', (t) => {
  const immutable: [string, KubernetesObject, KubernetesObject, string][] = [
    [
      'selector',
      workload({ selector: { matchLabels: { app: 'a' } } }),
      workload({ selector: { matchLabels: { app: 'b' } } }),
      'Deployment/api spec.selector.matchLabels.app',
    ],
    [
      'selector of a DaemonSet',
      workload({ selector: { a: 1 } }, 'DaemonSet'),
      workload({ selector: { a: 2 } }, 'DaemonSet'),
      'DaemonSet/api spec.selector.a',
    ],
    [
      'StatefulSet: serviceName',
      workload({ serviceName: 'a' }, 'StatefulSet'),
      workload({ serviceName: 'b' }, 'StatefulSet'),
      'StatefulSet/api spec.serviceName',
    ],
    [
      'StatefulSet: a claim template',
      workload({ volumeClaimTemplates: [{ spec: { size: 1 } }] }, 'StatefulSet'),
      workload({ volumeClaimTemplates: [{ spec: { size: 2 } }] }, 'StatefulSet'),
      'StatefulSet/api spec.volumeClaimTemplates[0].spec.size',
    ],
    [
      'StatefulSet: podManagementPolicy',
      workload({}, 'StatefulSet'),
      workload({ podManagementPolicy: 'Parallel' }, 'StatefulSet'),
      'StatefulSet/api spec.podManagementPolicy',
    ],
    [
      'clusterIP',
      object('Service', { spec: { clusterIP: '172.20.0.1' } }),
      object('Service', { spec: { clusterIP: 'None' } }),
      'Service/api spec.clusterIP',
    ],
    [
      'Job',
      object('Job', { spec: { template: { a: 1 } } }, { apiVersion: 'batch/v1' }),
      object('Job', { spec: { template: { a: 2 } } }, { apiVersion: 'batch/v1' }),
      'Job/api spec.template.a',
    ],
    [
      'a claim shrinks',
      object('PersistentVolumeClaim', { spec: { resources: { requests: { storage: '10Gi' } } } }),
      object('PersistentVolumeClaim', { spec: { resources: { requests: { storage: '9Gi' } } } }),
      'PersistentVolumeClaim/api spec.resources.requests.storage',
    ],
    [
      'a claim of another class',
      object('PersistentVolumeClaim', { spec: { storageClassName: 'gp2' } }),
      object('PersistentVolumeClaim', { spec: { storageClassName: 'gp3' } }),
      'PersistentVolumeClaim/api spec.storageClassName',
    ],
    [
      'an immutable ConfigMap',
      object('ConfigMap', { immutable: true, data: { A: '1' } }),
      object('ConfigMap', { immutable: true, data: { A: '2' } }),
      'ConfigMap/api data.A',
    ],
    [
      'an immutable Secret becomes mutable',
      object('Secret', { immutable: true }),
      object('Secret'),
      'Secret/api immutable',
    ],
    [
      'the type of a Secret',
      object('Secret', { type: 'Opaque' }),
      object('Secret', { type: 'kubernetes.io/tls' }),
      'Secret/api type',
    ],
    [
      'roleRef',
      object('RoleBinding', { roleRef: { name: 'a' } }, { apiVersion: 'rbac.authorization.k8s.io/v1' }),
      object('RoleBinding', { roleRef: { name: 'b' } }, { apiVersion: 'rbac.authorization.k8s.io/v1' }),
      'RoleBinding/api roleRef.name',
    ],
    [
      'provisioner',
      object('StorageClass', { provisioner: 'a' }, { apiVersion: 'storage.k8s.io/v1' }),
      object('StorageClass', { provisioner: 'b' }, { apiVersion: 'storage.k8s.io/v1' }),
      'StorageClass/api provisioner',
    ],
  ];
  for (const [name, before, after, path] of immutable)
    t.same(shown(changes(before, after)), [`STOP immutable ${path}`], name);
  t.end();
});

t.test('what looks immutable and may change', (t) => {
  const mutable: [string, KubernetesObject, KubernetesObject][] = [
    [
      'a claim grows',
      object('PersistentVolumeClaim', { spec: { resources: { requests: { storage: '900Mi' } } } }),
      object('PersistentVolumeClaim', { spec: { resources: { requests: { storage: '1Gi' } } } }),
    ],
    ['a ConfigMap', object('ConfigMap', { data: { A: '1' } }), object('ConfigMap', { data: { A: '2' } })],
    [
      'a ConfigMap becomes immutable',
      object('ConfigMap', { data: { A: '1' } }),
      object('ConfigMap', { data: { A: '1' }, immutable: true }),
    ],
    [
      'a Service whose address is left to the API server',
      object('Service', { spec: { clusterIP: '172.20.0.1' } }),
      object('Service', { spec: {} }),
    ],
    [
      'a Service that was an ExternalName',
      object('Service', { spec: { type: 'ExternalName', clusterIP: '' } }),
      object('Service', { spec: { type: 'ExternalName', clusterIP: 'None' } }),
    ],
    [
      'a hook, which Argo CD makes anew',
      object(
        'Job',
        { spec: { template: { a: 1 } } },
        { apiVersion: 'batch/v1', annotations: { 'argocd.argoproj.io/hook': 'PostSync' } },
      ),
      object(
        'Job',
        { spec: { template: { a: 2 } } },
        { apiVersion: 'batch/v1', annotations: { 'argocd.argoproj.io/hook': 'PostSync' } },
      ),
    ],
    ['StatefulSet: replicas', workload({ replicas: 1 }, 'StatefulSet'), workload({ replicas: 2 }, 'StatefulSet')],
  ];
  for (const [name, before, after] of mutable)
    t.same(
      changes(before, after).map(({ kind }) => kind),
      ['change'],
      name,
    );
  t.end();
});

t.test('a change that replaces the load balancer stops, and says what is lost', (t) => {
  const dns = /new DNS name/;
  const targets = /target group is made anew/;
  const cases: [string, KubernetesObject[], KubernetesObject[], RegExp][] = [
    ['scheme', [ingress({ scheme: 'internal' })], [ingress({ scheme: 'internet-facing' })], dns],
    ['it joins a group', [ingress()], [ingress({ 'group.name': 'shared' })], dns],
    ['ingressClassName', [ingress()], [ingress({}, { spec: { ingressClassName: 'nginx' } })], dns],
    ['target-type', [ingress({ 'target-type': 'instance' })], [ingress({ 'target-type': 'ip' })], targets],
    ['backend-protocol-version', [ingress()], [ingress({ 'backend-protocol-version': 'HTTP2' })], targets],
    [
      'another backend',
      [ingress()],
      [
        ingress(
          {},
          {
            spec: {
              rules: [
                { http: { paths: [{ path: '/', backend: { service: { name: 'other', port: { name: 'http' } } } }] } },
              ],
            },
          },
        ),
      ],
      targets,
    ],
    [
      'the annotation on a Service',
      [object('Service')],
      [object('Service', {}, { annotations: { 'alb.ingress.kubernetes.io/target-type': 'ip' } })],
      targets,
    ],
    ['removed', [ingress()], [], /DNS name with it/],
    [
      'removed, as the last of its group',
      [ingress({ 'group.name': 'g' }), ingress({ 'group.name': 'h' }, { name: 'b' })],
      [ingress({ 'group.name': 'h' }, { name: 'b' })],
      /DNS name with it/,
    ],
    [
      'the Gateway is of another class',
      [object('Gateway', { spec: { gatewayClassName: 'a' } }, { apiVersion: 'gateway.networking.k8s.io/v1' })],
      [object('Gateway', { spec: { gatewayClassName: 'b' } }, { apiVersion: 'gateway.networking.k8s.io/v1' })],
      dns,
    ],
  ];
  for (const [name, before, after, consequence] of cases)
    t.match(changes(before, after), [{ kind: 'load-balancer-replaced', consequence }], name);
  t.ok(cases.every(([, before, after]) => changes(before, after).every(blocking)));

  const renamed = changes([ingress()], [ingress({}, { name: 'web' })]);
  t.same(shown(renamed), ['STOP load-balancer-replaced Ingress/api', 'change Ingress/web'], 'another name');
  t.same(
    shown(
      changes(
        [ingress({ 'group.name': 'g' }), ingress({ 'group.name': 'g' }, { name: 'b' })],
        [ingress({ 'group.name': 'g' })],
      ),
    ),
    ['removed Ingress/b'],
    'the others of the group keep it',
  );
  t.same(
    shown(changes(ingress({ idle_timeout: '1' }), ingress({ idle_timeout: '2' }))),
    ['change Ingress/api metadata.annotations[alb.ingress.kubernetes.io/idle_timeout]'],
    'changed in place',
  );
  t.match(changes(ingress({ 'load-balancer-name': 'a' }), ingress({ 'load-balancer-name': 'b' })), [
    { kind: 'change', consequence: /keeps its name/ },
  ]);
  t.end();
});

t.test('every change of a pod template restarts pods, and is told once', (t) => {
  const template = (env: object[], image = 'a'): object => ({
    template: { spec: { containers: [{ name: 'api', image, env }] } },
  });
  const a = { name: 'A', value: '1' };
  const b = { name: 'B', value: '2' };
  const path = 'spec.template.spec.containers[api]';
  for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'])
    t.same(shown(changes(workload(template([a]), kind), workload(template([a], 'b'), kind))), [
      `pod-restart ${kind}/api ${path}.image`,
    ]);
  t.same(
    shown(changes(workload(template([a])), workload(template([b, a])))),
    [`pod-restart Deployment/api ${path}.env[B]`],
    'an entry before the others',
  );
  t.same(
    shown(changes(workload(template([a, b])), workload(template([b, a])))),
    [`pod-restart Deployment/api ${path}.env`],
    'another order alone',
  );
  t.match(changes(workload(template([a])), workload(template([{ ...a, value: '3' }]))), [{ before: '1', after: '3' }]);
  t.match(changes(object('ConfigMap', { data: { A: '1' } }), object('ConfigMap', { data: { A: '2' } })), [
    { consequence: /until they restart/ },
  ]);
  t.end();
});

t.test('the number of pods changes hands', (t) => {
  const [fixed, free] = [workload({ replicas: 3 }), workload({})];
  const find = (before: KubernetesObject[], after: KubernetesObject[]): Change | undefined =>
    changes(before, after).find(({ path }) => path === 'spec.replicas');
  t.match(find([fixed], [free, autoscaler]), {
    kind: 'replicas-handover',
    consequence: /falls back to 1 pod until .* asks for 3/,
  });
  const [settled] = [find([fixed, autoscaler], [free, autoscaler])];
  t.match(settled, { kind: 'replicas-handover' });
  t.notMatch(settled?.consequence, 'falls back');
  t.match(find([free, autoscaler], [fixed]), {
    kind: 'replicas-handover',
    consequence: /belongs to Git again.* to 3 at once/,
  });
  t.match(find([fixed], [free]), { kind: 'replicas-handover', consequence: /from 3 to 1/ });
  t.match(find([fixed], [workload({ replicas: 4 })]), { kind: 'change' });
  t.notOk([find([fixed], [free, autoscaler])].some((change) => change !== undefined && blocking(change)));
  t.end();
});

t.test('removing what holds state stops; removing anything else is told', (t) => {
  const stateful = [
    object('PersistentVolumeClaim'),
    object('Namespace'),
    object('CustomResourceDefinition', {}, { apiVersion: 'apiextensions.k8s.io/v1' }),
    workload({}, 'StatefulSet'),
  ];
  for (const removed of stateful) t.same(shown(changes(removed, [])), [`STOP removed ${removed.kind}/api`]);
  t.same(
    shown(
      changes(
        [object('ConfigMap', {}, { name: 'old' }), object('Service')],
        [object('ConfigMap', {}, { name: 'new' })],
      ),
    ),
    ['removed ConfigMap/old', 'removed Service/api', 'change ConfigMap/new'],
  );
  t.end();
});

t.test('an object is the same across versions of its group, and another one in another namespace', (t) => {
  t.same(
    shown(
      changes(
        object('HorizontalPodAutoscaler', {}, { apiVersion: 'autoscaling/v1' }),
        object('HorizontalPodAutoscaler', {}, { apiVersion: 'autoscaling/v2' }),
      ),
    ),
    ['change HorizontalPodAutoscaler/api apiVersion'],
  );
  const elsewhere: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'api', namespace: 'b' },
  };
  t.same(shown(changes({ ...elsewhere, metadata: { name: 'api', namespace: 'a' } }, elsewhere)), [
    'STOP removed PersistentVolumeClaim/api',
    'change PersistentVolumeClaim/api',
  ]);
  t.end();
});
