import { setTimeout as sleep } from 'node:timers/promises';
import type { TargetTable } from '@gitops/front-door';
import { elapsed } from '@gitops/report/progress';
import { hasProcess, readTargets } from './front-door.ts';
import type { Instance } from './instance.ts';
import { list } from './kubernetes-api.ts';
import type { Pod } from './pods.ts';
import type { Ports } from './ports.ts';

// A load balancer goes on sending requests to a pod that is being deleted, until all of it knows. So a client can still
// get an answer of the old version when the new one is Healthy.

const POLL = 200;
/** Five times the front door's deregistration. */
const PATIENCE = 30_000;

/** What a look at the front door and the cluster shows. */
export interface Look {
  /** undefined when the front door does not answer. */
  readonly targets: TargetTable | undefined;
  /** `namespace/name` of every pod that is not being deleted; undefined when the API server does not answer. */
  readonly livePods: ReadonlySet<string> | undefined;
}

/** How the wait ended. */
export interface LoadBalancerEnd {
  /** Whether some target is a process, so that there was something to wait for. */
  readonly isReal: boolean;
  /** Why it is unknown or untrue that no old pod gets requests; undefined when none does. */
  readonly problem: string | undefined;
}

/** The pods that may get new requests although they drain, are being deleted, or are gone. */
export function oldPods({ targets, livePods }: Look): string[] {
  const old: string[] = [];
  for (const group of targets?.targetGroups ?? [])
    for (const { pod, state, isRoutable } of group.targets)
      if (isRoutable && (state === 'draining' || livePods?.has(pod) === false)) old.push(pod);
  return old;
}

/**
 * Waits until the load balancer sends no request to an old pod. Where all pods are simulated, it ends at once.
 * @param look how things are now
 * @param patience how long to wait at most, in milliseconds
 */
export async function awaitOldPodsOut(look: () => Promise<Look>, patience = PATIENCE): Promise<LoadBalancerEnd> {
  const end = Date.now() + patience;
  for (;;) {
    const now = await look();
    if (now.targets === undefined)
      return {
        isReal: false,
        problem: 'the front door does not answer, so old pods may still get requests; `make up` starts it',
      };
    const isReal = hasProcess(now.targets);
    const old = oldPods(now);
    if (old.length === 0) return { isReal, problem: undefined };
    if (Date.now() >= end) {
      const problem = `old pods still get requests after ${patience / 1000} s: ${old.join(', ')}; see \`make status\``;
      return { isReal, problem };
    }
    await sleep(POLL);
  }
}

/** Waits for the load balancer of a local cluster. */
export async function awaitLoadBalancer(instance: Instance, ports: Ports): Promise<LoadBalancerEnd> {
  return awaitOldPodsOut(async () => lookAtLoadBalancer(instance, ports));
}

/**
 * How the wait ended, in lines; none where there was nothing to wait for.
 * @param start when the command began, in milliseconds since 1970
 */
export function describeEnd({ isReal, problem }: LoadBalancerEnd, start: number): string[] {
  if (problem !== undefined) return [problem];
  return isReal ? [`Old pods get no requests any more ${elapsed(Date.now() - start)} after the command started.`] : [];
}

/** Looks at the front door and the pods of a local cluster. */
async function lookAtLoadBalancer(instance: Instance, ports: Ports): Promise<Look> {
  // The targets first: a pod that is deleted in between counts as old, and is looked at again.
  const targets = await readTargets(ports);
  const pods = await list<Pod>(instance, ports['kube-apiserver'], '/api/v1/pods');
  if (pods === undefined) return { targets, livePods: undefined };
  const live = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return { targets, livePods: new Set(live.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)) };
}
