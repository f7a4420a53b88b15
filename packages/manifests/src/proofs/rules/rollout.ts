import { type Container, containersOf, deployments, podSpecOf, type Probe } from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { containerPath, environmentNumber, problem, type Rule, seen } from './rule.ts';

// How pods start, stay, and go. Times are in seconds.

const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe'] as const;
const portOf = ({ httpGet, tcpSocket, grpc }: Probe): number | string | undefined =>
  httpGet?.port ?? tcpSocket?.port ?? grpc?.port;

// A garbage collection or a stalled event loop must not look like death (helm-charts: liveness budget, probe timeouts).
const LEAST_LIVENESS_BUDGET = 10;
const LEAST_READINESS_TIMEOUT = 2;
// What is left for the kubelet and the container runtime once the process has ended.
const MARGIN = 5;
// EC2 takes a Spot instance away two minutes after it says so.
const LONGEST_GRACE = 110;
// Kubernetes' defaults.
const DEFAULT = { gracePeriod: 30, progressDeadline: 600, probePeriod: 10, probeTimeout: 1, probeFailures: 3 };

const probePorts: Rule = {
  name: 'probe-ports',
  intent:
    'A probe of a port by its number goes astray when the port is changed in one place; without a probe a pod gets requests before it can answer them.',
  check: (objects) =>
    deployments(objects).flatMap((workload) =>
      containersOf(workload).flatMap((container) =>
        PROBES.flatMap((name): Problem[] => {
          const probe = container[name];
          if (probe === undefined) return [problem(workload, containerPath(container, name), 'must be there')];
          const port = portOf(probe);
          const isNamed = container.ports?.some((declared) => declared.name === port) === true;
          return isNamed
            ? []
            : [
                problem(
                  workload,
                  containerPath(container, name),
                  `must use the name of a port of this container ${seen(port)}`,
                ),
              ];
        }),
      ),
    ),
};

const livenessIsNotReadiness: Rule = {
  name: 'liveness-is-not-readiness',
  intent: 'Where both ask the same, a dependency that is down restarts every pod.',
  check: (objects) =>
    deployments(objects).flatMap((workload) =>
      containersOf(workload)
        .filter(
          ({ livenessProbe, readinessProbe }) =>
            livenessProbe?.httpGet?.path !== undefined && livenessProbe.httpGet.path === readinessProbe?.httpGet?.path,
        )
        .map((container) =>
          problem(
            workload,
            containerPath(container, 'livenessProbe.httpGet.path'),
            `must be another path than the readiness probe's ${seen(container.livenessProbe?.httpGet?.path)}`,
          ),
        ),
    ),
};

const probeTimes: Rule = {
  name: 'probe-times',
  intent: 'A short stall of the event loop must neither restart a pod nor take it out of the load balancer.',
  check: (objects) =>
    deployments(objects).flatMap((workload) =>
      containersOf(workload).flatMap((container) => {
        const {
          livenessProbe: { periodSeconds = DEFAULT.probePeriod, failureThreshold = DEFAULT.probeFailures } = {},
          readinessProbe: { timeoutSeconds = DEFAULT.probeTimeout } = {},
        } = container;
        const budget = periodSeconds * failureThreshold;
        return [
          ...(budget >= LEAST_LIVENESS_BUDGET
            ? []
            : [
                problem(
                  workload,
                  containerPath(container, 'livenessProbe'),
                  `periodSeconds × failureThreshold must be at least ${LEAST_LIVENESS_BUDGET} ${seen(budget)}`,
                ),
              ]),
          ...(timeoutSeconds >= LEAST_READINESS_TIMEOUT
            ? []
            : [
                problem(
                  workload,
                  containerPath(container, 'readinessProbe.timeoutSeconds'),
                  `must be at least ${LEAST_READINESS_TIMEOUT} ${seen(timeoutSeconds)}`,
                ),
              ]),
        ];
      }),
    ),
};

/** How long a container waits before SIGTERM; undefined where it does not. */
export const preStopSeconds = ({ lifecycle }: Container): number | undefined => lifecycle?.preStop?.sleep?.seconds;

const preStop: Rule = {
  name: 'pre-stop-sleep',
  intent: 'Without the pause a pod stops while load balancers still send it requests.',
  check: (objects) =>
    deployments(objects).flatMap((workload) =>
      containersOf(workload)
        .filter((container) => (preStopSeconds(container) ?? 0) < 1)
        .map((container) =>
          problem(
            workload,
            containerPath(container, 'lifecycle.preStop.sleep.seconds'),
            `must be at least 1 ${seen(preStopSeconds(container))}`,
          ),
        ),
    ),
};

const gracePeriod: Rule = {
  name: 'grace-period',
  intent:
    'The clock of the grace period starts before preStop: where it is short, the kubelet kills a process that is still answering; where it is long, EC2 takes the machine away first.',
  check: (objects) =>
    deployments(objects).flatMap((workload) => {
      const { terminationGracePeriodSeconds: grace = DEFAULT.gracePeriod } = podSpecOf(workload);
      const path = 'spec.template.spec.terminationGracePeriodSeconds';
      return [
        ...(grace <= LONGEST_GRACE ? [] : [problem(workload, path, `must be at most ${LONGEST_GRACE} ${seen(grace)}`)]),
        ...containersOf(workload).flatMap((container) => {
          const drain = environmentNumber(workload, container, 'DRAIN_SECONDS', objects);
          if (drain === undefined)
            return [problem(workload, containerPath(container, 'envFrom'), 'must set DRAIN_SECONDS to a whole number')];
          const pause = preStopSeconds(container) ?? 0;
          return grace >= pause + drain + MARGIN
            ? []
            : [
                problem(
                  workload,
                  path,
                  `must be at least preStop ${pause} + DRAIN_SECONDS ${drain} + ${MARGIN} ${seen(grace)}`,
                ),
              ];
        }),
      ];
    }),
};

const neverBelowCapacity: Rule = {
  name: 'never-below-capacity',
  intent: 'A rollout must not take a pod away before its successor answers.',
  check: (objects) =>
    deployments(objects).flatMap((workload) => {
      const { type = 'RollingUpdate', rollingUpdate } = workload.spec?.strategy ?? {};
      const unavailable = rollingUpdate?.maxUnavailable;
      return [
        ...(type === 'RollingUpdate'
          ? []
          : [problem(workload, 'spec.strategy.type', `must be RollingUpdate ${seen(type)}`)]),
        ...(unavailable === 0 || unavailable === '0%'
          ? []
          : [problem(workload, 'spec.strategy.rollingUpdate.maxUnavailable', `must be 0 ${seen(unavailable)}`)]),
      ];
    }),
};

const progressDeadline: Rule = {
  name: 'progress-deadline',
  intent: 'A deadline that ends before a pod can count as available makes every rollout fail.',
  check: (objects) =>
    deployments(objects).flatMap((workload) => {
      const { minReadySeconds = 0, progressDeadlineSeconds = DEFAULT.progressDeadline } = workload.spec ?? {};
      return minReadySeconds < progressDeadlineSeconds
        ? []
        : [
            problem(
              workload,
              'spec.minReadySeconds',
              `must be less than progressDeadlineSeconds ${progressDeadlineSeconds} ${seen(minReadySeconds)}`,
            ),
          ];
    }),
};

export const rolloutRules: Rule[] = [
  probePorts,
  livenessIsNotReadiness,
  probeTimes,
  preStop,
  gracePeriod,
  neverBelowCapacity,
  progressDeadline,
];
