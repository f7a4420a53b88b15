import { namespaceOf } from '../../kubernetes/namespace.ts';
import { type KubernetesObject, nameOf } from '../../kubernetes/object.ts';
import { mebibytes, milliCpus } from '../../kubernetes/quantity.ts';
import type { Labels } from '../../kubernetes/selector.ts';
import {
  autoscalerOf,
  type Container,
  podLabelsOf,
  type PodSpec,
  podSpecOf,
  type PodTemplate,
  share,
  sidecarsOf,
  type Workload,
  workloads,
} from '../../kubernetes/workload.ts';
import { type Amount, most, NOTHING, plus, sum } from './amount.ts';
import { EKS_ADDONS } from './nodes.ts';

/** A pod that needs a place. */
export interface Pod {
  readonly owner: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly spec: PodSpec;
  readonly asked: Amount;
}

/**
 * What the scheduler counts for a pod: its containers and sidecars, or an init container that asks for more
 * (Kubernetes, "Sidecar containers").
 */
export function podRequest(spec: PodSpec): Amount {
  const running = sum([...(spec.containers ?? []), ...sidecarsOf(spec)].map(requestOf));
  let sidecars = NOTHING;
  let starting = NOTHING;
  for (const container of spec.initContainers ?? []) {
    const asked = plus(requestOf(container), sidecars);
    if (container.restartPolicy === 'Always') sidecars = asked;
    starting = most(starting, asked);
  }
  const overhead = { cpu: milliCpus(spec.overhead?.cpu), memory: mebibytes(spec.overhead?.memory), pods: 1 };
  return plus(most(running, starting), overhead);
}

const requestOf = ({ resources: { requests, limits } = {} }: Container): Amount => ({
  cpu: milliCpus(requests?.cpu ?? limits?.cpu),
  memory: mebibytes(requests?.memory ?? limits?.memory),
  pods: 0,
});

/** What runs on every node: DaemonSets, and those of add-ons. */
export function daemonRequests(objects: readonly KubernetesObject[]): Amount[] {
  const requests: Amount[] = [];
  for (const workload of workloads(objects))
    if (workload.kind === 'DaemonSet') requests.push(podRequest(podSpecOf(workload)));
  for (const { onEachNode } of Object.values(EKS_ADDONS)) if (onEachNode !== undefined) requests.push(onEachNode);
  return requests;
}

/** Every autoscaler at its minimum and no rollout; or every one at its maximum, and a rollout of everything. */
export type Day = 'ordinary' | 'most';

/** All other pods, without those that give way to all others, such as previews: they need no place. */
export function podsToPlace(all: readonly KubernetesObject[], day: Day = 'most'): Pod[] {
  const objects = withoutGivingWay(all);
  const pods = addonPods();
  for (const workload of workloads(objects))
    if (workload.kind !== 'DaemonSet') pods.push(...podsOf(workload, objects, day));
  for (const object of objects) if (object.apiVersion.startsWith('batch/')) pods.push(...jobPods(object));
  return pods;
}

/** The objects without workloads whose PriorityClass is below that of pods without one, which is 0. */
function withoutGivingWay(objects: readonly KubernetesObject[]): KubernetesObject[] {
  const classes = new Set<string | undefined>();
  for (const object of objects as readonly (KubernetesObject & { readonly value?: number })[])
    if (object.kind === 'PriorityClass' && (object.value ?? 0) < 0) classes.add(object.metadata.name);
  const givesWay = new Set<KubernetesObject>(
    workloads(objects).filter((workload) => classes.has(podSpecOf(workload).priorityClassName)),
  );
  return objects.filter((object) => !givesWay.has(object));
}

const repeated = (count: number, pod: Pod): Pod[] => Array.from({ length: count }, () => pod);

function addonPods(): Pod[] {
  const pods: Pod[] = [];
  for (const { pods: of } of Object.values(EKS_ADDONS))
    if (of !== undefined)
      pods.push(
        ...repeated(of.count, { owner: of.name, namespace: 'kube-system', labels: {}, spec: {}, asked: of.asked }),
      );
  return pods;
}

/** The pods that a workload has at once: those of its autoscaler, or its replicas, and those of a rollout. */
function podsOf(workload: Workload, objects: readonly KubernetesObject[], day: Day): Pod[] {
  const spec = podSpecOf(workload);
  const scaled = autoscalerOf(workload, objects)?.spec;
  const own = workload.spec?.replicas ?? 1;
  const replicas =
    scaled === undefined ? own : day === 'most' ? (scaled.maxReplicas ?? own) : (scaled.minReplicas ?? 1);
  // During a rollout the new pods belong to another ReplicaSet, which spread constraints may tell apart.
  const pod = (revision: string): Pod => ({
    owner: nameOf(workload),
    namespace: namespaceOf(workload),
    labels: { ...podLabelsOf(workload), 'pod-template-hash': revision },
    spec,
    asked: podRequest(spec),
  });
  const next = day === 'most' ? surgeOf(workload, replicas) : 0;
  return [...repeated(replicas, pod('present')), ...repeated(next, pod('next'))];
}

/** How many pods a rollout adds. */
function surgeOf(workload: Workload, replicas: number): number {
  const { type = 'RollingUpdate', rollingUpdate } = workload.spec?.strategy ?? {};
  if (workload.kind !== 'Deployment' || type !== 'RollingUpdate') return 0;
  return share(rollingUpdate?.maxSurge ?? '25%', replicas, 'up');
}

interface JobSpec {
  readonly parallelism?: number;
  readonly template?: PodTemplate;
}

/** The pods of a Job, or of one run of a CronJob. */
function jobPods(object: KubernetesObject): Pod[] {
  const { jobTemplate } = (object.spec ?? {}) as { readonly jobTemplate?: { readonly spec?: JobSpec } };
  const spec = object.kind === 'CronJob' ? jobTemplate?.spec : (object.spec as JobSpec | undefined);
  const podSpec = spec?.template?.spec ?? {};
  return repeated(spec?.parallelism ?? 1, {
    owner: nameOf(object),
    namespace: namespaceOf(object),
    labels: spec?.template?.metadata?.labels ?? {},
    spec: podSpec,
    asked: podRequest(podSpec),
  });
}
