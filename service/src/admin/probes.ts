import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';

const Status = Type.Object({
  status: Type.Unsafe<'ok' | 'starting' | 'stopping'>({ type: 'string', enum: ['ok', 'starting', 'stopping'] }),
});

/** Where the service is between its start and its end. */
export type Phase = 'starting' | 'ok' | 'stopping';

export interface ProbesOptions {
  readonly phase: () => Phase;
}

/**
 * For Kubernetes. `/livez`: this process turns its event loop, also while it stops. `/readyz`: it wants requests.
 * Neither asks anything of other systems, whose failure would then take all pods out at once.
 */
export const probes: FastifyPluginCallbackTypebox<ProbesOptions> = (app, { phase }, done) => {
  app.get(
    '/livez',
    { schema: { summary: 'Whether the process lives', response: { 200: Status } } },
    (_request, reply) => {
      reply.send({ status: 'ok' });
    },
  );
  app.get(
    '/readyz',
    { schema: { summary: 'Whether it wants requests', response: { 200: Status, 503: Status } } },
    (_request, reply) => {
      reply.code(phase() === 'ok' ? 200 : 503).send({ status: phase() });
    },
  );
  done();
};
