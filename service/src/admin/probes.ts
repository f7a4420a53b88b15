import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';

/** Where the service is between its start and its end. */
export type Phase = 'starting' | 'ok' | 'stopping';

/** `overloaded`: every request is refused, since memory is short. */
type State = Phase | 'overloaded';

const Status = Type.Object({
  status: Type.Unsafe<State>({ type: 'string', enum: ['ok', 'starting', 'stopping', 'overloaded'] }),
});

export interface ProbesOptions {
  readonly state: () => State;
}

/**
 * For Kubernetes. `/livez`: the event loop runs, also while the process stops. `/readyz`: it accepts requests.
 * Neither asks anything of other systems, whose failure would then take all pods out at once.
 */
export const probes: FastifyPluginCallbackTypebox<ProbesOptions> = (app, { state }, done) => {
  app.get(
    '/livez',
    { schema: { summary: 'Whether the process lives', response: { 200: Status } } },
    (_request, reply) => {
      reply.send({ status: 'ok' });
    },
  );
  app.get(
    '/readyz',
    { schema: { summary: 'Whether it accepts requests', response: { 200: Status, 503: Status } } },
    (_request, reply) => {
      const status = state();
      reply.code(status === 'ok' ? 200 : 503).send({ status });
    },
  );
  done();
};
