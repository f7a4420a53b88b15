import { DELAYS } from '@gitops/front-door';
import type { Instance } from './instance.ts';
import { list } from './kubernetes-api.ts';
import type { Ports } from './ports.ts';

/** The fields of a Deployment that say how long its rollout takes at least. */
export interface Deployment {
  readonly spec: {
    readonly replicas: number;
    readonly minReadySeconds?: number;
    readonly strategy: {
      readonly rollingUpdate?: { readonly maxSurge: number | string; readonly maxUnavailable: number | string };
    };
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly startupProbe?: { readonly periodSeconds: number } }[] };
    };
  };
}

/** The parts of a rollout that no machine can make shorter, in seconds. */
export interface RolloutMinimum {
  /** Until the first new pod gets requests. */
  readonly first: number;
  /** From then until the last one does. */
  readonly others: number;
  /** From the end of the last old pod until the load balancer knows. */
  readonly deregistration: number;
}

/** A number of pods, or a percentage of the replicas. */
function podsOf(value: number | string, replicas: number, round: (value: number) => number): number {
  return typeof value === 'number' ? value : round((Number.parseInt(value, 10) / 100) * replicas);
}

/**
 * How long a rollout takes at least by its chart and by the load balancer: in each step a process starts, which the first
 * startup probe cannot find and the second does; the load balancer registers the pod; minReadySeconds pass. A step is as
 * many pods as maxSurge and maxUnavailable allow.
 */
export function rolloutMinimum({ spec }: Deployment): RolloutMinimum {
  const { replicas, minReadySeconds = 0, strategy, template } = spec;
  const { maxSurge = 1, maxUnavailable = 0 } = strategy.rollingUpdate ?? {};
  const atOnce = podsOf(maxSurge, replicas, Math.ceil) + podsOf(maxUnavailable, replicas, Math.floor);
  const steps = Math.ceil(replicas / Math.max(1, atOnce));
  const probe = template.spec.containers[0]?.startupProbe?.periodSeconds ?? 0;
  const step = probe + DELAYS.registrationSeconds + minReadySeconds;
  return { first: step, others: Math.max(0, steps - 1) * step, deregistration: DELAYS.deregistrationSeconds };
}

/** The minimum of an Application's Deployment; undefined where there is not exactly one, or no answer. */
export async function readRolloutMinimum(
  instance: Instance,
  ports: Ports,
  namespace: string,
): Promise<RolloutMinimum | undefined> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const deployments = await list<Deployment>(instance, ports['kube-apiserver'], path);
  const [deployment] = deployments ?? [];
  return deployments?.length === 1 && deployment !== undefined ? rolloutMinimum(deployment) : undefined;
}
