import { table } from '../table.ts';
import { ALB, DIGEST, GONE } from './application.ts';

/** One value of the application changed, the rule that it breaks, and the place that is reported. */
export interface RuleMistake {
  readonly rule: string;
  /** The kind of the object that is changed. */
  readonly kind: string;
  /** Keys, separated by blanks. */
  readonly path: string;
  readonly value: unknown;
  readonly place: string;
}

// Abbreviations of longer texts; `@name` is an annotation of the load balancer.
const ABBREVIATIONS: readonly (readonly [from: RegExp, keys: string, place: string])[] = [
  [/\(container\)/g, 'spec template spec containers 0', 'spec.template.spec.containers[api]'],
  [/\(pod\)/g, 'spec template spec', 'spec.template.spec'],
  [/\(app\)/g, 'app.kubernetes.io/', 'app.kubernetes.io/'],
  [/@(\S+)/g, `metadata annotations ${ALB}$1`, `metadata.annotations[${ALB}$1]`],
  [/\(64\)/g, 'x'.repeat(64), 'x'.repeat(64)],
  [/HPA/g, 'HorizontalPodAutoscaler', 'HorizontalPodAutoscaler'],
  [/PDB/g, 'PodDisruptionBudget', 'PodDisruptionBudget'],
];

const inFull = (text: string, form: 'keys' | 'place'): string =>
  ABBREVIATIONS.reduce((full, [from, keys, place]) => full.replaceAll(from, form === 'keys' ? keys : place), text);

function valueOf(text: string): unknown {
  if (text === '(gone)') return GONE;
  const json = text
    .replace('(digest)', DIGEST)
    .replace('(64)', 'x'.repeat(64))
    .replace('(delay)', 'deregistration_delay.timeout_seconds');
  return JSON.parse(json);
}

/** Rule | kind | path | value | place; the place of the object itself unless it names another one. */
const ROWS = table(
  5,
  `
  target-ports | Service | spec ports 0 targetPort | "web" | spec.ports[http].targetPort
  target-ports | Service | spec ports 0 targetPort | (gone) | spec.ports[http].targetPort
  selectors | Service | spec selector (app)name | "apis" | spec.selector
  selectors | PDB | spec selector matchLabels (app)name | "apis" | spec.selector
  selectors | PDB | spec selector | (gone) | spec.selector
  selectors | NetworkPolicy | spec podSelector matchLabels (app)name | "apis" | spec.podSelector
  selectors | HPA | spec scaleTargetRef name | "apis" | spec.scaleTargetRef
  selectors | HPA | spec scaleTargetRef apiVersion | "apps/v1beta1" | spec.scaleTargetRef
  selectors | Deployment | (pod) topologySpreadConstraints 0 labelSelector | {} | (pod).topologySpreadConstraints[zone].labelSelector
  selectors | Deployment | spec selector matchLabels | {"a":"b"} | spec.selector
  ways-in-lead-somewhere | Ingress | spec rules 0 http paths 0 backend service name | "apis" | spec.rules
  ways-in-lead-somewhere | Ingress | spec rules 0 http paths 0 backend service port | {"number":8080} | spec.rules
  one-way-in | Ingress | spec rules | [] | Service/api
  probe-ports | Deployment | (container) readinessProbe httpGet port | 9090 | (container).readinessProbe
  probe-ports | Deployment | (container) livenessProbe httpGet port | "health" | (container).livenessProbe
  probe-ports | Deployment | (container) startupProbe | (gone) | (container).startupProbe
  liveness-is-not-readiness | Deployment | (container) livenessProbe httpGet path | "/readyz" | (container).livenessProbe.httpGet.path
  probe-times | Deployment | (container) livenessProbe periodSeconds | 3 | (container).livenessProbe
  probe-times | Deployment | (container) readinessProbe timeoutSeconds | (gone) | (container).readinessProbe.timeoutSeconds
  pre-stop-sleep | Deployment | (container) lifecycle | (gone) | (container).lifecycle.preStop.sleep.seconds
  grace-period | Deployment | (pod) terminationGracePeriodSeconds | 34 | (pod).terminationGracePeriodSeconds
  grace-period | Deployment | (pod) terminationGracePeriodSeconds | (gone) | (pod).terminationGracePeriodSeconds
  grace-period | Deployment | (pod) terminationGracePeriodSeconds | 111 | (pod).terminationGracePeriodSeconds
  grace-period | ConfigMap | data DRAIN_SECONDS | "6" | Deployment/api (pod).terminationGracePeriodSeconds
  grace-period | ConfigMap | data DRAIN_SECONDS | (gone) | Deployment/api (container).envFrom
  never-below-capacity | Deployment | spec strategy rollingUpdate maxUnavailable | "25%" | spec.strategy.rollingUpdate.maxUnavailable
  never-below-capacity | Deployment | spec strategy | {"type":"Recreate"} | spec.strategy.type
  progress-deadline | Deployment | spec minReadySeconds | 120 | spec.minReadySeconds
  alb-target-type | Ingress | @target-type | (gone) | @target-type
  alb-target-type | Ingress | spec ingressClassName | "elb" | spec.ingressClassName
  alb-deregistration-delay | Ingress | @target-group-attributes | "(delay)=31" | @target-group-attributes
  alb-deregistration-delay | Ingress | @target-group-attributes | "(delay)=4" | @target-group-attributes
  alb-deregistration-delay | Ingress | @target-group-attributes | (gone) | @target-group-attributes
  alb-idle-timeout | Ingress | @load-balancer-attributes | "a=b, idle_timeout.timeout_seconds=72" | @load-balancer-attributes
  alb-backend-protocol | Ingress | @backend-protocol | "HTTPS" | @backend-protocol
  alb-health-check | Ingress | @healthcheck-path | "/livez" | @healthcheck-path
  alb-health-check | Ingress | @healthcheck-port | "traffic-port" | @healthcheck-port
  alb-health-check | Ingress | @healthcheck-port | (gone) | @healthcheck-port
  alb-health-check | Ingress | @healthcheck-port | "http" | @healthcheck-port
  alb-health-check | Ingress | @healthcheck-timeout-seconds | "10" | @healthcheck-timeout-seconds
  alb-slow-start | Ingress | @target-group-attributes | "slow_start.duration_seconds=30,load_balancing.algorithm.type=other" | @target-group-attributes
  one-owner-of-replicas | Deployment | spec replicas | 3 | spec.replicas
  autoscaled-annotation | Deployment | metadata annotations | {} | metadata.annotations[gitops-platform/autoscaled]
  autoscaler-range | HPA | spec maxReplicas | 2 | spec.maxReplicas
  autoscaler-range | HPA | spec minReplicas | (gone) | spec.minReplicas
  autoscaler-metrics | HPA | spec metrics 0 containerResource container | "apis" | spec.metrics[0].containerResource.container
  autoscaler-metrics | HPA | spec metrics 0 type | "Resource" | spec.metrics[0].type
  autoscaler-metrics | HPA | spec metrics | [] | spec.metrics
  autoscaler-metrics | Deployment | (container) resources requests cpu | (gone) | HPA/api spec.metrics[0].containerResource.name
  disruption-budget | PDB | spec maxUnavailable | 0 | spec.maxUnavailable
  disruption-budget | PDB | spec maxUnavailable | "0%" | spec.maxUnavailable
  disruption-budget | PDB | spec minAvailable | 1 | spec.minAvailable
  disruption-budget | PDB | spec unhealthyPodEvictionPolicy | (gone) | spec.unhealthyPodEvictionPolicy
  disruption-budget | HPA | spec minReplicas | 1 | PDB/api spec.selector
  resources | Deployment | (container) resources requests cpu | (gone) | (container).resources.requests.cpu
  resources | Deployment | (container) resources limits cpu | "500m" | (container).resources.limits.cpu
  resources | Deployment | (container) resources limits memory | "512Mi" | (container).resources.requests.memory
  resources | Deployment | (container) resources limits ephemeral-storage | (gone) | (container).resources.limits.ephemeral-storage
  resources | Deployment | (pod) initContainers | [{"name":"init"}] | (pod).initContainers[init].resources.requests.cpu
  image | Deployment | (container) image | "api:latest@(digest)" | (container).image
  image | Deployment | (container) image | "api:1.0.0" | (container).image
  image | Deployment | (container) image | "api@(digest)" | (container).image
  image | Deployment | (container) imagePullPolicy | "Always" | (container).imagePullPolicy
  identity | Deployment | (pod) serviceAccountName | (gone) | (pod).serviceAccountName
  identity | Deployment | (pod) automountServiceAccountToken | (gone) | (pod).automountServiceAccountToken
  identity | Deployment | (pod) enableServiceLinks | true | (pod).enableServiceLinks
  identity | ServiceAccount | automountServiceAccountToken | true | automountServiceAccountToken
  empty-dir-size | Deployment | (pod) volumes 0 emptyDir | {} | (pod).volumes[tmp].emptyDir.sizeLimit
  labels | ConfigMap | metadata labels (app)instance | (gone) | metadata.labels[(app)instance]
  labels | Deployment | spec template metadata labels (app)instance | (gone) | spec.template.metadata.labels[(app)instance]
  names-and-label-values | ConfigMap | metadata name | "(64)" | ConfigMap/(64) metadata.name
  names-and-label-values | ConfigMap | metadata labels helm.sh/chart | "api-1.0.0+build" | metadata.labels[helm.sh/chart]
  names-and-label-values | ConfigMap | metadata labels x | "(64)" | metadata.labels[x]
  annotations-are-text | Ingress | @group.order | 10 | @group.order
  no-version-in-selectors | Deployment | spec template metadata labels (app)version | "1" | spec.template.metadata.labels[(app)version]
  no-version-in-selectors | Deployment | spec selector matchLabels helm.sh/chart | "1" | spec.selector.matchLabels[helm.sh/chart]
  no-version-in-selectors | Service | spec selector (app)version | "1" | spec.selector[(app)version]
  configuration-is-text | ConfigMap | data PORT | 8080 | data.PORT
  `,
);

export const RULE_MISTAKES: readonly RuleMistake[] = ROWS.map(
  ([rule = '', kind = '', path = '', value = '', place = '']) => ({
    rule,
    kind: inFull(kind, 'keys'),
    path: inFull(path, 'keys'),
    value: valueOf(value),
    place: inFull(/^[A-Za-z]+\//.test(place) ? place : `${kind}/api ${place}`, 'place'),
  }),
);
