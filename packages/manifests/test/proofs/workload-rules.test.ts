import t from 'tap';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { workloadProblems, workloadRules } from '../../src/proofs/workload-rules.ts';

const FACTS = { keepAliveSeconds: 72 };
const SELECTOR = { 'app.kubernetes.io/name': 'api', 'app.kubernetes.io/instance': 'api' };
const DIGEST = `sha256:${'a'.repeat(64)}`;
const ALB = 'alb.ingress.kubernetes.io/';

const object = (apiVersion: string, kind: string, rest: object, annotations: object = {}): KubernetesObject =>
  structuredClone({
    apiVersion,
    kind,
    metadata: { name: 'api', labels: SELECTOR, annotations },
    ...rest,
  }) as KubernetesObject;

const CONTAINER = {
  name: 'api',
  image: `registry.invalid/team/api:1.0.0@${DIGEST}`,
  imagePullPolicy: 'IfNotPresent',
  envFrom: [{ configMapRef: { name: 'api' } }, { secretRef: { name: 'api-secrets' } }],
  env: [{ name: 'NODE_NAME' }],
  ports: [
    { name: 'http', containerPort: 8080 },
    { name: 'admin', containerPort: 9090 },
  ],
  startupProbe: { httpGet: { path: '/livez', port: 'admin' } },
  livenessProbe: { httpGet: { path: '/livez', port: 'admin' }, periodSeconds: 10, failureThreshold: 3 },
  readinessProbe: { httpGet: { path: '/readyz', port: 'admin' }, timeoutSeconds: 2 },
  lifecycle: { preStop: { sleep: { seconds: 25 } } },
  resources: {
    requests: { cpu: '250m', memory: '256Mi', 'ephemeral-storage': '64Mi' },
    limits: { memory: '256Mi', 'ephemeral-storage': '64Mi' },
  },
};

/** An application as it should be. */
const application = (): KubernetesObject[] => [
  object('apps/v1', 'Deployment', {
    spec: {
      minReadySeconds: 10,
      progressDeadlineSeconds: 120,
      strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: SELECTOR },
      template: {
        metadata: { labels: SELECTOR, annotations: { 'checksum/config': 'abc' } },
        spec: {
          serviceAccountName: 'api',
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 35,
          topologySpreadConstraints: [{ topologyKey: 'zone', labelSelector: { matchLabels: SELECTOR } }],
          containers: [CONTAINER],
          volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '64Mi' } }],
        },
      },
    },
  }),
  object('v1', 'Service', {
    spec: {
      selector: SELECTOR,
      ports: [
        { name: 'http', port: 80, targetPort: 'http' },
        { name: 'metrics', port: 9090, targetPort: 'admin' },
      ],
    },
  }),
  object('v1', 'ConfigMap', {
    data: { DRAIN_SECONDS: '5', LOG_LEVEL: 'info', TOKEN_TTL_SECONDS: '60', DOCS: 'https://docs.example.com/a:b@c' },
  }),
  object('v1', 'ServiceAccount', { automountServiceAccountToken: false }),
  object('external-secrets.io/v1', 'ExternalSecret', { spec: { target: { name: 'api-secrets' } } }),
  object(
    'networking.k8s.io/v1',
    'Ingress',
    {
      spec: {
        ingressClassName: 'alb',
        rules: [{ http: { paths: [{ path: '/', backend: { service: { name: 'api', port: { name: 'http' } } } }] } }],
      },
    },
    {
      [`${ALB}target-type`]: 'ip',
      [`${ALB}target-group-attributes`]:
        'deregistration_delay.timeout_seconds=20,load_balancing.algorithm.type=least_outstanding_requests',
      [`${ALB}load-balancer-attributes`]: 'idle_timeout.timeout_seconds=60',
      [`${ALB}healthcheck-path`]: '/readyz',
      [`${ALB}healthcheck-port`]: '9090',
      [`${ALB}healthcheck-interval-seconds`]: '10',
      [`${ALB}healthcheck-timeout-seconds`]: '5',
    },
  ),
  object('autoscaling/v2', 'HorizontalPodAutoscaler', {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'api' },
      minReplicas: 2,
      maxReplicas: 4,
      metrics: [
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'api', target: { type: 'Utilization', averageUtilization: 65 } },
        },
      ],
    },
  }),
  object('policy/v1', 'PodDisruptionBudget', {
    spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: SELECTOR } },
  }),
  object('networking.k8s.io/v1', 'NetworkPolicy', { spec: { podSelector: { matchLabels: SELECTOR } } }),
  object('monitoring.coreos.com/v1', 'ServiceMonitor', {
    spec: { selector: { matchLabels: SELECTOR }, endpoints: [{ port: 'metrics', path: '/metrics' }] },
  }),
];

const GONE = Symbol('gone');

/** The application with one value changed; keys are separated by blanks, since they have dots and slashes in them. */
function broken(kind: string, path: string, value: unknown): KubernetesObject[] {
  const objects = application();
  const keys = path.split(' ');
  let inner = objects.find((candidate) => candidate.kind === kind) as Record<string, unknown> | undefined;
  for (const key of keys.slice(0, -1)) inner = inner?.[key] as Record<string, unknown> | undefined;
  const last = keys.at(-1) ?? '';
  if (inner === undefined) throw new Error(`${kind} has no ${path}`);
  if (value === GONE) Reflect.deleteProperty(inner, last);
  else inner[last] = value;
  return objects;
}

const annotation = (name: string): string => `metadata annotations ${ALB}${name}`;
const POD = 'spec template spec';
const C = `${POD} containers 0`;
const CP = 'spec.template.spec.containers[api]';

/**
 * Rule, kind of object, where, what to, and the place that is told; the object's own kind unless another one is named.
 */
const MISTAKES: [rule: string, kind: string, path: string, value: unknown, place: string][] = [
  ['target-ports', 'Service', 'spec ports 0 targetPort', 'web', 'Service/api spec.ports[http].targetPort'],
  ['target-ports', 'Service', 'spec ports 0 targetPort', GONE, 'Service/api spec.ports[http].targetPort'],
  ['selectors', 'Service', 'spec selector app.kubernetes.io/name', 'apis', 'Service/api spec.selector'],
  [
    'selectors',
    'PodDisruptionBudget',
    'spec selector matchLabels app.kubernetes.io/name',
    'apis',
    'PodDisruptionBudget/api spec.selector',
  ],
  ['selectors', 'PodDisruptionBudget', 'spec selector', GONE, 'PodDisruptionBudget/api spec.selector'],
  [
    'selectors',
    'NetworkPolicy',
    'spec podSelector matchLabels app.kubernetes.io/name',
    'apis',
    'NetworkPolicy/api spec.podSelector',
  ],
  [
    'selectors',
    'HorizontalPodAutoscaler',
    'spec scaleTargetRef name',
    'apis',
    'HorizontalPodAutoscaler/api spec.scaleTargetRef',
  ],
  [
    'selectors',
    'HorizontalPodAutoscaler',
    'spec scaleTargetRef apiVersion',
    'apps/v1beta1',
    'HorizontalPodAutoscaler/api spec.scaleTargetRef',
  ],
  [
    'selectors',
    'Deployment',
    `${POD} topologySpreadConstraints 0 labelSelector`,
    {},
    'Deployment/api spec.template.spec.topologySpreadConstraints[zone].labelSelector',
  ],
  ['selectors', 'Deployment', 'spec selector matchLabels', { a: 'b' }, 'Deployment/api spec.selector'],
  [
    'references',
    'Deployment',
    `${C} envFrom 0 configMapRef name`,
    'apis',
    `Deployment/api ${CP}.envFrom[0].configMapRef`,
  ],
  ['references', 'ExternalSecret', 'spec target name', 'other', `Deployment/api ${CP}.envFrom[1].secretRef`],
  [
    'references',
    'Deployment',
    `${C} env 0`,
    { name: 'A', valueFrom: { secretKeyRef: { name: 'x' } } },
    `Deployment/api ${CP}.env[A].valueFrom.secretKeyRef`,
  ],
  [
    'references',
    'Deployment',
    `${POD} volumes 0`,
    { name: 'tls', secret: { secretName: 'x' } },
    'Deployment/api spec.template.spec.volumes[tls].secret',
  ],
  [
    'references',
    'Deployment',
    `${POD} volumes 0`,
    { name: 'all', projected: { sources: [{ configMap: { name: 'x' } }] } },
    'Deployment/api spec.template.spec.volumes[all].projected',
  ],
  [
    'ways-in-lead-somewhere',
    'Ingress',
    'spec rules 0 http paths 0 backend service name',
    'apis',
    'Ingress/api spec.rules',
  ],
  [
    'ways-in-lead-somewhere',
    'Ingress',
    'spec rules 0 http paths 0 backend service port',
    { number: 8080 },
    'Ingress/api spec.rules',
  ],
  ['one-way-in', 'Ingress', 'spec rules', [], 'Service/api'],
  [
    'service-monitors',
    'ServiceMonitor',
    'spec selector matchLabels app.kubernetes.io/name',
    'apis',
    'ServiceMonitor/api spec.selector',
  ],
  ['service-monitors', 'ServiceMonitor', 'spec endpoints 0 port', 'admin', 'ServiceMonitor/api spec.endpoints[0].port'],
  [
    'service-monitors',
    'ServiceMonitor',
    'spec endpoints 0 path',
    '/metric',
    'ServiceMonitor/api spec.endpoints[0].path',
  ],
  ['probe-ports', 'Deployment', `${C} readinessProbe httpGet port`, 9090, `Deployment/api ${CP}.readinessProbe`],
  ['probe-ports', 'Deployment', `${C} livenessProbe httpGet port`, 'health', `Deployment/api ${CP}.livenessProbe`],
  ['probe-ports', 'Deployment', `${C} startupProbe`, GONE, `Deployment/api ${CP}.startupProbe`],
  [
    'liveness-is-not-readiness',
    'Deployment',
    `${C} livenessProbe httpGet path`,
    '/readyz',
    `Deployment/api ${CP}.livenessProbe.httpGet.path`,
  ],
  ['probe-times', 'Deployment', `${C} livenessProbe periodSeconds`, 3, `Deployment/api ${CP}.livenessProbe`],
  [
    'probe-times',
    'Deployment',
    `${C} readinessProbe timeoutSeconds`,
    GONE,
    `Deployment/api ${CP}.readinessProbe.timeoutSeconds`,
  ],
  ['pre-stop-sleep', 'Deployment', `${C} lifecycle`, GONE, `Deployment/api ${CP}.lifecycle.preStop.sleep.seconds`],
  [
    'grace-period',
    'Deployment',
    `${POD} terminationGracePeriodSeconds`,
    34,
    'Deployment/api spec.template.spec.terminationGracePeriodSeconds',
  ],
  [
    'grace-period',
    'Deployment',
    `${POD} terminationGracePeriodSeconds`,
    GONE,
    'Deployment/api spec.template.spec.terminationGracePeriodSeconds',
  ],
  [
    'grace-period',
    'Deployment',
    `${POD} terminationGracePeriodSeconds`,
    111,
    'Deployment/api spec.template.spec.terminationGracePeriodSeconds',
  ],
  [
    'grace-period',
    'ConfigMap',
    'data DRAIN_SECONDS',
    '6',
    'Deployment/api spec.template.spec.terminationGracePeriodSeconds',
  ],
  ['grace-period', 'ConfigMap', 'data DRAIN_SECONDS', GONE, `Deployment/api ${CP}.envFrom`],
  [
    'never-below-capacity',
    'Deployment',
    'spec strategy rollingUpdate maxUnavailable',
    '25%',
    'Deployment/api spec.strategy.rollingUpdate.maxUnavailable',
  ],
  ['never-below-capacity', 'Deployment', 'spec strategy', { type: 'Recreate' }, 'Deployment/api spec.strategy.type'],
  ['progress-deadline', 'Deployment', 'spec minReadySeconds', 120, 'Deployment/api spec.minReadySeconds'],
  [
    'alb-target-type',
    'Ingress',
    annotation('target-type'),
    GONE,
    `Ingress/api metadata.annotations[${ALB}target-type]`,
  ],
  ['alb-target-type', 'Ingress', 'spec ingressClassName', 'elb', 'Ingress/api spec.ingressClassName'],
  [
    'alb-deregistration-delay',
    'Ingress',
    annotation('target-group-attributes'),
    'deregistration_delay.timeout_seconds=31',
    `Ingress/api metadata.annotations[${ALB}target-group-attributes]`,
  ],
  [
    'alb-deregistration-delay',
    'Ingress',
    annotation('target-group-attributes'),
    'deregistration_delay.timeout_seconds=4',
    `Ingress/api metadata.annotations[${ALB}target-group-attributes]`,
  ],
  [
    'alb-deregistration-delay',
    'Ingress',
    annotation('target-group-attributes'),
    GONE,
    `Ingress/api metadata.annotations[${ALB}target-group-attributes]`,
  ],
  [
    'alb-idle-timeout',
    'Ingress',
    annotation('load-balancer-attributes'),
    'a=b, idle_timeout.timeout_seconds=72',
    `Ingress/api metadata.annotations[${ALB}load-balancer-attributes]`,
  ],
  [
    'alb-health-check',
    'Ingress',
    annotation('healthcheck-path'),
    '/livez',
    `Ingress/api metadata.annotations[${ALB}healthcheck-path]`,
  ],
  [
    'alb-health-check',
    'Ingress',
    annotation('healthcheck-port'),
    'traffic-port',
    `Ingress/api metadata.annotations[${ALB}healthcheck-port]`,
  ],
  [
    'alb-health-check',
    'Ingress',
    annotation('healthcheck-port'),
    GONE,
    `Ingress/api metadata.annotations[${ALB}healthcheck-port]`,
  ],
  [
    'alb-health-check',
    'Ingress',
    annotation('healthcheck-port'),
    'http',
    `Ingress/api metadata.annotations[${ALB}healthcheck-port]`,
  ],
  [
    'alb-health-check',
    'Ingress',
    annotation('healthcheck-timeout-seconds'),
    '10',
    `Ingress/api metadata.annotations[${ALB}healthcheck-timeout-seconds]`,
  ],
  [
    'alb-slow-start',
    'Ingress',
    annotation('target-group-attributes'),
    'deregistration_delay.timeout_seconds=20,slow_start.duration_seconds=30,load_balancing.algorithm.type=least_outstanding_requests',
    `Ingress/api metadata.annotations[${ALB}target-group-attributes]`,
  ],
  ['one-owner-of-replicas', 'Deployment', 'spec replicas', 3, 'Deployment/api spec.replicas'],
  [
    'autoscaler-range',
    'HorizontalPodAutoscaler',
    'spec maxReplicas',
    2,
    'HorizontalPodAutoscaler/api spec.maxReplicas',
  ],
  [
    'autoscaler-range',
    'HorizontalPodAutoscaler',
    'spec minReplicas',
    GONE,
    'HorizontalPodAutoscaler/api spec.minReplicas',
  ],
  [
    'autoscaler-metrics',
    'HorizontalPodAutoscaler',
    'spec metrics 0 containerResource container',
    'apis',
    'HorizontalPodAutoscaler/api spec.metrics[0].containerResource.container',
  ],
  [
    'autoscaler-metrics',
    'HorizontalPodAutoscaler',
    'spec metrics 0 type',
    'Resource',
    'HorizontalPodAutoscaler/api spec.metrics[0].type',
  ],
  ['autoscaler-metrics', 'HorizontalPodAutoscaler', 'spec metrics', [], 'HorizontalPodAutoscaler/api spec.metrics'],
  [
    'autoscaler-metrics',
    'Deployment',
    `${C} resources requests cpu`,
    GONE,
    'HorizontalPodAutoscaler/api spec.metrics[0].containerResource.name',
  ],
  ['disruption-budget', 'PodDisruptionBudget', 'spec maxUnavailable', 0, 'PodDisruptionBudget/api spec.maxUnavailable'],
  [
    'disruption-budget',
    'PodDisruptionBudget',
    'spec maxUnavailable',
    '0%',
    'PodDisruptionBudget/api spec.maxUnavailable',
  ],
  ['disruption-budget', 'PodDisruptionBudget', 'spec minAvailable', 1, 'PodDisruptionBudget/api spec.minAvailable'],
  [
    'disruption-budget',
    'PodDisruptionBudget',
    'spec unhealthyPodEvictionPolicy',
    GONE,
    'PodDisruptionBudget/api spec.unhealthyPodEvictionPolicy',
  ],
  ['disruption-budget', 'HorizontalPodAutoscaler', 'spec minReplicas', 1, 'PodDisruptionBudget/api spec.selector'],
  ['resources', 'Deployment', `${C} resources requests cpu`, GONE, `Deployment/api ${CP}.resources.requests.cpu`],
  ['resources', 'Deployment', `${C} resources limits cpu`, '500m', `Deployment/api ${CP}.resources.limits.cpu`],
  [
    'resources',
    'Deployment',
    `${C} resources limits memory`,
    '512Mi',
    `Deployment/api ${CP}.resources.requests.memory`,
  ],
  [
    'resources',
    'Deployment',
    `${C} resources limits ephemeral-storage`,
    GONE,
    `Deployment/api ${CP}.resources.limits.ephemeral-storage`,
  ],
  [
    'resources',
    'Deployment',
    `${POD} initContainers`,
    [{ ...CONTAINER, name: 'init', resources: {} }],
    'Deployment/api spec.template.spec.initContainers[init].resources.requests.cpu',
  ],
  ['image', 'Deployment', `${C} image`, `api:latest@${DIGEST}`, `Deployment/api ${CP}.image`],
  ['image', 'Deployment', `${C} image`, 'api:1.0.0', `Deployment/api ${CP}.image`],
  ['image', 'Deployment', `${C} image`, `api@${DIGEST}`, `Deployment/api ${CP}.image`],
  ['image', 'Deployment', `${C} imagePullPolicy`, 'Always', `Deployment/api ${CP}.imagePullPolicy`],
  ['identity', 'Deployment', `${POD} serviceAccountName`, GONE, 'Deployment/api spec.template.spec.serviceAccountName'],
  [
    'identity',
    'Deployment',
    `${POD} automountServiceAccountToken`,
    GONE,
    'Deployment/api spec.template.spec.automountServiceAccountToken',
  ],
  ['identity', 'Deployment', `${POD} enableServiceLinks`, true, 'Deployment/api spec.template.spec.enableServiceLinks'],
  [
    'identity',
    'ServiceAccount',
    'automountServiceAccountToken',
    true,
    'ServiceAccount/api automountServiceAccountToken',
  ],
  [
    'empty-dir-size',
    'Deployment',
    `${POD} volumes 0 emptyDir`,
    {},
    'Deployment/api spec.template.spec.volumes[tmp].emptyDir.sizeLimit',
  ],
  [
    'labels',
    'ConfigMap',
    'metadata labels app.kubernetes.io/instance',
    GONE,
    'ConfigMap/api metadata.labels[app.kubernetes.io/instance]',
  ],
  [
    'labels',
    'Deployment',
    'spec template metadata labels app.kubernetes.io/instance',
    GONE,
    'Deployment/api spec.template.metadata.labels[app.kubernetes.io/instance]',
  ],
  ['names-and-label-values', 'ConfigMap', 'metadata name', 'x'.repeat(64), `ConfigMap/${'x'.repeat(64)} metadata.name`],
  [
    'names-and-label-values',
    'ConfigMap',
    'metadata labels helm.sh/chart',
    'api-1.0.0+build',
    'ConfigMap/api metadata.labels[helm.sh/chart]',
  ],
  ['names-and-label-values', 'ConfigMap', 'metadata labels x', 'x'.repeat(64), 'ConfigMap/api metadata.labels[x]'],
  [
    'annotations-are-text',
    'Ingress',
    annotation('group.order'),
    10,
    `Ingress/api metadata.annotations[${ALB}group.order]`,
  ],
  [
    'no-version-in-selectors',
    'Deployment',
    'spec template metadata labels app.kubernetes.io/version',
    '1',
    'Deployment/api spec.template.metadata.labels[app.kubernetes.io/version]',
  ],
  [
    'no-version-in-selectors',
    'Deployment',
    'spec selector matchLabels helm.sh/chart',
    '1',
    'Deployment/api spec.selector.matchLabels[helm.sh/chart]',
  ],
  [
    'no-version-in-selectors',
    'Service',
    'spec selector app.kubernetes.io/version',
    '1',
    'Service/api spec.selector[app.kubernetes.io/version]',
  ],
  ['configuration-is-text', 'ConfigMap', 'data PORT', 8080, 'ConfigMap/api data.PORT'],
  ['no-secrets-in-configuration', 'ConfigMap', 'data DB_PASSWORD', 'hunter2', 'ConfigMap/api data.DB_PASSWORD'],
  [
    'no-secrets-in-configuration',
    'ConfigMap',
    'data DATABASE_URL',
    'postgres://me:hunter2@db/x',
    'ConfigMap/api data.DATABASE_URL',
  ],
  [
    'no-secrets-in-configuration',
    'Deployment',
    `${C} env 0`,
    { name: 'API_KEY', value: 'abc' },
    `Deployment/api ${CP}.env[API_KEY]`,
  ],
];

t.test('an application as it should be breaks no rule', (t) => {
  t.same(workloadProblems(application(), FACTS), []);
  t.end();
});

t.test('each mistake breaks its rule, at its place', (t) => {
  for (const [name, kind, path, value, place] of MISTAKES) {
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
  t.same(rules.map(({ name }) => name).sort(), [...new Set(MISTAKES.map(([name]) => name))].sort());
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
    ['ServiceMonitor', 'spec endpoints 0 path', GONE],
    ['Deployment', `${C} resources limits cpu`, '1'],
    ['Deployment', `${C} resources limits memory`, '0.25Gi'],
    ['Deployment', `${C} env 0`, { name: 'DRAIN_SECONDS', value: '4' }],
    ['PodDisruptionBudget', 'spec maxUnavailable', '25%'],
    ['ConfigMap', 'data TOKEN_FILE', '/run/token'],
  ];
  for (const [kind, path, value] of allowed)
    t.same(workloadProblems(broken(kind, path, value), FACTS), [], `${kind} ${path}`);
  t.end();
});

t.test('an HTTPRoute takes the place of an Ingress, never stands beside it', (t) => {
  const route = object('gateway.networking.k8s.io/v1', 'HTTPRoute', {
    spec: { rules: [{ backendRefs: [{ name: 'api', port: 80 }] }] },
  });
  const others = application().filter(({ kind }) => kind !== 'Ingress');
  t.same(workloadProblems([...others, route], FACTS), []);
  t.match(workloadProblems([...application(), route], FACTS), [
    { object: 'Service/api', rule: /one way in.*Ingress\/api and HTTPRoute\/api/ },
  ]);
  const astray = object('gateway.networking.k8s.io/v1', 'HTTPRoute', {
    spec: { rules: [{ backendRefs: [{ name: 'api', port: 8080 }] }] },
  });
  t.match(workloadProblems([...others, astray], FACTS), [{ object: 'HTTPRoute/api', rule: /a port of Service\/api/ }]);
  t.end();
});

t.test('a ServiceMonitor that selects two Services scrapes each pod twice', (t) => {
  const headless = object('v1', 'Service', {
    spec: { selector: SELECTOR, ports: [{ name: 'http', port: 8080, targetPort: 'http' }] },
  });
  t.match(
    workloadProblems([...application(), { ...headless, metadata: { name: 'headless', labels: SELECTOR } }], FACTS),
    [{ object: 'ServiceMonitor/api', path: 'spec.selector' }],
  );
  t.end();
});

t.test('a cluster without load balancers has no way in', (t) => {
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
  const fixed = (replicas: number): KubernetesObject[] =>
    broken('Deployment', 'spec replicas', replicas).filter(({ kind }) => kind !== 'HorizontalPodAutoscaler');
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
