import type { KubernetesObject } from '../../kubernetes/object.ts';
import {
  type Container,
  containersOf,
  type Ingress,
  ingresses,
  portNumber,
  type Service,
  type Workload,
} from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { preStopSeconds } from './rollout.ts';
import { environmentNumber, problem, type Rule, seen, serviceNamed, workloadsBehind } from './rule.ts';

// Ingresses of AWS Load Balancer Controller. Their settings are texts in annotations, which nothing else checks.

const PREFIX = 'alb.ingress.kubernetes.io/';
const pathOf = (name: string): string => `metadata.annotations[${PREFIX}${name}]`;

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
};

const annotation = ({ metadata }: KubernetesObject, name: string): string | undefined =>
  metadata.annotations?.[PREFIX + name];

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

/** The containers behind an Ingress, by way of its Services. Only the container that has the port is meant. */
function backendsOf(ingress: Ingress, objects: readonly KubernetesObject[]): Backend[] {
  const { defaultBackend, rules = [] } = ingress.spec ?? {};
  const listed = [defaultBackend, ...rules.flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend))];
  return listed.flatMap((backend) => {
    const service = serviceNamed(ingress, backend?.service?.name, objects);
    const entry = service?.spec?.ports?.find(({ name, port }) =>
      backend?.service?.port?.name === undefined
        ? port === backend?.service?.port?.number
        : name === backend.service.port.name,
    );
    if (service === undefined || entry === undefined) return [];
    return workloadsBehind(service, objects).flatMap((workload) => {
      const port = portNumber(workload, entry.targetPort ?? entry.port);
      return containersOf(workload)
        .filter(({ ports = [] }) => ports.some(({ containerPort }) => containerPort === port))
        .map((container) => ({ ingress, service, workload, container, port }));
    });
  });
}

const eachBackend =
  (check: (backend: Backend, objects: readonly KubernetesObject[]) => Problem[]) =>
  (objects: readonly KubernetesObject[]): Problem[] =>
    ingresses(objects).flatMap((ingress) => backendsOf(ingress, objects).flatMap((backend) => check(backend, objects)));

const targetType: Rule = {
  name: 'alb-target-type',
  intent:
    'The default sends requests to nodes: pods then get no readiness gate, and kube-proxy may send them on to a pod that is going.',
  check: (objects) =>
    ingresses(objects).flatMap((ingress) => {
      const type = annotation(ingress, 'target-type') ?? DEFAULT.targetType;
      return [
        ...(ingress.spec?.ingressClassName === 'alb'
          ? []
          : [problem(ingress, 'spec.ingressClassName', `must be alb ${seen(ingress.spec?.ingressClassName)}`)]),
        ...(type === 'ip' ? [] : [problem(ingress, pathOf('target-type'), `must be ip ${seen(type)}`)]),
      ];
    }),
};

const drain: Rule = {
  name: 'alb-deregistration-delay',
  intent: 'A shorter delay cuts requests that are still answered; a longer one waits for a pod that is gone.',
  check: eachBackend(({ ingress, workload, container }, objects) => {
    const name = 'deregistration_delay.timeout_seconds';
    const delay = Number(attribute(ingress, 'target-group-attributes', name) ?? DEFAULT.deregistrationDelay);
    const drainSeconds = environmentNumber(workload, container, 'DRAIN_SECONDS', objects) ?? 0;
    const longest = (preStopSeconds(container) ?? 0) + drainSeconds;
    return delay >= drainSeconds && delay <= longest
      ? []
      : [
          problem(
            ingress,
            pathOf('target-group-attributes'),
            `${name} must lie between DRAIN_SECONDS ${drainSeconds} and preStop + DRAIN_SECONDS ${longest} ${seen(delay)}`,
          ),
        ];
  }),
};

/** @param keepAliveSeconds how long the service keeps an idle connection */
const idleTimeout = (keepAliveSeconds: number): Rule => ({
  name: 'alb-idle-timeout',
  intent:
    'A load balancer that keeps connections longer than the service sends requests down closed ones and answers 502.',
  check: (objects) =>
    ingresses(objects).flatMap((ingress) => {
      const timeout = Number(
        attribute(ingress, 'load-balancer-attributes', 'idle_timeout.timeout_seconds') ?? DEFAULT.idleTimeout,
      );
      return timeout < keepAliveSeconds
        ? []
        : [
            problem(
              ingress,
              pathOf('load-balancer-attributes'),
              `idle_timeout.timeout_seconds must be less than the service's keep-alive ${keepAliveSeconds} ${seen(timeout)}`,
            ),
          ];
    }),
});

const healthCheck: Rule = {
  name: 'alb-health-check',
  intent:
    'A load balancer that asks something else than the readiness probe disagrees with Kubernetes on which pods are healthy.',
  check: eachBackend(({ ingress, service, workload, container, port }) => {
    const [interval, timeout] = [
      Number(annotation(ingress, 'healthcheck-interval-seconds') ?? DEFAULT.interval),
      Number(annotation(ingress, 'healthcheck-timeout-seconds') ?? DEFAULT.timeout),
    ];
    const path = annotation(ingress, 'healthcheck-path') ?? DEFAULT.healthCheckPath;
    const probe = container.readinessProbe?.httpGet;
    const wanted = annotation(ingress, 'healthcheck-port') ?? DEFAULT.healthCheckPort;
    // With `ip` targets a name is one of the Service's ports, and leads to the container port behind it.
    const named = service.spec?.ports?.find(({ name }) => name === wanted);
    const checked =
      wanted === DEFAULT.healthCheckPort
        ? port
        : /^\d+$/.test(wanted)
          ? Number(wanted)
          : portNumber(workload, named?.targetPort ?? named?.port);
    const probed = portNumber(workload, probe?.port);
    return [
      ...(timeout < interval
        ? []
        : [
            problem(
              ingress,
              pathOf('healthcheck-timeout-seconds'),
              `must be less than the interval ${interval} ${seen(timeout)}`,
            ),
          ]),
      ...(path === probe?.path
        ? []
        : [
            problem(
              ingress,
              pathOf('healthcheck-path'),
              `must be the readiness probe's, ${String(probe?.path)} ${seen(path)}`,
            ),
          ]),
      ...(checked !== undefined && checked === probed
        ? []
        : [
            problem(
              ingress,
              pathOf('healthcheck-port'),
              `must be the readiness probe's, ${String(probed)} ${seen(wanted)}`,
            ),
          ]),
    ];
  }),
};

const slowStart: Rule = {
  name: 'alb-slow-start',
  intent:
    'Elastic Load Balancing refuses slow start together with least outstanding requests, and the controller then changes nothing at all.',
  check: (objects) =>
    ingresses(objects)
      .filter((ingress) => {
        const seconds = Number(attribute(ingress, 'target-group-attributes', 'slow_start.duration_seconds') ?? 0);
        const algorithm =
          attribute(ingress, 'target-group-attributes', 'load_balancing.algorithm.type') ?? DEFAULT.algorithm;
        return seconds > 0 && algorithm !== DEFAULT.algorithm;
      })
      .map((ingress) =>
        problem(
          ingress,
          pathOf('target-group-attributes'),
          `slow_start.duration_seconds needs the algorithm ${DEFAULT.algorithm} ${seen(annotation(ingress, 'target-group-attributes'))}`,
        ),
      ),
};

export const loadBalancerRules = (keepAliveSeconds: number): Rule[] => [
  targetType,
  drain,
  idleTimeout(keepAliveSeconds),
  healthCheck,
  slowStart,
];
