// Where Node.js would answer or close a connection on its own, without Fastify, the service answers as it does everywhere:
// with a problem document, a log line and a metric, after the answers to earlier requests.
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyServerOptions } from 'fastify';
import type { Metrics } from './metrics.ts';
import { createServer, maxHeaderSize, ServerResponse as Response } from './node-http.ts';
import { securityHeaders } from './plugins/security-headers.ts';
import { problem, PROBLEM_MEDIA_TYPE, ProblemError, titleOf } from './problems.ts';
import { timings } from './timings.ts';
import { newTraceId } from './trace-context.ts';

/** What Node.js reports of a connection that it cannot go on with. */
interface ConnectionError extends Error {
  readonly code?: string;
  /** What it read last, a Buffer in fact, and how far it could. */
  readonly rawPacket?: unknown;
  readonly bytesParsed?: number;
}

/** The answer to the last request of a connection: answers go in order, so when it is over, all are. */
const lastAnswer = Symbol('last answer');
interface Connection extends Socket {
  [lastAnswer]?: ServerResponse;
}

export interface ConnectionOptions {
  readonly metrics: Metrics;
  readonly log: FastifyBaseLogger;
}

export interface Connections {
  /** The options of Fastify that make its HTTP server: the limits of a connection, and an answer to what breaks them. */
  readonly options: Pick<FastifyServerOptions, 'serverFactory' | 'clientErrorHandler'>;
  /** Lets the answers that are under way end their connections. Fastify says so itself to requests that come later. */
  readonly endWithAnswers: () => void;
}

export function connections({ metrics, log }: ConnectionOptions): Connections {
  const open = new Set<Connection>();
  const refused = new WeakSet<Socket>();

  function serverFactory(handler: RequestListener): Server {
    const handle: RequestListener = (request, response) => {
      (request.socket as Connection)[lastAnswer] = response;
      handler(request, response);
    };
    const server = createServer(
      {
        requestTimeout: timings.request * 1000,
        headersTimeout: timings.headers * 1000,
        keepAliveTimeout: timings.keepAlive * 1000,
        connectionsCheckingInterval: timings.connectionsCheck * 1000,
        // Checked in plugins/errors.ts, like the other rules for Host.
        requireHostHeader: false,
      },
      handle,
    );
    // All of them: Node.js would drop those after the first thousand in silence, and maxHeaderSize bounds them already.
    server.maxHeadersCount = 0;
    // 100 Continue when the body is wanted, and not before a refusal (RFC 9110, 10.1.1).
    server.on('checkContinue', (request, response: ServerResponse) => {
      request.once('resume', () => {
        if (!response.headersSent) response.writeContinue();
      });
      handle(request, response);
    });
    // Refused in plugins/errors.ts, with 417.
    server.on('checkExpectation', handle);
    server.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
    answerConnect(server, handle);
    server.close = (callback) => closePort(server, callback);
    return server;
  }

  /** Answers CONNECT as any other request; Node.js would close the connection. */
  function answerConnect(server: Server, handle: RequestListener): void {
    const listeners = new WeakMap<object, { event: 'close' | 'drain'; listener: () => void }[]>();
    server.on('connection', (socket) => {
      listeners.set(
        socket,
        (['close', 'drain'] as const).flatMap((event) =>
          (socket.listeners(event) as (() => void)[]).map((listener) => ({ event, listener })),
        ),
      );
    });
    server.on('connect', (request, socket) => {
      // It has taken its listeners off the socket, though earlier answers may still be on their way.
      for (const { event, listener } of listeners.get(socket) ?? []) socket.on(event, listener);
      socket.on('error', () => undefined);
      // Read on, to hear when the client leaves; there is no tunnel for what it sends.
      socket.resume();
      socket.once('end', () => socket.end());
      afterAnswers(request.socket, () => {
        const response = new Response(request);
        response.shouldKeepAlive = false;
        response.assignSocket(request.socket);
        response.on('finish', () => {
          response.detachSocket(request.socket);
          closeGently(request.socket);
          process.nextTick(emitClose, response);
        });
        handle(request, response);
      });
    });
  }

  /** Answers a connection whose bytes cannot be read as a request, or not in time, and closes it. */
  function clientErrorHandler(error: ConnectionError, socket: Socket): void {
    // Once is enough, though more may arrive.
    if (socket.destroyed || refused.has(socket)) return;
    const known = connectionProblem(error);
    if (known === undefined) {
      // The connection itself is broken: no answer would arrive.
      socket.destroy();
      return;
    }
    refused.add(socket);
    const [status, detail] = known;
    const last = (socket as Connection)[lastAnswer];
    if (last !== undefined && !last.req.complete) {
      // It is the body of a request that Fastify has already: its reader gets the error, and answers.
      if (!last.headersSent && last.req.listenerCount('error') > 0)
        last.req.emit('error', new ProblemError(status, detail));
      else log.info({ reason: error.code }, 'rest of a request unreadable');
      afterAnswers(socket, () => {
        closeGently(socket);
      });
      return;
    }
    const traceId = newTraceId();
    metrics.connectionErrors.inc({ status_code: status });
    log.info({ trace_id: traceId, status, reason: error.code }, 'unreadable request');
    afterAnswers(socket, () => {
      closeGently(socket, rawAnswer(status, detail, traceId));
    });
  }

  /** Calls back when all pending answers of the connection are sent; never if it ends before, or they take too long. */
  function afterAnswers(socket: Socket, next: () => void): void {
    const last = (socket as Connection)[lastAnswer];
    if (last === undefined || last.closed || last.writableFinished) {
      next();
      return;
    }
    const limit = setTimeout(() => socket.destroy(), timings.request * 1000).unref();
    last.once('close', () => {
      clearTimeout(limit);
      if (!socket.destroyed) next();
    });
  }

  return {
    options: { serverFactory, clientErrorHandler },
    endWithAnswers() {
      for (const socket of open) {
        const answer = socket[lastAnswer];
        if (answer !== undefined) answer.shouldKeepAlive = false;
      }
    },
  };
}

/**
 * Closes the port, and the connections that have nothing to do a little later. Node.js closes those at once: also one
 * whose request has been sent already, and not been read.
 */
function closePort(server: Server, callback?: (error?: Error) => void): Server {
  NetServer.prototype.close.call(server, callback);
  setTimeout(() => {
    // After the next look at what has arrived.
    setImmediate(() => {
      server.closeIdleConnections();
    });
  }, timings.lastRequests * 1000).unref();
  return server;
}

/** As Node.js does for the answers that it made itself. */
function emitClose(response: ServerResponse): void {
  response.emit('close');
}

/**
 * Sends the last bytes and closes. What still arrives is read and dropped for a moment: a connection that is closed over
 * unread bytes is reset, and the reset may overtake the answer (RFC 9112, 9.6).
 */
function closeGently(socket: Socket, bytes = ''): void {
  if (socket.writable) socket.end(bytes);
  socket.resume();
  const limit = setTimeout(() => socket.destroy(), timings.linger * 1000).unref();
  socket.once('end', () => {
    socket.destroySoon();
  });
  socket.once('close', () => {
    clearTimeout(limit);
  });
}

function rawAnswer(status: number, detail: string, traceId: string): string {
  const body = JSON.stringify(problem(status, detail, traceId));
  const headers = {
    ...securityHeaders,
    date: new Date().toUTCString(),
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${titleOf(status)}\r\n${lines.join('')}\r\n${body}`;
}

/** The answer to an error of the parser or a timeout; undefined where the connection itself failed. */
function connectionProblem({
  code = '',
  rawPacket,
  bytesParsed = 0,
}: ConnectionError): [status: number, detail: string] | undefined {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'The request took too long to arrive.'];
    case 'HPE_HEADER_OVERFLOW':
      return [431, `The headers are larger than ${maxHeaderSize} bytes.`];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'The chunk extensions are too large.'];
    case 'HPE_INVALID_METHOD':
      if (Buffer.isBuffer(rawPacket) && requestLine.test(textAt(rawPacket, bytesParsed)))
        return [501, 'Unknown method.'];
  }
  return code.startsWith('HPE_') ? [400, 'The request is not valid HTTP.'] : undefined;
}

const requestLine = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ \S+ HTTP\/1\.[01]\r?\n/;

/** The text from the beginning of the word at a position: a method, whatever is before it. */
function textAt(packet: Buffer, position: number): string {
  const before = packet.toString('latin1', Math.max(0, position - 100), position);
  return (/[\w!#$%&'*+.^`|~-]*$/.exec(before)?.[0] ?? '') + packet.toString('latin1', position);
}
