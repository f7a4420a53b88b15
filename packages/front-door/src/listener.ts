import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { forwardedAddresses } from './headers.ts';
import { answer, forward } from './proxy.ts';
import type { Route } from './router.ts';

export interface ListenerOptions {
  readonly route: (request: IncomingMessage) => Route;
  /** Gets a line for each request when it is over. */
  readonly accessLog?: ((line: string) => void) | undefined;
}

/** "HTTP 400: Bad request" in AWS's troubleshooting: 64 KiB for all headers. */
const MAX_HEADER_SIZE = 65_536;

/** "HTTP 463": no more than 30 addresses in X-Forwarded-For. */
const MAX_FORWARDED = 30;

/** What the load balancer answers itself, whatever the host. */
function refusal(request: IncomingMessage): { status: number; text: string } | undefined {
  if (request.method === 'TRACE') return { status: 405, text: '405: TRACE is not supported' };
  if (forwardedAddresses(request) > MAX_FORWARDED)
    return { status: 463, text: `463: X-Forwarded-For has more than ${MAX_FORWARDED} addresses` };
  const encoding = request.headers['transfer-encoding']?.toLowerCase() ?? 'chunked';
  if (encoding !== 'chunked' && encoding !== 'identity')
    return { status: 501, text: `501: Transfer-Encoding ${encoding} is not supported` };
  return undefined;
}

function handle(request: IncomingMessage, response: ServerResponse, options: ListenerOptions): void {
  // The target's own Date is passed on.
  response.sendDate = false;
  const refused = refusal(request);
  if (refused !== undefined) {
    answer(response, refused.status, refused.text);
    return;
  }
  const route = options.route(request);
  if ('status' in route) {
    answer(response, route.status, route.text);
    return;
  }
  const target = route.group.pick();
  if (target === undefined) {
    const { namespace, service, endpoints } = route.group.spec;
    const why = endpoints.simulated.length > 0 ? 'its pods are simulated: no process answers' : 'no pod of it is ready';
    answer(response, 503, `503: Service ${namespace}/${service}: ${why}`);
    return;
  }
  forward(request, response, route.path, target, route.settings);
}

/** One line for a request that is over: method, host and path, status, milliseconds. */
function logWhenOver(request: IncomingMessage, response: ServerResponse, log: (line: string) => void): void {
  const start = performance.now();
  response.on('close', () => {
    const time = (performance.now() - start).toFixed(1);
    const status = response.writableFinished ? String(response.statusCode) : 'aborted';
    const { method = '', headers, url = '' } = request;
    log(`${method} ${headers.host ?? ''}${url} ${status} ${time}`);
  });
}

/**
 * The listener of the load balancers: HTTP/1.1 with keep-alive. A request to upgrade the connection (WebSocket) is handled
 * as if it did not ask for it: the service has no such routes.
 */
export function createListener(options: ListenerOptions): Server {
  /** The request that each connection works on. */
  const current = new WeakMap<Socket, IncomingMessage>();
  const server = createServer({
    maxHeaderSize: MAX_HEADER_SIZE,
    // The idle timeout is the only one.
    requestTimeout: 0,
    headersTimeout: 0,
    keepAliveTimeoutBuffer: 0,
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    current.set(socket, request);
    response.on('close', () => {
      if (current.get(socket) === request) current.delete(socket);
    });
    if (options.accessLog !== undefined) logWhenOver(request, response, options.accessLog);
    handle(request, response, options);
  });
  server.on('timeout', (socket: Socket) => {
    const request = current.get(socket);
    // The client has sent all; it is the target that is slow, and proxy.ts answers.
    if (request?.complete === true) return;
    if (request === undefined) socket.destroy();
    else refuse(socket, '408 Request Timeout');
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET') socket.destroy();
    else refuse(socket, '400 Bad Request');
  });
  return server;
}

/** Sets how long a connection may be silent, in milliseconds. */
export function setIdleTimeout(server: Server, idle: number): void {
  server.timeout = idle;
  server.keepAliveTimeout = idle;
}

function refuse(socket: Socket, status: string): void {
  if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  else socket.destroy();
}
