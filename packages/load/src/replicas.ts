import { setTimeout as sleep } from 'node:timers/promises';
import {
  AppsV1Api,
  AutoscalingV2Api,
  DiscoveryV1Api,
  KubeConfig,
  type V1Deployment,
  type V1EndpointSlice,
  type V2HorizontalPodAutoscaler,
} from '@kubernetes/client-node';
import { messageOf } from '@gitops/report/errors';

/** The service's name, which is that of its namespace, its Deployment and its autoscaler. */
export const SERVICE = 'fastify-service';

/** How many pods there are at one moment. */
export interface ReplicaSample {
  /** In milliseconds since 1970. */
  readonly time: number;
  /** Pods that the Deployment is to have. */
  readonly desired: number;
  /** Pods that get requests. */
  readonly ready: number;
  /** Pods that the autoscaler asks for; undefined without one. */
  readonly autoscaler: number | undefined;
  /** CPU of the pods in percent of their request, as the autoscaler last read it. */
  readonly cpuPercent: number | undefined;
  /** The image that the Deployment asks for. */
  readonly image: string | undefined;
}

export interface Sampling {
  readonly samples: readonly ReplicaSample[];
  /** Why the last attempts failed; undefined where the API server answers. */
  readonly problem: () => string | undefined;
  readonly stop: () => Promise<void>;
}

/** What three objects of the API say of the pods. */
export function replicaSample(
  time: number,
  { spec, status }: V1Deployment,
  slices: readonly V1EndpointSlice[],
  autoscaler: V2HorizontalPodAutoscaler | undefined,
): ReplicaSample {
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  const cpu = autoscaler?.status?.currentMetrics?.find(({ containerResource }) => containerResource?.name === 'cpu');
  return {
    time,
    desired: spec?.replicas ?? status?.replicas ?? 0,
    ready: endpoints.filter(({ conditions }) => conditions?.ready === true && conditions.terminating !== true).length,
    autoscaler: autoscaler?.status?.desiredReplicas,
    cpuPercent: cpu?.containerResource?.current.averageUtilization,
    image: spec?.template.spec?.containers[0]?.image,
  };
}

/** Asks the API server once a second, until it is stopped; a second without an answer is left out. */
export function sampleReplicas(kubeconfig: string): Sampling {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const apps = config.makeApiClient(AppsV1Api);
  const autoscaling = config.makeApiClient(AutoscalingV2Api);
  const discovery = config.makeApiClient(DiscoveryV1Api);
  const samples: ReplicaSample[] = [];
  const stopped = new AbortController();
  let problem: string | undefined;

  const sample = async (): Promise<ReplicaSample> => {
    const time = Date.now();
    const object = { namespace: SERVICE, name: SERVICE };
    const labelSelector = `kubernetes.io/service-name=${SERVICE}`;
    const [deployment, slices, autoscalers] = await Promise.all([
      apps.readNamespacedDeployment(object),
      discovery.listNamespacedEndpointSlice({ namespace: SERVICE, labelSelector }),
      // A list, since there may be none.
      autoscaling.listNamespacedHorizontalPodAutoscaler({ namespace: SERVICE }),
    ]);
    const autoscaler = autoscalers.items.find(({ metadata }) => metadata?.name === SERVICE);
    return replicaSample(time, deployment, slices.items, autoscaler);
  };
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const start = Date.now();
      try {
        samples.push(await sample());
        problem = undefined;
      } catch (error) {
        problem = messageOf(error).split('\n')[0];
      }
      const rest = Math.max(0, 1000 - (Date.now() - start));
      await sleep(rest, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    samples,
    problem: () => problem,
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}
