import { timings } from '@gitops/service/timings';
import { valueAt } from '@gitops/settings/yaml-file';
import type { KubernetesObject } from '../src/kubernetes/object.ts';
import { type Container, deployments, jobs, type PodSpec, podSpecOf } from '../src/kubernetes/workload.ts';
import type { Values } from './chart-values.ts';

type Objects = readonly KubernetesObject[];

/**
 * Something that an operator wants to know of a deployed service: as it is rendered, and as the values promise it.
 * Nothing is undefined.
 */
interface Fact {
  readonly name: string;
  readonly rendered: (objects: Objects) => unknown;
  readonly promised: (values: Values) => unknown;
}

type Rendered = Fact['rendered'];
type Promised = Fact['promised'];

const fact = (name: string, rendered: Rendered, promised: Promised): Fact => ({ name, rendered, promised });

/** Facts of what is found among the objects, each read by a path such as rules.0.host or by a function. */
const factsOf =
  <Found>(find: (objects: Objects) => Found) =>
  (name: string, read: string | ((found: Found) => unknown), promised: Promised): Fact => {
    const get = typeof read === 'string' ? (found: Found) => valueAt(found, read.split('.')) : read;
    return fact(name, (objects) => get(find(objects)), promised);
  };

const ofKind = (objects: Objects, kind: string): KubernetesObject | undefined =>
  objects.find((object) => object.kind === kind);
const specOf =
  (kind: string, ...keys: string[]) =>
  (objects: Objects): unknown =>
    valueAt(ofKind(objects, kind), ['spec', ...keys]);

// Workloads.

const NO_DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'none' } };
const NO_CONTAINER = { name: 'none' };
const podOf = (objects: Objects): PodSpec => podSpecOf(deployments(objects)[0] ?? NO_DEPLOYMENT);
const containerOf = (objects: Objects): Container => podOf(objects).containers?.[0] ?? NO_CONTAINER;

const checkOf = (objects: Objects): Container =>
  podSpecOf(jobs(objects)[0] ?? NO_DEPLOYMENT).containers?.[0] ?? NO_CONTAINER;

const ofDeployment = factsOf(specOf('Deployment'));
const ofPod = factsOf(podOf);
const ofContainer = factsOf(containerOf);
const ofConfigMap = factsOf((objects) => valueAt(ofKind(objects, 'ConfigMap'), ['data']));

const zoneSpread = ({ topologySpreadConstraints }: PodSpec): string | undefined =>
  topologySpreadConstraints?.find(({ topologyKey }) => topologyKey === 'topology.kubernetes.io/zone')
    ?.whenUnsatisfiable;
const ZONE_SPREAD: Readonly<Record<string, string>> = { required: 'DoNotSchedule', preferred: 'ScheduleAnyway' };

const containerPorts = ({ ports }: Container): string | undefined =>
  ports?.map(({ containerPort }) => containerPort).join(' ');
const configuredPorts = (data: unknown): string =>
  `${String(valueAt(data, ['PORT']))} ${String(valueAt(data, ['ADMIN_PORT']))}`;
const bothPorts = ({ port, adminPort }: Values): string => `${port} ${adminPort}`;

const startupSeconds = ({ startupProbe }: Container): number =>
  Number(startupProbe?.failureThreshold) * Number(startupProbe?.periodSeconds);
const hasSecret = ({ envFrom }: Container): boolean | undefined =>
  envFrom?.some(({ secretRef }) => secretRef !== undefined);
const requestAndLimit =
  (name: string) =>
  ({ resources }: Container): string =>
    `${String(resources?.requests?.[name])} ${String(resources?.limits?.[name])}`;
const twice = (value: string): string => `${value} ${value}`;

// What one part of the values switches on.

type Switch = 'autoscaling' | 'check' | 'podDisruptionBudget' | 'ingress' | 'httpRoute' | 'externalSecret';

const ifEnabled =
  <Part extends Switch>(part: Part, promised: (values: Values[Part], all: Values) => unknown): Promised =>
  (all) =>
    all[part].enabled ? promised(all[part], all) : undefined;

const ofSwitched =
  <Part extends Switch>(kind: string, part: Part) =>
  (name: string, path: string, promised: (values: Values[Part]) => unknown): Fact =>
    factsOf(specOf(kind))(name, path, ifEnabled(part, promised));
const ofCheck = (name: string, variable: string, promised: (values: Values) => unknown): Fact =>
  fact(
    name,
    (objects) => checkOf(objects).env?.find((each) => each.name === variable)?.value,
    ifEnabled('check', (_, all) => promised(all)),
  );
const CPU_TARGET = 'metrics.0.containerResource.target';
const ofAutoscaler = ofSwitched('HorizontalPodAutoscaler', 'autoscaling');
const ofDisruptionBudget = ofSwitched('PodDisruptionBudget', 'podDisruptionBudget');
const ofHttpRoute = ofSwitched('HTTPRoute', 'httpRoute');
const ofExternalSecret = ofSwitched('ExternalSecret', 'externalSecret');

// The annotations of the Ingress.

type IngressPromise = (ingress: Values['ingress'], all: Values) => unknown;

const orNothing = (text: string): string | undefined => (text === '' ? undefined : text);
const annotation = (objects: Objects, name: string): string | undefined =>
  ofKind(objects, 'Ingress')?.metadata.annotations?.[`alb.ingress.kubernetes.io/${name}`];
const attribute = (list: string | undefined, key: string): string | undefined => {
  const pairs = list?.split(',').map((pair) => pair.split('='));
  return pairs?.find(([found]) => found === key)?.[1];
};

const ofIngress = (name: string, key: string, promised: IngressPromise): Fact =>
  fact(name, (objects) => annotation(objects, key), ifEnabled('ingress', promised));
const ofAttributes =
  (list: string) =>
  (name: string, key: string, promised: IngressPromise): Fact =>
    fact(name, (objects) => attribute(annotation(objects, list), key), ifEnabled('ingress', promised));
const ofLoadBalancer = ofAttributes('load-balancer-attributes');
const ofTargetGroup = ofAttributes('target-group-attributes');

const HTTP = '{"HTTP": 80}';
const HTTPS = '{"HTTPS": 443}';

// The NetworkPolicy.

interface Peer {
  readonly ipBlock?: { readonly cidr: string };
  readonly namespaceSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
}
interface NetworkRule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { readonly port: number }[];
}
type NetworkRules = readonly NetworkRule[];

/** Of the service's own policy; the check has another. */
const rulesOf = (direction: string) => (objects: Objects) => {
  const [service] = deployments(objects);
  const ofService = objects.filter(({ metadata }) => metadata.name === service?.metadata.name);
  return (specOf('NetworkPolicy', direction)(ofService) ?? []) as NetworkRules;
};
const ofWaysIn = factsOf(rulesOf('ingress'));
const ofWaysOut = factsOf(rulesOf('egress'));

const networks = (peers: readonly Peer[] = []): string => peers.flatMap(({ ipBlock }) => ipBlock?.cidr ?? []).join(' ');
const clients = ([first]: NetworkRules): string => networks(first?.from);
const portsIn = (rules: NetworkRules): string =>
  rules.map(({ ports = [] }) => ports.map(({ port }) => port).join(' ')).join(', ');
const monitoring = ([, second]: NetworkRules): string | undefined =>
  second?.from?.[0]?.namespaceSelector?.matchLabels?.['kubernetes.io/metadata.name'];
const dnsServers = ([first]: NetworkRules): string => networks(first?.to);
const otherWaysOut = ([, ...others]: NetworkRules): string =>
  others.map(({ to, ports }) => `${networks(to)} ${String(ports?.[0]?.port)}`).join(', ');

const hostsOf: Rendered = (objects) => {
  const rules = specOf('Ingress', 'rules')(objects) as readonly { readonly host?: string }[] | undefined;
  const hosts = rules?.map(({ host }) => host) ?? (specOf('HTTPRoute', 'hostnames')(objects) as readonly string[]);
  return hosts.join(' ');
};

/** What the chart itself sets. */
const OWN_SETTINGS = 'ADMIN_PORT DRAIN_SECONDS FAULTS HOST LOG_LEVEL NODE_ENV PORT UV_THREADPOOL_SIZE'.split(' ');

/** Every setting of the service that has no value of its own, in the order of its name. */
const furtherSettings: Rendered = (objects) => {
  const data = valueAt(ofKind(objects, 'ConfigMap'), ['data']) as Readonly<Record<string, string>>;
  return settings(Object.fromEntries(Object.entries(data).filter(([name]) => !OWN_SETTINGS.includes(name))));
};
const settings = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(' ');

/** The Service as the check names it. */
const CHECKED = 'http://fastify-service.fastify-service.svc';

export const FACTS: readonly Fact[] = [
  fact('hosts', hostsOf, ({ host, additionalHosts }) => [host, ...additionalHosts].join(' ')),

  ofDeployment('pods', 'replicas', ({ autoscaling, replicas }) => (autoscaling.enabled ? undefined : replicas)),
  ofDeployment('seconds ready', 'minReadySeconds', ({ rollout }) => rollout.minReadySeconds),
  ofDeployment('deadline of a rollout', 'progressDeadlineSeconds', ({ rollout }) => rollout.progressDeadlineSeconds),

  // 3 s for requests that still run, which is timings.close, and 2 s to go.
  ofPod(
    'grace period',
    'terminationGracePeriodSeconds',
    ({ shutdown }) => shutdown.preStopSeconds + shutdown.drainSeconds + timings.close + 2,
  ),
  ofPod('spread over zones', zoneSpread, (values) => ZONE_SPREAD[values.zoneSpread]),
  ofPod('priority', 'priorityClassName', ({ priorityClassName }) => orNothing(priorityClassName)),

  ofContainer('image', 'image', ({ image }) =>
    // Without a digest where the tag is a commit, as in previews.
    [`${image.repository}:${image.tag}`, image.digest].filter((part) => part !== '').join('@'),
  ),
  ofContainer('ports of the pod', containerPorts, bothPorts),
  ofContainer('seconds to start', startupSeconds, ({ rollout }) => rollout.startupSeconds),
  ofContainer('pause before SIGTERM', 'lifecycle.preStop.sleep.seconds', ({ shutdown }) => shutdown.preStopSeconds),
  ofContainer('CPU', 'resources.requests.cpu', ({ resources }) => resources.cpu),
  ofContainer('memory', requestAndLimit('memory'), ({ resources }) => twice(resources.memory)),
  ofContainer('disk', requestAndLimit('ephemeral-storage'), ({ resources }) => twice(resources.ephemeralStorage)),
  ofContainer('secret in the environment', hasSecret, ({ externalSecret }) => externalSecret.enabled),

  ofConfigMap('ports that the service listens on', configuredPorts, bothPorts),
  ofConfigMap('log level', 'LOG_LEVEL', ({ logLevel }) => logLevel),
  ofConfigMap('fault switches', 'FAULTS', ({ faults }) => (faults ? 'on' : undefined)),
  fact('further settings', furtherSettings, ({ environment }) => settings(environment)),
  ofConfigMap('drain', 'DRAIN_SECONDS', ({ shutdown }) => String(shutdown.drainSeconds)),

  ofCheck('what the check asks for', 'API_URL', ({ check }) => `${CHECKED}${check.path}`),
  ofCheck('where the check finds the version', 'METRICS_URL', ({ adminPort }) => `${CHECKED}:${adminPort}/metrics`),
  ofCheck('version that the check waits for', 'VERSION', ({ image }) => image.tag),
  ofCheck('patience of the check', 'PATIENCE_SECONDS', ({ rollout }) => String(rollout.progressDeadlineSeconds)),
  ofCheck('deadline of the check', 'DEADLINE_SECONDS', ({ check }) => String(check.deadlineSeconds)),
  fact(
    'limit of a check that does not start',
    specOf('Job', 'activeDeadlineSeconds'),
    ifEnabled('check', ({ deadlineSeconds }) => deadlineSeconds + 60),
  ),
  fact(
    'priority of the check',
    specOf('Job', 'template', 'spec', 'priorityClassName'),
    ifEnabled('check', (_, { priorityClassName }) => orNothing(priorityClassName)),
  ),
  fact(
    'image of the check',
    (objects) => jobs(objects).length === 0 || checkOf(objects).image === containerOf(objects).image,
    () => true,
  ),

  ofAutoscaler('fewest pods', 'minReplicas', ({ minReplicas }) => minReplicas),
  ofAutoscaler('most pods', 'maxReplicas', ({ maxReplicas }) => maxReplicas),
  ofAutoscaler('CPU target', `${CPU_TARGET}.averageUtilization`, ({ targetCpuPercent }) => targetCpuPercent),
  ofDisruptionBudget('pods that a drain may take', 'maxUnavailable', () => 1),

  ofIngress('health check port', 'healthcheck-port', (_, { adminPort }) => String(adminPort)),
  ofIngress('load balancer', 'scheme', ({ scheme }) => scheme),
  ofIngress('listeners', 'listen-ports', ({ https }) => (https ? `[${HTTP}, ${HTTPS}]` : `[${HTTP}]`)),
  ofIngress('redirect to TLS', 'ssl-redirect', ({ https }) => (https ? '443' : undefined)),
  ofIngress('TLS policy', 'ssl-policy', ({ https, tlsPolicy }) => (https ? tlsPolicy : undefined)),
  ofIngress('certificate', 'certificate-arn', ({ certificateArn }) => orNothing(certificateArn)),
  ofIngress('group', 'group.name', ({ groupName }) => orNothing(groupName)),
  ofIngress('place in the group', 'group.order', (alb) => (alb.groupName === '' ? undefined : String(alb.groupOrder))),
  ofIngress('web ACL', 'wafv2-acl-arn', ({ wafAclArn }) => orNothing(wafAclArn)),
  ofIngress('clients', 'inbound-cidrs', ({ inboundCidrs }) => orNothing(inboundCidrs.join(','))),

  ofTargetGroup('deregistration', 'deregistration_delay.timeout_seconds', (alb) => String(alb.deregistrationSeconds)),
  ofLoadBalancer('idle timeout', 'idle_timeout.timeout_seconds', (alb) => String(alb.idleTimeoutSeconds)),
  // An attribute that is left out keeps what it was, so the off value is written too.
  ofLoadBalancer('protected from deletion', 'deletion_protection.enabled', (alb) => String(alb.deletionProtection)),
  ofLoadBalancer('access log', 'access_logs.s3.enabled', (alb) => String(alb.accessLogsBucket !== '')),
  ofLoadBalancer('bucket of the access log', 'access_logs.s3.bucket', (alb) => orNothing(alb.accessLogsBucket)),

  ofHttpRoute('gateway', 'parentRefs.0.name', ({ gateway }) => gateway.name),
  ofHttpRoute('namespace of the gateway', 'parentRefs.0.namespace', ({ gateway }) => gateway.namespace),

  ofWaysIn('way in from', clients, ({ networkPolicy }) => networkPolicy.loadBalancerCidrs.join(' ')),
  ofWaysIn('way in to', portsIn, ({ port, adminPort, check }) =>
    [`${port} ${adminPort}`, `${adminPort}`, ...(check.enabled ? [`${port} ${adminPort}`] : [])].join(', '),
  ),
  ofWaysIn('metrics read from', monitoring, ({ networkPolicy }) => networkPolicy.monitoringNamespace),
  ofWaysOut('DNS servers', dnsServers, ({ networkPolicy }) => networkPolicy.dnsCidrs.join(' ')),
  ofWaysOut('ways out', otherWaysOut, ({ networkPolicy }) =>
    Object.entries(networkPolicy.egress)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { cidrs, port }]) => `${cidrs.join(' ')} ${port}`)
      .join(', '),
  ),

  ofExternalSecret('store of the secret', 'secretStoreRef.name', ({ store }) => store),
  ofExternalSecret('key of the secret', 'dataFrom.0.extract.key', ({ key }) => key),
  ofExternalSecret('secret read every', 'refreshInterval', ({ refreshInterval }) => refreshInterval),
];

/** The facts in which what is rendered is not what the values promise: name, promised, rendered. */
export const brokenPromises = (values: Values, objects: Objects): string[] =>
  FACTS.flatMap(({ name, rendered, promised }) => {
    const [is, should] = [rendered(objects), promised(values)];
    return is === should ? [] : [`${name}: promised ${String(should)}, rendered ${String(is)}`];
  });
