import { type IncomingHttpHeaders, type IncomingMessage, request as send, type ServerResponse } from 'node:http';
import { endpointResolver, servicePort } from './endpoints.ts';
import { responseHeaders } from './headers.ts';
import { byKey, type ClusterState, type SliceEndpoint } from './kubernetes.ts';
import { answer } from './proxy.ts';

// Stands in for the cluster's DNS and kube-proxy. Processes of this machine cannot reach the address of a Service, nor resolve its
// name; pods that need a Service get this as their HTTP_PROXY (packages/local/src/pod-placement.ts).

const SERVICE_NAME = /^(?<name>[a-z0-9-]+)\.(?<namespace>[a-z0-9-]+)\.svc(?:\.cluster\.local)?$/;

/** kube-proxy's rule, other than the load balancer's: a pod that waits for its readiness gate gets nothing. */
const isReady = ({ conditions }: SliceEndpoint): boolean => conditions?.ready !== false;

type Found = { readonly address: string; readonly port: number } | { readonly status: number; readonly text: string };

/** A random ready pod of the Service that a URL such as http://name.namespace.svc:9090/path names. */
function findPod(state: ClusterState | undefined, { hostname, port }: URL): Found {
  if (state === undefined) return { status: 503, text: 'the objects of the cluster are not known yet' };
  const { name = '', namespace = '' } = SERVICE_NAME.exec(hostname)?.groups ?? {};
  const key = `${namespace}/${name}`;
  const service = byKey(state.services).get(key);
  if (service === undefined) return { status: 502, text: `${hostname} is no Service` };
  const number = port === '' ? 80 : Number(port);
  const found = servicePort(service, number);
  if (found === undefined) return { status: 502, text: `Service ${key} has no port ${number}` };
  const { registered, simulated } = endpointResolver(state, isReady)(service, found.name);
  const pod = registered[Math.floor(Math.random() * registered.length)];
  if (pod !== undefined) return pod;
  const why = simulated.length > 0 ? 'its pods are simulated: no process answers' : 'no pod of it is ready';
  return { status: 503, text: `Service ${key}: ${why}` };
}

/** Whether this is a request to a proxy: one with a whole URL. */
export const isForService = ({ url = '' }: IncomingMessage): boolean => url.startsWith('http://');

/** Sends a request with a whole URL to a pod of the Service that it names. */
export function askService(state: ClusterState | undefined, request: IncomingMessage, response: ServerResponse): void {
  const url = URL.parse(request.url ?? '');
  if (url === null) {
    answer(response, 400, '400: no valid URL');
    return;
  }
  const found = findPod(state, url);
  if ('status' in found) {
    answer(response, found.status, `${found.status}: ${found.text}`);
    return;
  }
  const { method, headers } = request;
  const path = url.pathname + url.search;
  const options = { host: found.address, port: found.port, path, method, headers: withoutProxy(headers), agent: false };
  const forwarded = send(options, (got) => {
    response.writeHead(got.statusCode ?? 502, responseHeaders(got.rawHeaders, response.shouldKeepAlive));
    got.pipe(response);
  });
  forwarded.on('error', (error) => {
    answer(response, 502, `502: ${error.message}`);
  });
  response.on('close', () => forwarded.destroy());
  request.pipe(forwarded);
}

/** The headers that are for the proxy stay with it. */
function withoutProxy({ connection: _, 'proxy-connection': __, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders {
  return headers;
}
