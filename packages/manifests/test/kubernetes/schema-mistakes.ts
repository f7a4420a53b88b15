import { table } from '../table.ts';

/** A correct object with one field changed, and the problem that must be reported. */
export interface SchemaMistake {
  readonly kind: string;
  /** Keys of maps, and numbers in lists. */
  readonly keys: readonly (string | number)[];
  /** Undefined for a field that is removed. */
  readonly value: unknown;
  readonly problem: string;
}

/** The keys of a path, `spec.containers[0].name` or `metadata.labels["a/b"]`. */
export const keysOf = (path: string): (string | number)[] =>
  [...path.matchAll(/[^.[\]"]+|"([^"]*)"/g)].map(([key, quoted]) => {
    if (quoted !== undefined) return quoted;
    return /^\d+$/.test(key) ? Number(key) : key;
  });

function mistake([kind = '', field = '', text = '', rule = '']: readonly string[]): SchemaMistake {
  const path = field.replace('(container)', 'spec.template.spec.containers[0]');
  const value: unknown = text === '(gone)' ? undefined : JSON.parse(text);
  // Of rows that change apiVersion or kind.
  const name = field === 'kind' ? `v1 ${String(value)}` : `${String(value)} ${kind}`;
  const whole = new Map([
    ['(unknown kind)', `${name}: unknown kind in Kubernetes 1.36`],
    ['(no operator)', `${name}: unknown kind, which no operator of the platform defines`],
  ]);
  const full = rule
    .replace('(a quantity)', 'a quantity that is not negative, such as 250m or 64Mi')
    .replace('…', `(it is ${text})`);
  const problem = full.startsWith('= ') ? full.slice(2) : (whole.get(rule) ?? `${path}: ${full}`);
  return { kind, keys: keysOf(path), value, problem };
}

/** Kind | path | value | rule. In a rule, `…` is the value seen; after `=` comes a whole message. */
const ROWS = table(
  4,
  `
  # Unknown fields.
  Deployment | sepc | {} | unknown field of Deployment
  Deployment | spec.replica | 3 | unknown field of DeploymentSpec
  Deployment | (container).readinessProb | {} | unknown field of Container
  Deployment | (container).readinessProbe.httpGet.paht | "/" | unknown field of HTTPGetAction
  Deployment | metadata.label | {} | unknown field of ObjectMeta
  Deployment | spec.template.spec.volumes[0].emptyDir.size | "1Gi" | unknown field of EmptyDirVolumeSource
  HorizontalPodAutoscaler | spec.metrics[0].resource.target.averageUtilisation | 70 | unknown field of MetricTarget

  # Wrong types.
  Deployment | spec.replicas | "3" | must be integer …
  Deployment | spec.replicas | 1099511627776 | must fit into 32 bits …
  Deployment | (container).ports[0].containerPort | 80.5 | must be integer …
  Deployment | (container).env[0].value | 8080 | must be string …
  Deployment | metadata.labels["app.kubernetes.io/version"] | 1.2 | must be string …
  Deployment | spec.template.metadata.annotations | {"a":true} | = spec.template.metadata.annotations.a: must be string (it is true)
  Deployment | metadata.annotations | null | must be object …
  Deployment | spec.template.spec.containers | {"name":"web"} | must be array …
  ConfigMap | data.debug | false | must be string …
  ConfigMap | binaryData.key | "not Base64" | must be Base64 …
  Secret | stringData.password | 123456 | must be string
  Service | spec.ports[0].targetPort | 80.5 | must be integer or string …
  PodDisruptionBudget | spec.maxUnavailable | true | must be integer or string …
  ServiceAccount | automountServiceAccountToken | "false" | must be boolean …
  Namespace | metadata.creationTimestamp | "today" | must be a time such as 2026-01-31T12:00:00Z …

  # Quantities.
  Deployment | (container).resources.limits.memory | "128MB" | must be (a quantity) …
  Deployment | (container).resources.requests.cpu | -0.5 | must be (a quantity) …
  Deployment | (container).resources.requests.cpu | "-100m" | must be (a quantity) …
  Deployment | (container).resources.requests.cpu | true | must be string or number …

  # Values that a field does not take.
  Deployment | (container).ports[0].protocol | "tcp" | must be one of SCTP, TCP, UDP …
  Deployment | (container).imagePullPolicy | "always" | must be one of Always, IfNotPresent, Never …
  Service | spec.type | "clusterIP" | must be one of ClusterIP, ExternalName, LoadBalancer, NodePort …
  Ingress | spec.rules[0].http.paths[0].pathType | "prefix" | must be one of Exact, ImplementationSpecific, Prefix …
  NetworkPolicy | spec.policyTypes[0] | "ingress" | must be one of Egress, Ingress …

  # Missing fields.
  Deployment | spec.selector | (gone) | missing
  Deployment | (container).name | (gone) | missing
  Ingress | spec.rules[0].http.paths[0].pathType | (gone) | missing
  CronJob | spec.schedule | (gone) | missing
  Namespace | metadata.name | (gone) | missing
  Namespace | metadata | (gone) | = metadata.name: missing
  Namespace | kind | (gone) | missing

  # Unknown kinds and versions.
  CronJob | apiVersion | "batch/v1beta1" | (unknown kind)
  Deployment | apiVersion | "v1" | (unknown kind)
  Ingress | apiVersion | "extensions/v1beta1" | (unknown kind)
  PodDisruptionBudget | apiVersion | "policy/v1beta1" | (unknown kind)
  Service | kind | "service" | (unknown kind)
  ValidatingAdmissionPolicy | apiVersion | "admissionregistration.k8s.io/v1beta2" | (unknown kind)
  ExternalSecret | apiVersion | "external-secrets.io/v1beta1" | (no operator)
  HTTPRoute | apiVersion | "gateway.networking.k8s.io/v1alpha2" | (no operator)

  # Custom resources.
  ServiceMonitor | spec.endpoints[0].intervall | "30s" | unknown field of endpoints
  ServiceMonitor | metadata.labels | {"release":1} | = metadata.labels.release: must be string (it is 1)
  ServiceMonitor | metadata.nmae | "web" | unknown field of ObjectMeta
  ServiceMonitor | spce | {} | unknown field of ServiceMonitor
  ServiceMonitor | spec.selector | (gone) | missing
  ExternalSecret | spec.target.creationPolicy | "owner" | must be one of Owner, Orphan, Merge, None …
  ExternalSecret | spec.data[0].remoteRef.key | (gone) | missing
  HTTPRoute | spec.rules[0].backendRefs[0].port | 70000 | must be <= 65535 …
  HTTPRoute | spec.rules[0].matches[0].path.type | "Prefix" | must be one of Exact, PathPrefix, RegularExpression …
  Application | spec.syncPolicy.automated.selfheal | true | unknown field of automated
  Application | spec.project | (gone) | missing
  ApplicationSet | spec.generators[0].matrix.generators[0].clusters.selektor | {} | unknown field of clusters
  ApplicationSet | spec.template.spec.source.paht | "x" | unknown field of source
  AppProject | spec.destinations[0].sever | "x" | unknown field of destinations
  `,
);

const PATTERN = '^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$';

export const SCHEMA_MISTAKES: readonly SchemaMistake[] = [
  ...ROWS.map(mistake),
  {
    kind: 'ValidatingAdmissionPolicy',
    keys: keysOf('spec.matchConstraints.resourceRules[0].operations[1]'),
    value: 'update',
    problem:
      'spec.matchConstraints.resourceRules[0].operations[1]: ' +
      'must be one of *, CONNECT, CREATE, DELETE, UPDATE (it is "update")',
  },
  {
    kind: 'ServiceMonitor',
    keys: keysOf('spec.endpoints[0].interval'),
    value: '30',
    problem: `spec.endpoints[0].interval: must match ${PATTERN} (it is "30")`,
  },
  {
    kind: 'Gateway',
    keys: keysOf('spec.addresses[0].value'),
    value: 'no address',
    problem:
      'spec.addresses[0]: must match exactly one of the alternatives of its schema ' +
      '(it is {"value":"no address","type":"IPAddress"})',
  },
];
