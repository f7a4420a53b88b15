import t from 'tap';
import { blocking, type Change } from '../../src/kubernetes/changes.ts';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { changes, ingress, object, rulesTo, shown, workload } from './objects.ts';

const autoscaler = object(
  'HorizontalPodAutoscaler',
  { spec: { scaleTargetRef: { kind: 'Deployment', name: 'api' }, minReplicas: 3 } },
  { apiVersion: 'autoscaling/v2' },
);

t.test('equal objects are no change, in any order of objects and keys', (t) => {
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

t.test('a change that replaces the load balancer stops, and says what is lost', (t) => {
  const dns = /new DNS name/;
  const targets = /target group is replaced/;
  const cases: [string, KubernetesObject[], KubernetesObject[], RegExp][] = [
    ['scheme', [ingress({ scheme: 'internal' })], [ingress({ scheme: 'internet-facing' })], dns],
    ['it joins a group', [ingress()], [ingress({ 'group.name': 'shared' })], dns],
    ['ingressClassName', [ingress()], [ingress({}, { spec: { ingressClassName: 'nginx' } })], dns],
    ['target-type', [ingress({ 'target-type': 'instance' })], [ingress({ 'target-type': 'ip' })], targets],
    ['backend-protocol-version', [ingress()], [ingress({ 'backend-protocol-version': 'HTTP2' })], targets],
    ['another backend', [ingress()], [ingress({}, { spec: rulesTo('other') })], targets],
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

t.test('every change of a pod template restarts pods, and is reported once', (t) => {
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
  const annotated = { ...free, metadata: { ...free.metadata, annotations: { 'gitops-platform/autoscaled': 'true' } } };
  t.match(find([fixed], [annotated, autoscaler]), {
    kind: 'replicas-handover',
    consequence: /begins with the pods that run$/,
  });
  const [settled] = [find([fixed, autoscaler], [free, autoscaler])];
  t.match(settled, { kind: 'replicas-handover' });
  t.notMatch(settled?.consequence, 'falls back');
  t.match(find([free, autoscaler], [fixed]), {
    kind: 'replicas-handover',
    consequence: /^Git owns the number of pods again.* to 3 at once/,
  });
  t.match(find([fixed], [free]), { kind: 'replicas-handover', consequence: /from 3 to 1/ });
  t.match(find([fixed], [workload({ replicas: 4 })]), { kind: 'change' });
  t.notOk([find([fixed], [free, autoscaler])].some((change) => change !== undefined && blocking(change)));
  t.end();
});

t.test('removing what holds state stops; removing anything else is reported', (t) => {
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
