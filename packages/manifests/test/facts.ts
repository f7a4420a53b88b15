import { valueAt } from '@gitops/settings/yaml-file';
import type { KubernetesObject } from '../src/kubernetes/object.ts';
import { deployments, podSpecOf } from '../src/kubernetes/workload.ts';
import { timings } from '@gitops/service/timings';

type Objects = readonly KubernetesObject[];

const at = (objects: Objects, kind: string, ...keys: string[]): unknown => valueAt(objects.find((object) => object.kind === kind), keys);
const annotation = (objects: Objects, name: string): string | undefined => objects.find(({ kind }) => kind === 'Ingress')?.metadata.annotations?.[`alb.ingress.kubernetes.io/${name}`];
const attribute = (objects: Objects, name: string, key: string): string | undefined => annotation(objects, name)?.split(',').map((pair) => pair.split('=')).find(([found]) => found === key)?.[1];
const pod = (objects: Objects) => podSpecOf(deployments(objects)[0] ?? { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'none' } });
const container = (objects: Objects) => pod(objects).containers?.[0];
const environment = (objects: Objects, name: string): unknown => at(objects, 'ConfigMap', 'data', name);

/** The values of charts/fastify-service, as far as they are compared here. */
export interface Values {
  readonly image: { readonly repository: string; readonly tag: string; readonly digest: string };
  readonly host: string;
  readonly replicas: number;
  readonly autoscaling: { readonly enabled: boolean; readonly minReplicas: number; readonly maxReplicas: number; readonly targetCpuPercent: number };
  readonly port: number;
  readonly adminPort: number;
  readonly logLevel: string;
  readonly rollout: { readonly startupSeconds: number; readonly minReadySeconds: number; readonly progressDeadlineSeconds: number };
  readonly shutdown: { readonly preStopSeconds: number; readonly drainSeconds: number };
  readonly resources: { readonly cpu: string; readonly memory: string; readonly ephemeralStorage: string };
  readonly zoneSpread: string;
  readonly priorityClassName: string;
  readonly podDisruptionBudget: { readonly enabled: boolean };
  readonly ingress: {
    readonly enabled: boolean;
    readonly scheme: string;
    readonly https: boolean;
    readonly certificateArn: string;
    readonly tlsPolicy: string;
    readonly groupName: string;
    readonly groupOrder: number;
    readonly idleTimeoutSeconds: number;
    readonly deregistrationSeconds: number;
    readonly deletionProtection: boolean;
    readonly accessLogsBucket: string;
    readonly wafAclArn: string;
    readonly inboundCidrs: readonly string[];
  };
  readonly httpRoute: { readonly enabled: boolean; readonly gateway: { readonly name: string; readonly namespace: string } };
  readonly networkPolicy: { readonly loadBalancerCidrs: readonly string[]; readonly monitoringNamespace: string; readonly dnsCidrs: readonly string[]; readonly egress: readonly { readonly cidr: string; readonly port: number }[] };
  readonly serviceMonitor: { readonly enabled: boolean; readonly intervalSeconds: number };
  readonly externalSecret: { readonly enabled: boolean; readonly store: string; readonly key: string; readonly refreshInterval: string };
}

/** Something that an operator wants to know of a deployed service: as it is rendered, and as the values promise it. Nothing is undefined. */
interface Fact {
  readonly name: string;
  readonly rendered: (objects: Objects) => unknown;
  readonly promised: (values: Values) => unknown;
}

const fact = (name: string, rendered: Fact['rendered'], promised: Fact['promised']): Fact => ({ name, rendered, promised });

const behindAlb = <T>({ ingress }: Values, value: T): T | undefined => (ingress.enabled ? value : undefined);
const orNothing = (text: string): string | undefined => (text === '' ? undefined : text);

interface NetworkRule {
  readonly from?: readonly { readonly ipBlock?: { readonly cidr: string } }[];
  readonly to?: readonly { readonly ipBlock?: { readonly cidr: string } }[];
  readonly ports?: readonly { readonly port: number }[];
}
const rules = (objects: Objects, direction: string): readonly NetworkRule[] => (at(objects, 'NetworkPolicy', 'spec', direction) ?? []) as readonly NetworkRule[];
const networks = (peers: NetworkRule['from'] = []): string[] => peers.flatMap(({ ipBlock }) => ipBlock?.cidr ?? []);

export const FACTS: readonly Fact[] = [
  fact('image', (objects) => container(objects)?.image, ({ image }) => `${image.repository}:${image.tag}@${image.digest}`),
  fact('host', (objects) => at(objects, 'Ingress', 'spec', 'rules', '0', 'host') ?? at(objects, 'HTTPRoute', 'spec', 'hostnames', '0'), ({ host }) => host),
  fact('pods', (objects) => at(objects, 'Deployment', 'spec', 'replicas'), ({ autoscaling, replicas }) => (autoscaling.enabled ? undefined : replicas)),
  fact('fewest pods', (objects) => at(objects, 'HorizontalPodAutoscaler', 'spec', 'minReplicas'), ({ autoscaling }) => (autoscaling.enabled ? autoscaling.minReplicas : undefined)),
  fact('most pods', (objects) => at(objects, 'HorizontalPodAutoscaler', 'spec', 'maxReplicas'), ({ autoscaling }) => (autoscaling.enabled ? autoscaling.maxReplicas : undefined)),
  fact('CPU target', (objects) => at(objects, 'HorizontalPodAutoscaler', 'spec', 'metrics', '0', 'containerResource', 'target', 'averageUtilization'), ({ autoscaling }) => (autoscaling.enabled ? autoscaling.targetCpuPercent : undefined)),
  fact('ports of the pod', (objects) => container(objects)?.ports?.map(({ containerPort }) => containerPort).join(' '), ({ port, adminPort }) => `${port} ${adminPort}`),
  fact('ports that the service listens on', (objects) => `${String(environment(objects, 'PORT'))} ${String(environment(objects, 'ADMIN_PORT'))}`, ({ port, adminPort }) => `${port} ${adminPort}`),
  fact('health check port', (objects) => annotation(objects, 'healthcheck-port'), (values) => behindAlb(values, String(values.adminPort))),
  fact('log level', (objects) => environment(objects, 'LOG_LEVEL'), ({ logLevel }) => logLevel),
  fact('seconds to start', (objects) => Number(container(objects)?.startupProbe?.failureThreshold) * Number(container(objects)?.startupProbe?.periodSeconds), ({ rollout }) => rollout.startupSeconds),
  fact('seconds ready', (objects) => at(objects, 'Deployment', 'spec', 'minReadySeconds'), ({ rollout }) => rollout.minReadySeconds),
  fact('deadline of a rollout', (objects) => at(objects, 'Deployment', 'spec', 'progressDeadlineSeconds'), ({ rollout }) => rollout.progressDeadlineSeconds),
  fact('pause before SIGTERM', (objects) => container(objects)?.lifecycle?.preStop?.sleep?.seconds, ({ shutdown }) => shutdown.preStopSeconds),
  fact('drain', (objects) => environment(objects, 'DRAIN_SECONDS'), ({ shutdown }) => String(shutdown.drainSeconds)),
  // 3 s for requests that still run, which is timings.close, and 2 s to go.
  fact('grace period', (objects) => pod(objects).terminationGracePeriodSeconds, ({ shutdown }) => shutdown.preStopSeconds + shutdown.drainSeconds + timings.close + 2),
  fact('CPU', (objects) => container(objects)?.resources?.requests?.cpu, ({ resources }) => resources.cpu),
  fact('memory', (objects) => `${String(container(objects)?.resources?.requests?.memory)} ${String(container(objects)?.resources?.limits?.memory)}`, ({ resources }) => `${resources.memory} ${resources.memory}`),
  fact('disk', (objects) => `${String(container(objects)?.resources?.requests?.['ephemeral-storage'])} ${String(container(objects)?.resources?.limits?.['ephemeral-storage'])}`, ({ resources }) => `${resources.ephemeralStorage} ${resources.ephemeralStorage}`),
  fact('spread over zones', (objects) => pod(objects).topologySpreadConstraints?.find(({ topologyKey }) => topologyKey === 'topology.kubernetes.io/zone')?.whenUnsatisfiable, ({ zoneSpread }) => ({ required: 'DoNotSchedule', preferred: 'ScheduleAnyway' })[zoneSpread]),
  fact('priority', (objects) => valueAt(pod(objects), ['priorityClassName']), ({ priorityClassName }) => orNothing(priorityClassName)),
  fact('pods that a drain may take', (objects) => at(objects, 'PodDisruptionBudget', 'spec', 'maxUnavailable'), ({ podDisruptionBudget }) => (podDisruptionBudget.enabled ? 1 : undefined)),
  fact('load balancer', (objects) => annotation(objects, 'scheme'), (values) => behindAlb(values, values.ingress.scheme)),
  fact('listeners', (objects) => annotation(objects, 'listen-ports'), (values) => behindAlb(values, values.ingress.https ? '[{"HTTP": 80}, {"HTTPS": 443}]' : '[{"HTTP": 80}]')),
  fact('redirect to TLS', (objects) => annotation(objects, 'ssl-redirect'), (values) => behindAlb(values, values.ingress.https ? '443' : undefined)),
  fact('TLS policy', (objects) => annotation(objects, 'ssl-policy'), (values) => behindAlb(values, values.ingress.https ? values.ingress.tlsPolicy : undefined)),
  fact('certificate', (objects) => annotation(objects, 'certificate-arn'), (values) => behindAlb(values, orNothing(values.ingress.certificateArn))),
  fact('group', (objects) => annotation(objects, 'group.name'), (values) => behindAlb(values, orNothing(values.ingress.groupName))),
  fact('place in the group', (objects) => annotation(objects, 'group.order'), (values) => behindAlb(values, values.ingress.groupName === '' ? undefined : String(values.ingress.groupOrder))),
  fact('idle timeout', (objects) => attribute(objects, 'load-balancer-attributes', 'idle_timeout.timeout_seconds'), (values) => behindAlb(values, String(values.ingress.idleTimeoutSeconds))),
  fact('deregistration', (objects) => attribute(objects, 'target-group-attributes', 'deregistration_delay.timeout_seconds'), (values) => behindAlb(values, String(values.ingress.deregistrationSeconds))),
  // An attribute that is left out keeps what it was, so the off value is written too.
  fact('protected from deletion', (objects) => attribute(objects, 'load-balancer-attributes', 'deletion_protection.enabled'), (values) => behindAlb(values, String(values.ingress.deletionProtection))),
  fact('access log', (objects) => attribute(objects, 'load-balancer-attributes', 'access_logs.s3.enabled'), (values) => behindAlb(values, String(values.ingress.accessLogsBucket !== ''))),
  fact('bucket of the access log', (objects) => attribute(objects, 'load-balancer-attributes', 'access_logs.s3.bucket'), (values) => behindAlb(values, orNothing(values.ingress.accessLogsBucket))),
  fact('web ACL', (objects) => annotation(objects, 'wafv2-acl-arn'), (values) => behindAlb(values, orNothing(values.ingress.wafAclArn))),
  fact('clients', (objects) => annotation(objects, 'inbound-cidrs'), (values) => behindAlb(values, orNothing(values.ingress.inboundCidrs.join(',')))),
  fact('gateway', (objects) => at(objects, 'HTTPRoute', 'spec', 'parentRefs', '0', 'name'), ({ httpRoute }) => (httpRoute.enabled ? httpRoute.gateway.name : undefined)),
  fact('namespace of the gateway', (objects) => at(objects, 'HTTPRoute', 'spec', 'parentRefs', '0', 'namespace'), ({ httpRoute }) => (httpRoute.enabled ? httpRoute.gateway.namespace : undefined)),
  fact('way in from', (objects) => networks(rules(objects, 'ingress')[0]?.from).join(' '), ({ networkPolicy }) => networkPolicy.loadBalancerCidrs.join(' ')),
  fact('way in to', (objects) => rules(objects, 'ingress').map(({ ports = [] }) => ports.map(({ port }) => port).join(' ')).join(', '), ({ port, adminPort }) => `${port} ${adminPort}, ${adminPort}`),
  fact('metrics read from', (objects) => at(objects, 'NetworkPolicy', 'spec', 'ingress', '1', 'from', '0', 'namespaceSelector', 'matchLabels', 'kubernetes.io/metadata.name'), ({ networkPolicy }) => networkPolicy.monitoringNamespace),
  fact('DNS servers', (objects) => networks(rules(objects, 'egress')[0]?.to).join(' '), ({ networkPolicy }) => networkPolicy.dnsCidrs.join(' ')),
  fact('ways out', (objects) => rules(objects, 'egress').slice(1).map(({ to, ports }) => `${networks(to).join(' ')} ${String(ports?.[0]?.port)}`).join(', '), ({ networkPolicy }) => networkPolicy.egress.map(({ cidr, port }) => `${cidr} ${port}`).join(', ')),
  fact('metrics every', (objects) => at(objects, 'ServiceMonitor', 'spec', 'endpoints', '0', 'interval'), ({ serviceMonitor }) => (serviceMonitor.enabled ? `${serviceMonitor.intervalSeconds}s` : undefined)),
  fact('store of the secret', (objects) => at(objects, 'ExternalSecret', 'spec', 'secretStoreRef', 'name'), ({ externalSecret }) => (externalSecret.enabled ? externalSecret.store : undefined)),
  fact('key of the secret', (objects) => at(objects, 'ExternalSecret', 'spec', 'dataFrom', '0', 'extract', 'key'), ({ externalSecret }) => (externalSecret.enabled ? externalSecret.key : undefined)),
  fact('secret read every', (objects) => at(objects, 'ExternalSecret', 'spec', 'refreshInterval'), ({ externalSecret }) => (externalSecret.enabled ? externalSecret.refreshInterval : undefined)),
  fact('secret in the environment', (objects) => container(objects)?.envFrom?.some(({ secretRef }) => secretRef !== undefined), ({ externalSecret }) => externalSecret.enabled),
];

/** The facts in which what is rendered is not what the values promise: name, promised, rendered. */
export const brokenPromises = (values: Values, objects: Objects): string[] =>
  FACTS.flatMap(({ name, rendered, promised }) => {
    const [is, should] = [rendered(objects), promised(values)];
    return is === should ? [] : [`${name}: promised ${String(should)}, rendered ${String(is)}`];
  });
