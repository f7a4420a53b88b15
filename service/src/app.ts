import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { networkRoutes } from './routes/networks.ts';
import { probeRoutes, type Lifecycle } from './routes/probes.ts';

export interface AppOptions {
  readonly logger?: FastifyServerOptions['logger'];
  /** Tells the readiness probe that the service is about to stop. */
  readonly lifecycle?: Lifecycle;
}

/** An answer that is not a success, as RFC 9457 has it. */
interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

/** The service without a listener: main.ts gives it one, tests inject requests. */
export async function buildApp({ logger = false, lifecycle = { stopping: false } }: AppOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({ logger });
  const problem = (status: number, title: string, detail: string): Problem => ({ type: 'about:blank', title, status, detail });

  app.setErrorHandler<Error & { statusCode?: number }>((error, request, reply) => {
    const status = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : 500;
    if (status === 500) request.log.error(error);
    // What went wrong inside is nobody's business outside.
    const body = status === 500 ? problem(500, 'Internal Server Error', 'The request could not be served.') : problem(status, error.name, error.message);
    return reply.code(status).type('application/problem+json').send(body);
  });
  app.setNotFoundHandler((request, reply) => reply.code(404).type('application/problem+json').send(problem(404, 'Not Found', `There is no ${request.method} ${request.url.split('?')[0] ?? ''}.`)));

  await app.register(probeRoutes, { lifecycle });
  await app.register(networkRoutes, { prefix: '/v1/networks' });
  return app;
}
