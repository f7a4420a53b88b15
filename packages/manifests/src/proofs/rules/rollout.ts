import { type Container, containersOf, deployments, podSpecOf, type Probe } from '../../kubernetes/workload.ts';
import { OUR_SERVICE } from '../our-service.ts';
import type { Problem } from '../problem.ts';
import { containerPath, deploymentContainers, environmentNumber, problem, type Rule, seen } from './rule.ts';

// How pods start, stay, and end. Times are in seconds.

const PROBES = ['startupProbe', 'readinessProbe', 'livenessProbe'] as const;
const portOf = ({ httpGet, tcpSocket, grpc }: Probe): number | string | undefined =>
  httpGet?.port ?? tcpSocket?.port ?? grpc?.port;

// A garbage collection or a stalled event loop must not look like death (helm-charts: liveness budget, probe timeouts).
const LEAST_LIVENESS_BUDGET = 10;
const LEAST_READINESS_TIMEOUT = 2;
// What is left for the kubelet and the container runtime once the process has ended.
const MARGIN = 5;
// EC2 takes a Spot instance away two minutes after its notice.
const LONGEST_GRACE = 110;
// Kubernetes' defaults.
const DEFAULT = { gracePeriod: 30, progressDeadline: 600, probePeriod: 10, probeTimeout: 1, probeFailures: 3 };

const probePorts: Rule = {
  name: 'probe-ports',
  intent:
    'A probe of a numbered port fails once the port changes elsewhere; without a probe a pod gets requests too early.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const { workload, container } of deploymentContainers(objects))
      for (const name of PROBES) {
        const rule = probeRule(container, container[name]);
        if (rule !== undefined) problems.push(problem(workload, containerPath(container, name), rule));
      }
    return problems;
  },
};

/** What a probe breaks; undefined if it is right. */
function probeRule({ ports = [] }: Container, probe: Probe | undefined): string | undefined {
  if (probe === undefined) return 'missing';
  const port = portOf(probe);
  const isNamed = ports.some(({ name }) => name === port);
  return isNamed ? undefined : `must use the name of a port of this container ${seen(port)}`;
}

const livenessIsNotReadiness: Rule = {
  name: 'liveness-is-not-readiness',
  intent: 'If both ask the same, a dependency that is down restarts every pod.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const { workload, container } of deploymentContainers(objects)) {
      const path = container.livenessProbe?.httpGet?.path;
      if (path === undefined || path !== container.readinessProbe?.httpGet?.path) continue;
      const rule = `must be another path than the readiness probe's ${seen(path)}`;
      problems.push(problem(workload, containerPath(container, 'livenessProbe.httpGet.path'), rule));
    }
    return problems;
  },
};

const probeTimes: Rule = {
  name: 'probe-times',
  intent: 'A short stall of the event loop must neither restart a pod nor remove it from the load balancer.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const { workload, container } of deploymentContainers(objects)) {
      const { livenessProbe = {}, readinessProbe = {} } = container;
      const { periodSeconds = DEFAULT.probePeriod, failureThreshold = DEFAULT.probeFailures } = livenessProbe;
      const budget = periodSeconds * failureThreshold;
      if (budget < LEAST_LIVENESS_BUDGET) {
        const rule = `periodSeconds × failureThreshold must be at least ${LEAST_LIVENESS_BUDGET} ${seen(budget)}`;
        problems.push(problem(workload, containerPath(container, 'livenessProbe'), rule));
      }
      const { timeoutSeconds = DEFAULT.probeTimeout } = readinessProbe;
      if (timeoutSeconds < LEAST_READINESS_TIMEOUT) {
        const rule = `must be at least ${LEAST_READINESS_TIMEOUT} ${seen(timeoutSeconds)}`;
        problems.push(problem(workload, containerPath(container, 'readinessProbe.timeoutSeconds'), rule));
      }
    }
    return problems;
  },
};

/** How long a container waits before SIGTERM; undefined if it does not. */
export const preStopSeconds = ({ lifecycle }: Container): number | undefined => lifecycle?.preStop?.sleep?.seconds;

const preStop: Rule = {
  name: 'pre-stop-sleep',
  intent: 'Without the pause a pod stops while load balancers still send it requests.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const { workload, container } of deploymentContainers(objects)) {
      const seconds = preStopSeconds(container);
      const path = containerPath(container, 'lifecycle.preStop.sleep.seconds');
      if ((seconds ?? 0) < 1) problems.push(problem(workload, path, `must be at least 1 ${seen(seconds)}`));
    }
    return problems;
  },
};

const gracePeriod: Rule = {
  name: 'grace-period',
  intent:
    'The grace period includes preStop: too short, it kills a process that still answers; too long, EC2 is faster.',
  check: (objects) => {
    const { drainVariable } = OUR_SERVICE;
    const problems: Problem[] = [];
    for (const workload of deployments(objects)) {
      const { terminationGracePeriodSeconds: grace = DEFAULT.gracePeriod } = podSpecOf(workload);
      const path = 'spec.template.spec.terminationGracePeriodSeconds';
      if (grace > LONGEST_GRACE)
        problems.push(problem(workload, path, `must be at most ${LONGEST_GRACE} ${seen(grace)}`));
      for (const container of containersOf(workload)) {
        const drain = environmentNumber(workload, container, drainVariable, objects);
        const pause = preStopSeconds(container) ?? 0;
        if (drain === undefined) {
          const rule = `must set ${drainVariable} to a whole number`;
          problems.push(problem(workload, containerPath(container, 'envFrom'), rule));
        } else if (grace < pause + drain + MARGIN) {
          const rule = `must be at least preStop ${pause} + ${drainVariable} ${drain} + ${MARGIN} ${seen(grace)}`;
          problems.push(problem(workload, path, rule));
        }
      }
    }
    return problems;
  },
};

const neverBelowCapacity: Rule = {
  name: 'never-below-capacity',
  intent: 'A rollout must not remove a pod before its successor answers.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const workload of deployments(objects)) {
      const { type = 'RollingUpdate', rollingUpdate } = workload.spec?.strategy ?? {};
      const unavailable = rollingUpdate?.maxUnavailable;
      if (type !== 'RollingUpdate')
        problems.push(problem(workload, 'spec.strategy.type', `must be RollingUpdate ${seen(type)}`));
      if (unavailable !== 0 && unavailable !== '0%') {
        const path = 'spec.strategy.rollingUpdate.maxUnavailable';
        problems.push(problem(workload, path, `must be 0 ${seen(unavailable)}`));
      }
    }
    return problems;
  },
};

const progressDeadline: Rule = {
  name: 'progress-deadline',
  intent: 'A deadline that ends before a pod can count as available makes every rollout fail.',
  check: (objects) => {
    const problems: Problem[] = [];
    for (const workload of deployments(objects)) {
      const { minReadySeconds: least = 0, progressDeadlineSeconds: deadline = DEFAULT.progressDeadline } =
        workload.spec ?? {};
      const rule = `must be less than progressDeadlineSeconds ${deadline} ${seen(least)}`;
      if (least >= deadline) problems.push(problem(workload, 'spec.minReadySeconds', rule));
    }
    return problems;
  },
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
