import { setTimeout as sleep } from 'node:timers/promises';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { answerError, answerNotFound } from './problems.ts';
import { networks } from './routes/networks.ts';
import { probes } from './routes/probes.ts';

// After the drain, requests that still run get this long. With the drain it has to stay
// below the grace period of the pod, which the chart sets to 5 s more than the drain.
const CLOSE_SECONDS = 3;

export interface AppOptions {
  /** Fastify's logger; none when left out. */
  readonly logger?: NonNullable<FastifyServerOptions['logger']>;
  /** How long close() goes on taking requests; not at all when left out. */
  readonly drainSeconds?: number;
}

/**
 * The service, not yet listening. `close()` stops it without losing a request:
 * 1. readiness fails, so that no new clients are sent here
 * 2. for `drainSeconds` everything is answered as ever, but with `Connection: close`, so that clients leave by themselves
 * 3. the port is closed; what still runs may finish, and whatever is left after CLOSE_SECONDS is cut
 */
export function buildApp({ logger = false, drainSeconds = 0 }: AppOptions = {}): FastifyInstance {
  const app = Fastify({
    logger,
    // A request that arrives while draining is as good as any other.
    return503OnClosing: false,
    // Fastify gives up on close() after this time, and the drain is part of it.
    pluginTimeout: 10_000 + (drainSeconds + CLOSE_SECONDS) * 1000,
    // Time for a client to send its whole request; Fastify's default switches Node's limit off.
    requestTimeout: 30_000,
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply);
    },
  });
  let stopping = false;

  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  app.register(probes, { isStopping: () => stopping });
  app.register(networks);

  // Fastify says so itself to requests that begin while it closes, but not to those that began before.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (stopping) reply.header('connection', 'close');
    done();
  });

  app.addHook('preClose', async () => {
    stopping = true;
    await sleep(drainSeconds * 1000);
    setTimeout(() => {
      app.server.closeAllConnections();
    }, CLOSE_SECONDS * 1000).unref();
  });

  return app;
}
