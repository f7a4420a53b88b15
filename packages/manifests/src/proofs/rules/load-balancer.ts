import type { KubernetesObject } from '../../kubernetes/object.ts';
import {
  type Container,
  containersOf,
  type Ingress,
  ingresses,
  portNumber,
  type Service,
  type ServiceBackend,
  type Workload,
} from '../../kubernetes/workload.ts';
import { OUR_SERVICE } from '../our-service.ts';
import type { Problem } from '../problem.ts';
import { preStopSeconds } from './rollout.ts';
import { configMapNamed, environmentNumber, problem, type Rule, seen, serviceNamed, workloadsBehind } from './rule.ts';
import { backendsOfIngress } from './ways-in.ts';

// Ingresses of AWS Load Balancer Controller. Their settings are strings in annotations, which nothing else checks.

const PREFIX = 'alb.ingress.kubernetes.io/';

// Defaults of the controller and of Elastic Load Balancing.
const DEFAULT = {
  healthCheckPath: '/',
  healthCheckPort: 'traffic-port',
  interval: 15,
  timeout: 5,
  deregistrationDelay: 300,
  idleTimeout: 60,
  targetType: 'instance',
  algorithm: 'round_robin',
  backendProtocol: 'HTTP',
};

const annotation = ({ metadata }: KubernetesObject, name: string): string | undefined =>
  metadata.annotations?.[PREFIX + name];

/** A problem with one of these annotations. */
const annotationProblem = (ingress: Ingress, name: string, rule: string): Problem =>
  problem(ingress, `metadata.annotations[${PREFIX}${name}]`, rule);

/** One of the attributes that an annotation lists as `a=1,b=2`. */
function attribute(object: KubernetesObject, list: string, name: string): string | undefined {
  const pairs = (annotation(object, list) ?? '').split(',').map((pair) => pair.trim().split('='));
  return pairs.find(([key]) => key === name)?.[1];
}

interface Backend {
  readonly ingress: Ingress;
  readonly service: Service;
  readonly workload: Workload;
  readonly container: Container;
  /** The number of the container port that the load balancer sends requests to. */
  readonly port: number | undefined;
}

/** The containers behind an Ingress, by way of its Services: only those that have the port. */
function containersBehind(ingress: Ingress, objects: readonly KubernetesObject[]): Backend[] {
  const found: Backend[] = [];
  for (const { name, port: wanted } of backendsOfIngress(ingress)) {
    const service = serviceNamed(ingress, name, objects);
    const entry = service === undefined ? undefined : servicePort(service, wanted);
    if (service === undefined || entry === undefined) continue;
    for (const workload of workloadsBehind(service, objects)) {
      const port = portNumber(workload, entry.targetPort ?? entry.port);
      const listening = containersOf(workload).filter(({ ports = [] }) =>
        ports.some(({ containerPort }) => containerPort === port),
      );
      for (const container of listening) found.push({ ingress, service, workload, container, port });
    }
  }
  return found;
}

const servicePort = ({ spec }: Service, wanted: ServiceBackend['port']) =>
  spec?.ports?.find(({ name, port }) => (wanted?.name === undefined ? port === wanted?.number : name === wanted.name));

const eachBackend =
  (check: (backend: Backend, objects: readonly KubernetesObject[]) => Problem[]): Rule['check'] =>
  (objects) =>
    ingresses(objects)
      .flatMap((ingress) => containersBehind(ingress, objects))
      .flatMap((backend) => check(backend, objects));

const eachIngress =
  (check: (ingress: Ingress) => Problem[]): Rule['check'] =>
  (objects) =>
    ingresses(objects).flatMap(check);

const targetType: Rule = {
  name: 'alb-target-type',
  intent: 'The default targets nodes: pods get no readiness gate, and kube-proxy may choose a pod that is stopping.',
  check: eachIngress((ingress) => {
    const problems: Problem[] = [];
    const { ingressClassName } = ingress.spec ?? {};
    const type = annotation(ingress, 'target-type') ?? DEFAULT.targetType;
    if (ingressClassName !== 'alb')
      problems.push(problem(ingress, 'spec.ingressClassName', `must be alb ${seen(ingressClassName)}`));
    if (type !== 'ip') problems.push(annotationProblem(ingress, 'target-type', `must be ip ${seen(type)}`));
    return problems;
  }),
};

const drain: Rule = {
  name: 'alb-deregistration-delay',
  intent: 'A shorter delay cuts off requests that are still answered; a longer one waits for a pod that is gone.',
  check: eachBackend(({ ingress, workload, container }, objects) => {
    const { drainVariable } = OUR_SERVICE;
    const name = 'deregistration_delay.timeout_seconds';
    const delay = Number(attribute(ingress, 'target-group-attributes', name) ?? DEFAULT.deregistrationDelay);
    const drains = environmentNumber(workload, container, drainVariable, objects);
    const preStop = preStopSeconds(container);
    // A program that neither waits nor drains, such as Argo CD's, keeps its connections for as long as it likes.
    if (drains === undefined && preStop === undefined) return [];
    const drainSeconds = drains ?? 0;
    const longest = (preStop ?? 0) + drainSeconds;
    if (delay >= drainSeconds && delay <= longest) return [];
    const bounds = `${drainVariable} ${drainSeconds} and preStop + ${drainVariable} ${longest}`;
    const rule = `${name} must lie between ${bounds} ${seen(delay)}`;
    return [annotationProblem(ingress, 'target-group-attributes', rule)];
  }),
};

const backendProtocol: Rule = {
  name: 'alb-backend-protocol',
  intent:
    'Argo CD answers HTTP with a redirect to HTTPS, unless it is told that somebody else ends TLS: an endless loop.',
  check: eachBackend(({ ingress, service, workload, container }, objects) => {
    const name = 'backend-protocol';
    const insecure = insecureOf(workload, container, objects);
    const expected = insecure === undefined || insecure ? 'HTTP' : 'HTTPS';
    const protocol = annotation(service, name) ?? annotation(ingress, name) ?? DEFAULT.backendProtocol;
    if (protocol === expected) return [];
    const why =
      insecure === undefined
        ? 'the container speaks no TLS'
        : `configs.params "server.insecure" is ${String(insecure)}: Argo CD ${insecure ? 'speaks no TLS' : 'redirects HTTP to HTTPS, again and again'}`;
    return [annotationProblem(ingress, name, `must be ${expected}, since ${why} ${seen(protocol)}`)];
  }),
};

const INSECURE = 'ARGOCD_SERVER_INSECURE';

/** Whether Argo CD's server leaves TLS to a load balancer; undefined for any other program. */
function insecureOf(
  workload: Workload,
  { env = [], args = [] }: Container,
  objects: readonly KubernetesObject[],
): boolean | undefined {
  const variable = env.find(({ name }) => name === INSECURE);
  if (variable === undefined) return undefined;
  const { name, key = '' } = variable.valueFrom?.configMapKeyRef ?? {};
  const value = variable.value ?? configMapNamed(workload, name, objects)?.data?.[key];
  return value === 'true' || args.includes('--insecure');
}

/** @param keepAliveSeconds how long the service keeps an idle connection */
const idleTimeout = (keepAliveSeconds: number): Rule => ({
  name: 'alb-idle-timeout',
  intent:
    'A load balancer that keeps connections longer than the service sends requests down closed ones and answers 502.',
  check: eachIngress((ingress) => {
    const name = 'idle_timeout.timeout_seconds';
    const timeout = Number(attribute(ingress, 'load-balancer-attributes', name) ?? DEFAULT.idleTimeout);
    if (timeout < keepAliveSeconds) return [];
    const rule = `${name} must be less than the service's keep-alive ${keepAliveSeconds} ${seen(timeout)}`;
    return [annotationProblem(ingress, 'load-balancer-attributes', rule)];
  }),
});

const healthCheck: Rule = {
  name: 'alb-health-check',
  intent: 'A load balancer that does not ask what the readiness probe asks has its own idea of which pods are healthy.',
  check: eachBackend((backend) => {
    const { ingress, workload, container } = backend;
    const problems: Problem[] = [];
    const interval = Number(annotation(ingress, 'healthcheck-interval-seconds') ?? DEFAULT.interval);
    const timeout = Number(annotation(ingress, 'healthcheck-timeout-seconds') ?? DEFAULT.timeout);
    if (timeout >= interval) {
      const rule = `must be less than the interval ${interval} ${seen(timeout)}`;
      problems.push(annotationProblem(ingress, 'healthcheck-timeout-seconds', rule));
    }
    const probe = container.readinessProbe?.httpGet;
    const path = annotation(ingress, 'healthcheck-path') ?? DEFAULT.healthCheckPath;
    if (path !== probe?.path) {
      const rule = `must be the readiness probe's, ${String(probe?.path)} ${seen(path)}`;
      problems.push(annotationProblem(ingress, 'healthcheck-path', rule));
    }
    const wanted = annotation(ingress, 'healthcheck-port') ?? DEFAULT.healthCheckPort;
    const checked = healthCheckPort(backend, wanted);
    const probed = portNumber(workload, probe?.port);
    if (checked === undefined || checked !== probed) {
      const rule = `must be the readiness probe's, ${String(probed)} ${seen(wanted)}`;
      problems.push(annotationProblem(ingress, 'healthcheck-port', rule));
    }
    return problems;
  }),
};

/** The container port that a health check asks. With `ip` targets a name is one of the Service's ports. */
function healthCheckPort({ service, workload, port }: Backend, wanted: string): number | undefined {
  if (wanted === DEFAULT.healthCheckPort) return port;
  if (/^\d+$/.test(wanted)) return Number(wanted);
  const named = service.spec?.ports?.find(({ name }) => name === wanted);
  return portNumber(workload, named?.targetPort ?? named?.port);
}

const slowStart: Rule = {
  name: 'alb-slow-start',
  intent: 'AWS refuses slow start with least outstanding requests, and the controller then changes nothing at all.',
  check: eachIngress((ingress) => {
    const list = 'target-group-attributes';
    const seconds = Number(attribute(ingress, list, 'slow_start.duration_seconds') ?? 0);
    const algorithm = attribute(ingress, list, 'load_balancing.algorithm.type') ?? DEFAULT.algorithm;
    if (seconds <= 0 || algorithm === DEFAULT.algorithm) return [];
    const needs = `slow_start.duration_seconds needs the algorithm ${DEFAULT.algorithm}`;
    return [annotationProblem(ingress, list, `${needs} ${seen(annotation(ingress, list))}`)];
  }),
};

export const loadBalancerRules = (keepAliveSeconds: number): Rule[] => [
  targetType,
  drain,
  backendProtocol,
  idleTimeout(keepAliveSeconds),
  healthCheck,
  slowStart,
];
