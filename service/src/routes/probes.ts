import type { FastifyPluginCallback } from 'fastify';

/** Shared between the signal handlers, which set it, and the readiness probe, which reads it. */
export interface Lifecycle {
  stopping: boolean;
}

/** GET /livez: the process answers. GET /readyz: it wants traffic; 503 from the moment it is told to stop. */
export const probeRoutes: FastifyPluginCallback<{ lifecycle: Lifecycle }> = (app, { lifecycle }, done) => {
  app.get('/livez', { logLevel: 'silent' }, () => ({ status: 'ok' }));
  app.get('/readyz', { logLevel: 'silent' }, (_request, reply) => {
    if (lifecycle.stopping) return reply.code(503).send({ status: 'stopping' });
    return reply.send({ status: 'ok' });
  });
  done();
};
