import {
  byKey,
  type ClusterState,
  type EndpointSlice,
  keyOf,
  type Node,
  type Pod,
  type Service,
  type SliceEndpoint,
} from './kubernetes.ts';
import { loopbackAddress } from './loopback.ts';

/** A pod that the controller registers with a target group. */
export interface Endpoint {
  /** `namespace/name` of the pod. */
  readonly pod: string;
  readonly uid: string;
  readonly node: string;
  /** The address that the pod reports. */
  readonly ip: string;
  readonly port: number;
  /** Where its process listens. */
  readonly address: string;
}

/** A pod that would be registered if a process ran it. */
export type SimulatedEndpoint = Omit<Endpoint, 'address'>;

export interface Endpoints {
  readonly registered: readonly Endpoint[];
  readonly simulated: readonly SimulatedEndpoint[];
}

const conditionOf = (object: Pod | Node | undefined, type: string): string | undefined =>
  object?.status?.conditions?.find((condition) => condition.type === type)?.status;

/** The port of a Service by its name or number; undefined when there is none. */
export const servicePort = (service: Service, port: string | number): { name: string | undefined } | undefined => {
  const found = service.spec?.ports?.find(({ name, port: number }) => name === port || number === port);
  return found === undefined ? undefined : { name: found.name };
};

/**
 * Whether the controller registers an endpoint: the rule of its endpoint resolver (pkg/backend/endpoint_resolver.go).
 * A ready endpoint is registered; one whose pod waits for a readiness gate alone as well, since the gate waits for the
 * target. A terminating endpoint is never ready.
 */
function isRegistered({ conditions }: SliceEndpoint, pod: Pod, node: Node | undefined): boolean {
  if (conditions?.ready !== false) return true;
  return (
    conditions.terminating !== true &&
    conditionOf(pod, 'ContainersReady') === 'True' &&
    conditionOf(node, 'Ready') === 'True'
  );
}

/** The numbers of the port with this name; all ports where it has none. */
function portsOf({ ports }: EndpointSlice, name: string | undefined): number[] {
  const named = (ports ?? []).filter((port) => name === undefined || name === '' || port.name === name);
  return named.flatMap(({ port }) => port ?? []);
}

/**
 * Finds the endpoints of Services; looks at each object of the cluster once.
 * @param isUsed which endpoints count; those that the load balancer's controller registers where left out
 */
export function endpointResolver(
  state: ClusterState,
  isUsed: (endpoint: SliceEndpoint, pod: Pod, node: Node | undefined) => boolean = isRegistered,
): (service: Service, portName: string | undefined) => Endpoints {
  const pods = byKey(state.pods);
  const nodes = byKey(state.nodes);
  const slices = Map.groupBy(
    state.endpointSlices.filter(({ addressType }) => addressType === 'IPv4'),
    ({ metadata }) => `${metadata?.namespace ?? ''}/${metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`,
  );
  return (service, portName) => {
    const registered: Endpoint[] = [];
    const simulated: SimulatedEndpoint[] = [];
    const add = (endpoint: SliceEndpoint, port: number): void => {
      const { targetRef, addresses, nodeName } = endpoint;
      if (targetRef?.kind !== 'Pod') return;
      const key = `${service.metadata?.namespace ?? ''}/${targetRef.name ?? ''}`;
      const pod = pods.get(key);
      const node = nodes.get(nodeName ?? '');
      const [ip] = addresses;
      if (pod === undefined || ip === undefined || !isUsed(endpoint, pod, node)) return;
      const found = { pod: key, uid: pod.metadata?.uid ?? '', node: nodeName ?? '', ip, port };
      const address = loopbackAddress(ip, node);
      if (address === undefined) simulated.push(found);
      else registered.push({ ...found, address });
    };
    for (const slice of slices.get(keyOf(service)) ?? []) {
      for (const port of portsOf(slice, portName)) {
        slice.endpoints?.forEach((endpoint) => {
          add(endpoint, port);
        });
      }
    }
    return { registered, simulated };
  };
}
