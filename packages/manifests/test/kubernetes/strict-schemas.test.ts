import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { ensureSchemas, KUBERNETES_MINORS } from '@gitops/tools/schemas';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import { loadSchemas, type StrictSchemas } from '../../src/kubernetes/strict-schemas.ts';

const files = await ensureSchemas(progressTo());
const beginning = performance.now();
const versions = new Map(KUBERNETES_MINORS.map((minor) => [minor, loadSchemas(files, minor)]));

const schemasOf = (minor: string): StrictSchemas => {
  const schemas = versions.get(minor as (typeof KUBERNETES_MINORS)[number]);
  if (schemas === undefined) throw new Error(minor);
  return schemas;
};

const CORRECT = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app.kubernetes.io/name: web}
  annotations: {example.com/note: "1"}
  creationTimestamp: null
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}
      containers:
        - name: web
          image: example.com/web@sha256:0
          env: [{name: PORT, value: "8080"}, {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}]
          ports: [{name: http, containerPort: 8080, protocol: TCP}]
          readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 5}
          resources: {requests: {cpu: 0.25, memory: 128Mi}, limits: {cpu: 1, memory: 1e9}}
          volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {sizeLimit: 64Mi}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: ClusterIP, selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}, {name: other, port: 81, targetPort: 8081}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: alb
  rules: [{host: web.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  minReplicas: 2
  maxReplicas: 10
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, unhealthyPodEvictionPolicy: AlwaysAllow, selector: {matchLabels: {app: web}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{namespaceSelector: {}}], ports: [{port: http, protocol: TCP}]}]
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}], ports: [{port: 443}]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {port: "8080", debug: "false"}
binaryData: {key: aGVsbG8=}
immutable: true
---
apiVersion: v1
kind: Secret
metadata: {name: web}
data: {password: aGVsbG8=}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Namespace
metadata: {name: web, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: web}
spec:
  failurePolicy: Fail
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]}
  validations: [{expression: "object.spec.replicas <= 5", message: too many}]
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  endpoints:
    - {port: http, path: /metrics, interval: 30s, targetPort: 8080, metricRelabelings: [{action: labeldrop, regex: pod_.*}]}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: web}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: aws, kind: ClusterSecretStore}
  target: {name: web, creationPolicy: Owner}
  data: [{secretKey: password, remoteRef: {key: web/password}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: public, namespace: gateways}]
  hostnames: [web.example.com]
  rules: [{matches: [{path: {type: PathPrefix, value: /}}], backendRefs: [{name: web, port: 80, weight: 1}]}]
---
# The type of an address has a default, which its rule counts on.
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public}
spec:
  gatewayClassName: alb
  addresses: [{value: 192.0.2.1}]
  listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: web}]}}]
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd, finalizers: [resources-finalizer.argocd.argoproj.io]}
spec:
  project: web
  destination: {server: https://kubernetes.default.svc, namespace: web}
  source:
    repoURL: https://example.com/x.git
    path: charts/web
    helm: {valuesObject: {any: {thing: [1, "2", true]}}, parameters: [{name: image.tag, value: v1, forceString: true}]}
  syncPolicy: {automated: {prune: true, selfHeal: true}, syncOptions: [ServerSideApply=true]}
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: web, namespace: argocd}
spec:
  goTemplate: true
  generators: [{matrix: {generators: [{clusters: {selector: {matchLabels: {a: b}}}}, {list: {elements: [{any: thing}]}}]}}]
  template:
    metadata: {name: "web-{{.name}}"}
    spec: {project: web, destination: {name: "{{.name}}"}, source: {repoURL: https://example.com/x.git, path: charts/web}}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: web, namespace: argocd}
spec:
  sourceRepos: ["*"]
  destinations: [{server: "*", namespace: web}]
  clusterResourceWhitelist: [{group: "", kind: Namespace}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: web}
spec:
  schedule: "@daily"
  concurrencyPolicy: Forbid
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}
`;

const correct = parseAllDocuments(CORRECT).map((document) => document.toJS() as KubernetesObject);

/** A correct object of a kind, changed by hand. */
function changed(kind: string, change: (object: never) => void): KubernetesObject {
  const object = structuredClone(correct.find((candidate) => candidate.kind === kind));
  if (object === undefined) throw new Error(kind);
  change(object as never);
  return object;
}

/** The same with one field set, or taken away where the value is undefined. */
const withField = (kind: string, path: readonly (string | number)[], value: unknown): KubernetesObject =>
  changed(kind, (object) => {
    const parent = path
      .slice(0, -1)
      .reduce<Record<string | number, unknown>>(
        (inner, key) => (inner[key] ??= {}) as Record<string | number, unknown>,
        object,
      );
    const key = path.at(-1) ?? '';
    if (value === undefined) Reflect.deleteProperty(parent, key);
    else parent[key] = value;
  });

t.test('correct objects are accepted by every version', (t) => {
  for (const [minor, { problems }] of versions)
    for (const object of correct) t.strictSame(problems(object), [], `${minor} ${object.kind}`);
  t.end();
});

const container = ['spec', 'template', 'spec', 'containers', 0] as const;
const MISTAKES: readonly (readonly [
  kind: string,
  path: readonly (string | number)[],
  value: unknown,
  problem: string,
])[] = [
  // Fields that there are not.
  ['Deployment', ['sepc'], {}, 'sepc: is not a field of Deployment'],
  ['Deployment', ['spec', 'replica'], 3, 'spec.replica: is not a field of DeploymentSpec'],
  [
    'Deployment',
    [...container, 'readinessProb'],
    {},
    'spec.template.spec.containers[0].readinessProb: is not a field of Container',
  ],
  [
    'Deployment',
    [...container, 'readinessProbe', 'httpGet', 'paht'],
    '/',
    'spec.template.spec.containers[0].readinessProbe.httpGet.paht: is not a field of HTTPGetAction',
  ],
  ['Deployment', ['metadata', 'label'], {}, 'metadata.label: is not a field of ObjectMeta'],
  [
    'Deployment',
    ['spec', 'template', 'spec', 'volumes', 0, 'emptyDir', 'size'],
    '1Gi',
    'spec.template.spec.volumes[0].emptyDir.size: is not a field of EmptyDirVolumeSource',
  ],
  [
    'HorizontalPodAutoscaler',
    ['spec', 'metrics', 0, 'resource', 'target', 'averageUtilisation'],
    70,
    'spec.metrics[0].resource.target.averageUtilisation: is not a field of MetricTarget',
  ],
  // Other types.
  ['Deployment', ['spec', 'replicas'], '3', 'spec.replicas: must be integer (it is "3")'],
  ['Deployment', ['spec', 'replicas'], 2 ** 40, 'spec.replicas: must fit into 32 bits (it is 1099511627776)'],
  [
    'Deployment',
    [...container, 'ports', 0, 'containerPort'],
    80.5,
    'spec.template.spec.containers[0].ports[0].containerPort: must be integer (it is 80.5)',
  ],
  [
    'Deployment',
    [...container, 'env', 0, 'value'],
    8080,
    'spec.template.spec.containers[0].env[0].value: must be string (it is 8080)',
  ],
  [
    'Deployment',
    ['metadata', 'labels', 'app.kubernetes.io/version'],
    1.2,
    'metadata.labels["app.kubernetes.io/version"]: must be string (it is 1.2)',
  ],
  [
    'Deployment',
    ['spec', 'template', 'metadata', 'annotations'],
    { a: true },
    'spec.template.metadata.annotations.a: must be string (it is true)',
  ],
  ['Deployment', ['metadata', 'annotations'], null, 'metadata.annotations: must be object (it is null)'],
  [
    'Deployment',
    ['spec', 'template', 'spec', 'containers'],
    { name: 'web' },
    'spec.template.spec.containers: must be array (it is {"name":"web"})',
  ],
  ['ConfigMap', ['data', 'debug'], false, 'data.debug: must be string (it is false)'],
  ['ConfigMap', ['binaryData', 'key'], 'not Base64', 'binaryData.key: must be Base64 (it is "not Base64")'],
  ['Secret', ['stringData', 'password'], 123456, 'stringData.password: must be string'],
  [
    'Service',
    ['spec', 'ports', 0, 'targetPort'],
    80.5,
    'spec.ports[0].targetPort: must be integer or string (it is 80.5)',
  ],
  [
    'PodDisruptionBudget',
    ['spec', 'maxUnavailable'],
    true,
    'spec.maxUnavailable: must be integer or string (it is true)',
  ],
  [
    'ServiceAccount',
    ['automountServiceAccountToken'],
    'false',
    'automountServiceAccountToken: must be boolean (it is "false")',
  ],
  [
    'Namespace',
    ['metadata', 'creationTimestamp'],
    'today',
    'metadata.creationTimestamp: must be a time such as 2026-01-31T12:00:00Z (it is "today")',
  ],
  // Quantities.
  [
    'Deployment',
    [...container, 'resources', 'limits', 'memory'],
    '128MB',
    'spec.template.spec.containers[0].resources.limits.memory: must be a quantity that is not negative, such as 250m or 64Mi (it is "128MB")',
  ],
  [
    'Deployment',
    [...container, 'resources', 'requests', 'cpu'],
    -0.5,
    'spec.template.spec.containers[0].resources.requests.cpu: must be a quantity that is not negative, such as 250m or 64Mi (it is -0.5)',
  ],
  [
    'Deployment',
    [...container, 'resources', 'requests', 'cpu'],
    '-100m',
    'spec.template.spec.containers[0].resources.requests.cpu: must be a quantity that is not negative, such as 250m or 64Mi (it is "-100m")',
  ],
  [
    'Deployment',
    [...container, 'resources', 'requests', 'cpu'],
    true,
    'spec.template.spec.containers[0].resources.requests.cpu: must be string or number (it is true)',
  ],
  // Values that a field may not have.
  [
    'Deployment',
    [...container, 'ports', 0, 'protocol'],
    'tcp',
    'spec.template.spec.containers[0].ports[0].protocol: must be one of SCTP, TCP, UDP (it is "tcp")',
  ],
  [
    'Deployment',
    [...container, 'imagePullPolicy'],
    'always',
    'spec.template.spec.containers[0].imagePullPolicy: must be one of Always, IfNotPresent, Never (it is "always")',
  ],
  [
    'Service',
    ['spec', 'type'],
    'clusterIP',
    'spec.type: must be one of ClusterIP, ExternalName, LoadBalancer, NodePort (it is "clusterIP")',
  ],
  [
    'Ingress',
    ['spec', 'rules', 0, 'http', 'paths', 0, 'pathType'],
    'prefix',
    'spec.rules[0].http.paths[0].pathType: must be one of Exact, ImplementationSpecific, Prefix (it is "prefix")',
  ],
  [
    'NetworkPolicy',
    ['spec', 'policyTypes', 0],
    'ingress',
    'spec.policyTypes[0]: must be one of Egress, Ingress (it is "ingress")',
  ],
  [
    'ValidatingAdmissionPolicy',
    ['spec', 'matchConstraints', 'resourceRules', 0, 'operations', 1],
    'update',
    'spec.matchConstraints.resourceRules[0].operations[1]: must be one of *, CONNECT, CREATE, DELETE, UPDATE (it is "update")',
  ],
  // What has to be there.
  ['Deployment', ['spec', 'selector'], undefined, 'spec.selector: is missing'],
  ['Deployment', [...container, 'name'], undefined, 'spec.template.spec.containers[0].name: is missing'],
  [
    'Ingress',
    ['spec', 'rules', 0, 'http', 'paths', 0, 'pathType'],
    undefined,
    'spec.rules[0].http.paths[0].pathType: is missing',
  ],
  ['CronJob', ['spec', 'schedule'], undefined, 'spec.schedule: is missing'],
  ['Namespace', ['metadata', 'name'], undefined, 'metadata.name: is missing'],
  ['Namespace', ['metadata'], undefined, 'metadata.name: is missing'],
  ['Namespace', ['kind'], undefined, 'kind: is missing'],
  // Kinds and versions that there are not.
  ['CronJob', ['apiVersion'], 'batch/v1beta1', 'batch/v1beta1 CronJob: Kubernetes 1.36 has no such kind'],
  ['Deployment', ['apiVersion'], 'v1', 'v1 Deployment: Kubernetes 1.36 has no such kind'],
  ['Ingress', ['apiVersion'], 'extensions/v1beta1', 'extensions/v1beta1 Ingress: Kubernetes 1.36 has no such kind'],
  [
    'PodDisruptionBudget',
    ['apiVersion'],
    'policy/v1beta1',
    'policy/v1beta1 PodDisruptionBudget: Kubernetes 1.36 has no such kind',
  ],
  ['Service', ['kind'], 'service', 'v1 service: Kubernetes 1.36 has no such kind'],
  [
    'ValidatingAdmissionPolicy',
    ['apiVersion'],
    'admissionregistration.k8s.io/v1beta2',
    'admissionregistration.k8s.io/v1beta2 ValidatingAdmissionPolicy: Kubernetes 1.36 has no such kind',
  ],
  [
    'ExternalSecret',
    ['apiVersion'],
    'external-secrets.io/v1beta1',
    'external-secrets.io/v1beta1 ExternalSecret: no operator that the platform knows has such a kind',
  ],
  [
    'HTTPRoute',
    ['apiVersion'],
    'gateway.networking.k8s.io/v1alpha2',
    'gateway.networking.k8s.io/v1alpha2 HTTPRoute: no operator that the platform knows has such a kind',
  ],
  // Custom resources.
  [
    'ServiceMonitor',
    ['spec', 'endpoints', 0, 'intervall'],
    '30s',
    'spec.endpoints[0].intervall: is not a field of endpoints',
  ],
  [
    'ServiceMonitor',
    ['spec', 'endpoints', 0, 'interval'],
    '30',
    'spec.endpoints[0].interval: must match ^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$ (it is "30")',
  ],
  ['ServiceMonitor', ['metadata', 'labels'], { release: 1 }, 'metadata.labels.release: must be string (it is 1)'],
  ['ServiceMonitor', ['metadata', 'nmae'], 'web', 'metadata.nmae: is not a field of ObjectMeta'],
  ['ServiceMonitor', ['spce'], {}, 'spce: is not a field of ServiceMonitor'],
  ['ServiceMonitor', ['spec', 'selector'], undefined, 'spec.selector: is missing'],
  [
    'ExternalSecret',
    ['spec', 'target', 'creationPolicy'],
    'owner',
    'spec.target.creationPolicy: must be one of Owner, Orphan, Merge, None (it is "owner")',
  ],
  ['ExternalSecret', ['spec', 'data', 0, 'remoteRef', 'key'], undefined, 'spec.data[0].remoteRef.key: is missing'],
  [
    'HTTPRoute',
    ['spec', 'rules', 0, 'backendRefs', 0, 'port'],
    70000,
    'spec.rules[0].backendRefs[0].port: must be <= 65535 (it is 70000)',
  ],
  [
    'HTTPRoute',
    ['spec', 'rules', 0, 'matches', 0, 'path', 'type'],
    'Prefix',
    'spec.rules[0].matches[0].path.type: must be one of Exact, PathPrefix, RegularExpression (it is "Prefix")',
  ],
  [
    'Gateway',
    ['spec', 'addresses', 0, 'value'],
    'no address',
    'spec.addresses[0]: must fit exactly one of the alternatives of its schema (it is {"value":"no address","type":"IPAddress"})',
  ],
  [
    'Application',
    ['spec', 'syncPolicy', 'automated', 'selfheal'],
    true,
    'spec.syncPolicy.automated.selfheal: is not a field of automated',
  ],
  ['Application', ['spec', 'project'], undefined, 'spec.project: is missing'],
  [
    'ApplicationSet',
    ['spec', 'generators', 0, 'matrix', 'generators', 0, 'clusters', 'selektor'],
    {},
    'spec.generators[0].matrix.generators[0].clusters.selektor: is not a field of clusters',
  ],
  [
    'ApplicationSet',
    ['spec', 'template', 'spec', 'source', 'paht'],
    'x',
    'spec.template.spec.source.paht: is not a field of source',
  ],
  [
    'AppProject',
    ['spec', 'destinations', 0, 'sever'],
    'x',
    'spec.destinations[0].sever: is not a field of destinations',
  ],
];

t.test('a mistake is refused by every version, with its field and its rule', (t) => {
  for (const [minor, { problems }] of versions) {
    for (const [kind, path, value, problem] of MISTAKES)
      t.strictSame(
        problems(withField(kind, path, value)),
        [problem.replace('Kubernetes 1.36', `Kubernetes ${minor}`)],
        `${minor} ${problem}`,
      );
  }
  t.end();
});

t.test('all problems of an object come at once, and the object stays as it was', (t) => {
  const object = changed(
    'Gateway',
    (gateway: { metadata: Record<string, unknown>; spec: { listeners: Record<string, unknown>[] } }) => {
      gateway.metadata.labels = { a: 1, b: 2 };
      gateway.spec.listeners.push({ name: 'http', port: '80', protocol: 'HTTP', hostnam: 'x' }, {});
    },
  );
  const before = structuredClone(object);
  t.strictSame(schemasOf('1.36').problems(object).sort(), [
    'metadata.labels.a: must be string (it is 1)',
    'metadata.labels.b: must be string (it is 2)',
    'spec.listeners[1].hostnam: is not a field of listeners',
    'spec.listeners[1].port: must be integer (it is "80")',
    'spec.listeners[2].name: is missing',
    'spec.listeners[2].port: is missing',
    'spec.listeners[2].protocol: is missing',
  ]);
  t.strictSame(object, before);
  t.end();
});

t.test('what is younger than a version, and what a later one has no more, is refused there alone', (t) => {
  const acceptedBy = (object: KubernetesObject, problem: (minor: string) => string): string[] =>
    KUBERNETES_MINORS.filter((minor) => {
      const problems = schemasOf(minor).problems(object);
      if (problems.length > 0) t.strictSame(problems, [problem(minor)]);
      return problems.length === 0;
    });
  t.strictSame(
    acceptedBy(
      withField('Deployment', ['spec', 'template', 'spec', 'hostnameOverride'], 'web'),
      () => 'spec.template.spec.hostnameOverride: is not a field of PodSpec',
    ),
    ['1.34', '1.35', '1.36'],
  );
  t.strictSame(
    acceptedBy(
      withField('Deployment', [...container, 'env', 0], {
        name: 'A',
        valueFrom: { fileKeyRef: { volumeName: 'tmp', path: 'a', key: 'A' } },
      }),
      () => 'spec.template.spec.containers[0].env[0].valueFrom.fileKeyRef: is not a field of EnvVarSource',
    ),
    ['1.34', '1.35', '1.36'],
  );
  t.strictSame(
    acceptedBy(
      withField('Deployment', ['spec', 'template', 'spec', 'schedulingGroup'], {}),
      () => 'spec.template.spec.schedulingGroup: is not a field of PodSpec',
    ),
    ['1.36'],
  );
  t.strictSame(
    acceptedBy(
      withField('Deployment', ['spec', 'template', 'spec', 'workloadRef'], { name: 'a', podGroup: 'b' }),
      () => 'spec.template.spec.workloadRef: is not a field of PodSpec',
    ),
    ['1.35'],
  );
  const deviceClass = { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name: 'gpu' }, spec: {} };
  t.strictSame(
    acceptedBy(deviceClass, (minor) => `resource.k8s.io/v1 DeviceClass: Kubernetes ${minor} has no such kind`),
    ['1.34', '1.35', '1.36'],
  );
  t.strictSame(
    acceptedBy(
      { ...deviceClass, apiVersion: 'resource.k8s.io/v1beta2' },
      (minor) =>
        `resource.k8s.io/v1beta2 DeviceClass: Kubernetes ${minor} does not serve it unless a cluster switches it on`,
    ),
    [],
  );
  t.end();
});

t.test('the APIs of a cluster, as Argo CD tells Helm of them', (t) => {
  for (const [minor, { apiVersions }] of versions) {
    t.strictSame(apiVersions, [...new Set(apiVersions)].sort(), minor);
    for (const api of [
      'v1',
      'v1/Pod',
      'apps/v1',
      'apps/v1/Deployment',
      'autoscaling/v1/HorizontalPodAutoscaler',
      'autoscaling/v2/HorizontalPodAutoscaler',
      'apiextensions.k8s.io/v1/CustomResourceDefinition',
      'monitoring.coreos.com/v1/ServiceMonitor',
      'argoproj.io/v1alpha1',
    ])
      t.ok(apiVersions.includes(api), `${minor} ${api}`);
    // What cannot be listed and watched, and what servers leave off.
    for (const api of [
      'v1/ComponentStatus',
      'v1/Binding',
      'authentication.k8s.io/v1',
      'networking.k8s.io/v1beta1',
      'resource.k8s.io/v1beta1/DeviceClass',
    ])
      t.notOk(apiVersions.includes(api), `${minor} no ${api}`);
    t.equal(apiVersions.includes('resource.k8s.io/v1/DeviceClass'), minor !== '1.33');
  }
  t.end();
});

t.test('a version without schemas', (t) => {
  t.throws(
    () => loadSchemas(files, '1.32'),
    new CommandError(
      'there are no schemas of Kubernetes 1.32, only of 1.33, 1.34, 1.35, 1.36',
      'add its release to SCHEMA_PINS in packages/tools/src/schemas.ts',
    ),
  );
  t.end();
});

t.test('every schema of a custom resource can be compiled', (t) => {
  const { problems, apiVersions } = schemasOf('1.36');
  for (const api of apiVersions.filter((api) =>
    /^(argoproj|external-secrets|generators|monitoring|gateway)\..*\/.*\//.test(api),
  )) {
    const apiVersion = api.slice(0, api.lastIndexOf('/'));
    const kind = api.slice(api.lastIndexOf('/') + 1);
    t.match(
      problems({ apiVersion, kind, metadata: { name: 'x' }, noField: 1 }).join('\n'),
      `noField: is not a field of ${kind}`,
    );
  }
  t.end();
});

t.teardown(() => {
  t.comment(`${((performance.now() - beginning) / 1000).toFixed(1)} s, loading included`);
});
