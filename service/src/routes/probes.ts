import Type, { type Static } from 'typebox';
import type { FastifyInstance } from 'fastify';

const Ok = Type.Object({ status: Type.Literal('ok') });
const Stopping = Type.Object({ status: Type.Literal('stopping') });

export interface ProbesOptions {
  readonly isStopping: () => boolean;
}

/** For Kubernetes: whether this process lives, and whether it wants requests. Neither asks anything of other systems. */
export function probes(app: FastifyInstance, { isStopping }: ProbesOptions, done: () => void): void {
  // Asked every few seconds for ever: logged only when something is wrong.
  const logLevel = 'warn';

  app.get<{ Reply: Static<typeof Ok> }>('/livez', { logLevel, schema: { response: { 200: Ok } } }, () => ({ status: 'ok' }));

  app.get<{ Reply: Static<typeof Ok> | Static<typeof Stopping> }>('/readyz', { logLevel, schema: { response: { 200: Ok, 503: Stopping } } }, (_request, reply) => {
    if (!isStopping()) return { status: 'ok' };
    reply.code(503);
    return { status: 'stopping' };
  });

  done();
}
