import type { KubernetesObject } from '../../src/kubernetes/object.ts';

// An application that breaks no rule, to break it in one place at a time.

/** The labels of the application's pods. */
export const SELECTOR = { 'app.kubernetes.io/name': 'api', 'app.kubernetes.io/instance': 'api' };
export const DIGEST = `sha256:${'a'.repeat(64)}`;
export const ALB = 'alb.ingress.kubernetes.io/';

/** An object of the application, unless `rest` says otherwise. */
export const object = (apiVersion: string, kind: string, rest: object, annotations: object = {}): KubernetesObject =>
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
export const application = (): KubernetesObject[] => [
  object('apps/v1', 'Deployment', {
    metadata: { name: 'api', labels: SELECTOR, annotations: { 'gitops-platform/autoscaled': 'true' } },
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
];

/** In place of a value: the field is removed. */
export const GONE = Symbol('gone');

/** The application with one value changed; keys are separated by blanks, since they have dots and slashes in them. */
export function broken(kind: string, path: string, value: unknown): KubernetesObject[] {
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
