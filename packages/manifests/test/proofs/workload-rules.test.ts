import t from 'tap';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { workloadProblems, workloadRules } from '../../src/proofs/workload-rules.ts';
import { ALB, application, broken, GONE, object } from './application.ts';
import { RULE_MISTAKES } from './rule-mistakes.ts';

const FACTS = { keepAliveSeconds: 72 };
const annotation = (name: string): string => `metadata annotations ${ALB}${name}`;
const CONTAINER = 'spec template spec containers 0';

t.test('an application as it should be breaks no rule', (t) => {
  t.same(workloadProblems(application(), FACTS), []);
  t.end();
});

t.test('each mistake breaks its rule, at its place', (t) => {
  t.equal(RULE_MISTAKES.length, 78);
  for (const { rule: name, kind, path, value, place } of RULE_MISTAKES) {
    const rule = workloadRules(FACTS).find((candidate) => candidate.name === name);
    const places = (rule?.check(broken(kind, path, value)) ?? []).map((problem) =>
      `${problem.object} ${problem.path}`.trim(),
    );
    t.ok(places.includes(place), `${name}: ${kind} ${path}: ${places.join(', ')}`);
  }
  t.end();
});

t.test('every rule has a mistake that breaks it, a name of its own and a reason', (t) => {
  const rules = workloadRules(FACTS);
  t.same(rules.map(({ name }) => name).sort(), [...new Set(RULE_MISTAKES.map(({ rule }) => rule))].sort());
  t.ok(rules.every(({ intent }) => intent.endsWith('.')));
  t.end();
});

t.test('what may be otherwise breaks no rule', (t) => {
  const allowed: [string, string, unknown][] = [
    ['Ingress', annotation('healthcheck-port'), 'metrics'],
    ['Ingress', annotation('load-balancer-attributes'), GONE],
    [
      'Ingress',
      annotation('target-group-attributes'),
      'deregistration_delay.timeout_seconds=5,slow_start.duration_seconds=30',
    ],
    ['NetworkPolicy', 'spec podSelector', {}],
    ['Deployment', `${CONTAINER} resources limits cpu`, '1'],
    ['Deployment', `${CONTAINER} resources limits memory`, '0.25Gi'],
    ['Deployment', `${CONTAINER} env 0`, { name: 'DRAIN_SECONDS', value: '4' }],
    ['PodDisruptionBudget', 'spec maxUnavailable', '25%'],
  ];
  for (const [kind, path, value] of allowed)
    t.same(workloadProblems(broken(kind, path, value), FACTS), [], `${kind} ${path}`);
  t.end();
});

t.test('an HTTPRoute replaces an Ingress, never both', (t) => {
  const route = object('gateway.networking.k8s.io/v1', 'HTTPRoute', {
    spec: { rules: [{ backendRefs: [{ name: 'api', port: 80 }] }] },
  });
  const others = application().filter(({ kind }) => kind !== 'Ingress');
  t.same(workloadProblems([...others, route], FACTS), []);
  t.match(workloadProblems([...application(), route], FACTS), [
    { object: 'Service/api', rule: /one entry point.*Ingress\/api and HTTPRoute\/api/ },
  ]);
  const astray = object('gateway.networking.k8s.io/v1', 'HTTPRoute', {
    spec: { rules: [{ backendRefs: [{ name: 'api', port: 8080 }] }] },
  });
  t.match(workloadProblems([...others, astray], FACTS), [{ object: 'HTTPRoute/api', rule: /a port of Service\/api/ }]);
  t.end();
});

t.test('a cluster without load balancers has no entry point', (t) => {
  const inside = { ...FACTS, isExposed: false };
  t.same(
    workloadProblems(
      application().filter(({ kind }) => kind !== 'Ingress'),
      inside,
    ),
    [],
  );
  t.match(workloadProblems(application(), inside), [{ object: 'Ingress/api', rule: /no load balancers/ }]);
  t.end();
});

t.test('without an autoscaler the number of pods is in Git', (t) => {
  const withoutAutoscaler = (objects: KubernetesObject[]): KubernetesObject[] =>
    objects.filter(({ kind }) => kind !== 'HorizontalPodAutoscaler');
  t.match(workloadProblems(withoutAutoscaler(application()), FACTS), [{ rule: /must be absent without/ }]);
  const fixed = (replicas: number): KubernetesObject[] => {
    const objects = withoutAutoscaler(broken('Deployment', 'spec replicas', replicas));
    for (const { kind, metadata } of objects)
      if (kind === 'Deployment') Reflect.deleteProperty(metadata, 'annotations');
    return objects;
  };
  t.same(workloadProblems(fixed(2), FACTS), []);
  t.match(workloadProblems(fixed(1), FACTS), [{ object: 'PodDisruptionBudget/api', rule: /may have a single pod/ }]);
  t.end();
});

t.test('an application without workloads is not meant', (t) => {
  t.same(
    workloadProblems(
      [{ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata: { name: 'services' } }],
      FACTS,
    ),
    [],
  );
  t.end();
});
