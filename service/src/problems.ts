import { STATUS_CODES } from 'node:http';
import Type, { type Static } from 'typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';

const MEDIA_TYPE = 'application/problem+json';

/** The body of every answer of 400 and above: a problem document of RFC 9457. */
export const Problem = Type.Object({
  type: Type.String({ description: 'Kind of problem; about:blank where the status says it all' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String({ description: 'What was wrong with this request' }),
});

/** A problem as an entry of a route's response schemas: `response: { 400: problemResponse('…') }`. */
export const problemResponse = (description: string) => ({ description, content: { [MEDIA_TYPE]: { schema: Problem } } });

function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  const problem: Static<typeof Problem> = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail };
  return reply.code(status).type(MEDIA_TYPE).send(problem);
}

/** Answers what a route threw. A client's mistake (an error with a `statusCode` of 4xx) is explained; of ours, only the log tells. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (error instanceof Error && status >= 400 && status < 500) return sendProblem(reply, status, error.message);
  request.log.error({ err: error }, 'request failed');
  return sendProblem(reply, 500, 'The service failed to answer this request.');
}

/** Answers a request that no route takes. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 404, `There is no ${request.method} ${request.url}.`);
}
