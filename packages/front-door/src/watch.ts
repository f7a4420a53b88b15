import {
  CoreV1Api,
  DiscoveryV1Api,
  type Informer,
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
  NetworkingV1Api,
  type ObjectCache,
} from '@kubernetes/client-node';
import type { ClusterState } from './kubernetes.ts';

export interface Watch {
  /** The objects as last seen; undefined until each kind was listed once. */
  readonly state: () => ClusterState | undefined;
  /** Why the API server cannot be watched; undefined while it can. */
  readonly problem: () => string | undefined;
  stop(): void;
}

/** Between two attempts to reach an API server that is gone. */
const RETRY_MILLISECONDS = 500;

/**
 * Watches all that the front door works from. An API server that is away, at the start or later, is tried again until it
 * is back; until then the last objects stay, as an ALB stays without its controller.
 * @param onChange called after each change
 */
export function watchCluster(config: KubeConfig, onChange: () => void): Watch {
  const core = config.makeApiClient(CoreV1Api);
  const discovery = config.makeApiClient(DiscoveryV1Api);
  const networking = config.makeApiClient(NetworkingV1Api);
  const listed = new Set<string>();
  const failures = new Map<string, string>();
  let isStopped = false;

  function watch<T extends KubernetesObject>(
    path: string,
    list: () => Promise<KubernetesListObject<T>>,
  ): ObjectCache<T> & Informer<T> {
    const informer = makeInformer<T>(config, path, async () => {
      const objects = await list();
      listed.add(path);
      failures.delete(path);
      // Even an empty list is news: the last kind to be listed makes the state complete.
      setImmediate(onChange);
      return objects;
    });
    const start = (): void => {
      if (!isStopped) void informer.start();
    };
    informer.on('change', onChange);
    informer.on('connect', () => {
      failures.delete(path);
    });
    // The informer stops when its server is gone; a killed one included, whose watch ends without an end.
    informer.on('error', (error: unknown) => {
      failures.set(path, error instanceof Error ? (error.cause instanceof Error ? error.cause : error).message : path);
      setTimeout(start, RETRY_MILLISECONDS);
    });
    start();
    return informer;
  }

  const ingresses = watch('/apis/networking.k8s.io/v1/ingresses', () => networking.listIngressForAllNamespaces());
  const services = watch('/api/v1/services', () => core.listServiceForAllNamespaces());
  const slices = watch('/apis/discovery.k8s.io/v1/endpointslices', () => discovery.listEndpointSliceForAllNamespaces());
  const pods = watch('/api/v1/pods', () => core.listPodForAllNamespaces());
  const nodes = watch('/api/v1/nodes', () => core.listNode());
  const informers = [ingresses, services, slices, pods, nodes];

  return {
    state: () =>
      listed.size < informers.length
        ? undefined
        : {
            ingresses: ingresses.list(),
            services: services.list(),
            endpointSlices: slices.list(),
            pods: pods.list(),
            nodes: nodes.list(),
          },
    problem: () => failures.values().next().value,
    stop() {
      isStopped = true;
      for (const informer of informers) void informer.stop();
    },
  };
}
