import { maxHeaderSize, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Metrics } from '../metrics.ts';
import { problem, PROBLEM_MEDIA_TYPE, ProblemError } from '../problems.ts';
import { onceOver, type TellRequest } from './observed-requests.ts';

// What the client is told of Fastify's own errors; the rest speak for themselves.
const details: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty; it must be JSON.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be application/json.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as its Content-Length says.',
};

/** Answers with a problem document. The client's mistakes are explained to it; of ours, only the log tells. */
export function answerError(error: FastifyError | ProblemError, request: FastifyRequest, reply: FastifyReply): void {
  const known = error instanceof ProblemError ? error : undefined;
  const status =
    error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 600 ? error.statusCode : 500;
  if (status >= 500 && known === undefined) request.log.error({ err: error }, 'request failed');
  const detail =
    status >= 500 && known === undefined
      ? 'The service failed to answer this request.'
      : (('code' in error ? details[error.code] : undefined) ?? error.message);
  if (known !== undefined) reply.headers(known.headers);
  if (status === 415) reply.header('accept-post', 'application/json');
  reply
    .code(status)
    .header('cache-control', 'no-store')
    .header('content-type', PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(problem(status, detail, request.id, { type: known?.type, fields: known?.fields })));
}

/** Every answer that is not a success, from wherever it comes: a route, Fastify, or a request that no route takes. */
export const errors = fp(
  (app, _options, done) => {
    app.setErrorHandler(answerError);

    // Before the body is looked at: what no route takes is 404, whatever its body is.
    app.addHook('onRequest', (request, _reply, next) => {
      // HTTP/1.1 requires it, once. Node would answer without a problem document, and Host twice it would let pass.
      if (request.raw.httpVersionMinor > 0 && hosts(request.raw.rawHeaders) !== 1)
        next(new ProblemError(400, 'The request must have one Host header.', { headers: { connection: 'close' } }));
      else if (request.is404) next(notFound(request));
      else next();
    });
    app.setNotFoundHandler((request) => {
      throw notFound(request);
    });
    done();
  },
  { name: 'errors', dependencies: ['@fastify/sensible', 'observed-requests'] },
);

function hosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') count += 1;
  return count;
}

function notFound(request: FastifyRequest): Error {
  if (!request.server.supportedMethods.includes(request.method))
    return new ProblemError(501, `The method ${request.method} is not known here.`);
  return request.server.httpErrors.notFound('There is nothing at this address.');
}

/**
 * Refuses the methods that the routes before it do not have, with 405 and a list of those that they have. Registered
 * after them.
 */
export const methodNotAllowed = fp(
  (app, _options, done) => {
    for (const [url, methods] of [...app.routeMethods]) {
      const allow = [...methods].sort().join(', ');
      app.route({
        url,
        method: app.supportedMethods.filter((method) => !methods.has(method)),
        schema: { hide: true },
        // A hook, so that the body is not looked at.
        onRequest: (request, _reply, next) => {
          next(new ProblemError(405, `There is no ${request.method} here, only ${allow}.`, { headers: { allow } }));
        },
        handler: () => {
          throw new Error('never reached');
        },
      });
    }
    done();
  },
  { name: 'method-not-allowed', dependencies: ['observed-requests'] },
);

/**
 * Answers what Fastify finds wrong before any hook runs: a URL that cannot be decoded, or a parameter that is too long.
 */
export function answerFrameworkError(
  tell: TellRequest,
): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, request, reply) => {
    onceOver(request, reply, tell);
    answerError(
      error.code === 'FST_ERR_BAD_URL' ? new ProblemError(400, 'The path is not validly percent-encoded.') : error,
      request,
      reply,
    );
  };
}

/** What Node tells of a connection that it cannot go on with. */
interface ConnectionError extends Error {
  readonly code?: string;
  /** What it read last, a Buffer in fact. */
  readonly rawPacket?: unknown;
}

/** Answers a connection whose request cannot be read, and closes it. */
export function answerConnectionError(
  metrics: Metrics,
  log: FastifyBaseLogger,
): (error: ConnectionError, socket: Socket) => void {
  return (error, socket) => {
    // Nobody is there to be told.
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const [status, detail] = connectionProblem(error);
    metrics.connectionErrors.inc({ status_code: status });
    log.info({ status, reason: error.code }, 'unreadable request');
    const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail });
    if (socket.writable)
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
    // Whatever it still sends is of no interest.
    socket.destroySoon();
  };
}

function connectionProblem({ code, rawPacket }: ConnectionError): [status: number, detail: string] {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'The request took too long to arrive.'];
    case 'HPE_HEADER_OVERFLOW':
      return [431, `The headers are larger than ${maxHeaderSize} bytes.`];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'The chunk extensions are too large.'];
    case 'HPE_INVALID_METHOD':
      if (
        Buffer.isBuffer(rawPacket) &&
        /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ \S+ HTTP\/1\.[01]\r?\n/.test(rawPacket.toString('latin1'))
      )
        return [501, 'The method is not known here.'];
  }
  return [400, 'The request is not valid HTTP.'];
}
