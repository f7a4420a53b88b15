import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { problem, PROBLEM_MEDIA_TYPE, ProblemError } from '../problems.ts';
import { onceOver, type TellRequest } from './observed-requests.ts';
import { securityHeaders } from './security-headers.ts';

// What the client gets to read for some of Fastify's errors; the messages of the others are clear enough.
const details: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty; it must be JSON.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be application/json.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as its Content-Length says.',
  FST_ERR_BAD_URL: 'The path is not validly percent-encoded.',
  FST_ERR_MAX_PARAM_LENGTH: 'A part of the path is longer than 100 characters.',
};

/** Answers with a problem document. Mistakes of the client are explained; those of the service are only logged. */
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
      next(hostProblem(request) ?? expectationProblem(request) ?? (request.is404 ? notFound(request) : undefined));
    });
    app.setNotFoundHandler((request) => {
      throw notFound(request);
    });
    done();
  },
  { name: 'errors', dependencies: ['@fastify/sensible', 'observed-requests'] },
);

// uri-host [":" port] of RFC 9110, 7.2: an address in brackets, or a name; neither user information nor spaces.
const hostGrammar =
  /^(?:\[[0-9a-f:.]+\]|\[v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;
/** The last valid one: nearly all requests have the same. */
let goodHost: string | undefined;

/** RFC 9112, 3.2: HTTP/1.1 requires a Host; none may have two, or one with an invalid value. */
function hostProblem({ raw }: FastifyRequest): ProblemError | undefined {
  const count = hosts(raw.rawHeaders);
  if (count > 1 || (count === 0 && raw.httpVersionMinor > 0))
    return new ProblemError(400, 'The request must have exactly one Host header.', {
      headers: { connection: 'close' },
    });
  const { host } = raw.headers;
  if (host === undefined || host === goodHost) return undefined;
  if (!hostGrammar.test(host))
    return new ProblemError(400, 'The Host header must be a host, optionally with a port.', {
      headers: { connection: 'close' },
    });
  goodHost = host;
  return undefined;
}

function hosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.length === 4 && rawHeaders[index]?.toLowerCase() === 'host') count += 1;
  return count;
}

/** 100-continue is the only expectation defined (RFC 9110, 10.1.1); HTTP/1.0 has none. */
function expectationProblem({ raw }: FastifyRequest): ProblemError | undefined {
  const { expect } = raw.headers;
  return expect === undefined || raw.httpVersionMinor === 0 || expect.toLowerCase() === '100-continue'
    ? undefined
    : new ProblemError(417, 'Unknown expectation; only 100-continue is supported.');
}

function notFound(request: FastifyRequest): Error {
  if (!request.server.supportedMethods.includes(request.method))
    return new ProblemError(501, `Unknown method ${request.method}.`);
  return request.server.httpErrors.notFound('No route matches this path.');
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
          next(
            new ProblemError(405, `${request.method} is not allowed here; allowed: ${allow}.`, { headers: { allow } }),
          );
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
 * @param closing whether answers end their connections, since the service stops
 */
export function answerFrameworkError(
  tell: TellRequest,
  closing: () => boolean,
): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void {
  return (error, request, reply) => {
    onceOver(request, reply, tell);
    reply.headers(securityHeaders);
    if (closing()) reply.header('connection', 'close');
    answerError(hostProblem(request) ?? expectationProblem(request) ?? error, request, reply);
  };
}
