import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFrontDoor, type FrontDoor, type FrontDoorOptions } from '../src/front-door.ts';
import type { ClusterState, EndpointSlice, Ingress, Node, Pod, Service } from '../src/kubernetes.ts';
import { LOOPBACK_NETWORK } from '../src/loopback.ts';

/** A second of the settings takes this many milliseconds in tests. */
export const SECOND = 20;

export const NAMESPACE = 'shop';
export const HOST = 'web.localhost';

/** So long that nothing ends by it. */
export const LONG_IDLE_TIMEOUT = { 'load-balancer-attributes': 'idle_timeout.timeout_seconds=4000' };

/** A pod: a server of the test, on a node of its own, so that each may have another port. */
export interface FakePod {
  readonly name: string;
  readonly port: number;
  readonly ready?: boolean;
  readonly containersReady?: boolean;
  readonly terminating?: boolean;
  readonly isSimulated?: boolean;
  readonly gates?: readonly string[];
  readonly conditions?: readonly { type: string; status: string; reason?: string; message?: string }[];
}

const ADDRESS = '127.0.0.1';

export function fakePod(pod: FakePod, index: number, service = 'web'): { pod: Pod; node: Node; slice: EndpointSlice } {
  const { name, port, ready = true, containersReady = true, terminating = false, isSimulated = false } = pod;
  const ip = `192.0.2.${index + 1}`;
  const annotations: Record<string, string> = isSimulated ? {} : { [LOOPBACK_NETWORK]: `${ADDRESS}/32` };
  return {
    pod: {
      metadata: { namespace: NAMESPACE, name, uid: `uid-${name}` },
      spec: { readinessGates: (pod.gates ?? []).map((conditionType) => ({ conditionType })) },
      status: {
        conditions: [
          { type: 'ContainersReady', status: containersReady ? 'True' : 'False' },
          ...(pod.conditions ?? []),
        ],
      },
    },
    node: {
      metadata: { name: `node-${name}`, annotations },
      spec: { podCIDR: `${ip}/32` },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    },
    slice: {
      metadata: { namespace: NAMESPACE, name: `slice-${name}`, labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port }],
      endpoints: [
        {
          addresses: [ip],
          nodeName: `node-${name}`,
          targetRef: { kind: 'Pod', name },
          conditions: { ready: ready && !terminating, terminating },
        },
      ],
    },
  };
}

export const fakeService = (name = 'web'): Service => ({
  metadata: { namespace: NAMESPACE, name, uid: `uid-${name}` },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80 }] },
});

export const fakeIngress = (
  annotations: Record<string, string> = {},
  { name = 'web', host = HOST, path = '/', service = 'web' } = {},
): Ingress => ({
  metadata: {
    namespace: NAMESPACE,
    name,
    annotations: Object.fromEntries(
      Object.entries({
        'target-type': 'ip',
        'healthcheck-path': '/readyz',
        'healthcheck-interval-seconds': '5',
        // Two real seconds: a busy machine must not fail a check.
        'healthcheck-timeout-seconds': '100',
        'target-group-attributes': 'deregistration_delay.timeout_seconds=20',
        ...annotations,
      }).map(([key, value]) => [`alb.ingress.kubernetes.io/${key}`, value]),
    ),
  },
  spec: {
    ingressClassName: 'alb',
    rules: [
      {
        host,
        http: {
          paths: [{ path, pathType: 'Prefix', backend: { service: { name: service, port: { name: 'http' } } } }],
        },
      },
    ],
  },
});

/** A cluster with one Ingress, its Service and these pods. */
export function clusterOf(pods: readonly FakePod[], annotations: Record<string, string> = {}): ClusterState {
  const parts = pods.map((pod, index) => fakePod(pod, index));
  return {
    ingresses: [fakeIngress(annotations)],
    services: [fakeService()],
    endpointSlices: parts.map(({ slice }) => slice),
    pods: parts.map(({ pod }) => pod),
    nodes: parts.map(({ node }) => node),
  };
}

interface Teardown {
  teardown(act: () => void): void;
}

/** A server on a free port of loopback, closed with the test. */
export async function listen(t: Teardown, server: Server): Promise<number> {
  server.listen(0, ADDRESS);
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A target that is healthy and answers with its name, unless told otherwise. */
export async function startPod(
  t: Teardown,
  name: string,
  respond: RequestListener = (_, response) => response.end(name),
  isHealthy: () => boolean = () => true,
): Promise<FakePod & { server: Server; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/readyz') {
      response.writeHead(isHealthy() ? 200 : 503).end();
      return;
    }
    requests.push(request);
    respond(request, response);
  });
  // It closes no connection itself.
  server.keepAliveTimeout = 0;
  return { name, port: await listen(t, server), server, requests };
}

export async function startFrontDoor(
  t: Teardown,
  options: FrontDoorOptions = {},
): Promise<FrontDoor & { port: number }> {
  const door = createFrontDoor({ second: SECOND, ...options });
  const port = await listen(t, door.server);
  t.teardown(() => {
    door.close();
  });
  return { ...door, port };
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
}

/** One request on a connection of its own. */
export async function ask(
  port: number,
  { path = '/', host = HOST, method = 'GET', headers = {}, body = '' } = {},
): Promise<Answer> {
  const call = request({ host: ADDRESS, port, path, method, headers: { Host: host, ...headers }, agent: false });
  call.end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response), headers: response.headers };
}

/** Waits for something that comes by itself; the test's own timeout is the limit. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(2);
}

/** The states of all targets, by pod. */
export const statesOf = (door: FrontDoor): Record<string, string> =>
  Object.fromEntries(
    door.groups().flatMap((group) => group.targets().map(({ endpoint, state }) => [endpoint.pod, state])),
  );

export const areHealthy = (door: FrontDoor): boolean =>
  Object.values(statesOf(door)).every((state) => state === 'healthy');
