import { setTimeout as sleep } from 'node:timers/promises';
import sensible from '@fastify/sensible';
import client from '@prometheus-io/client';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import fastifyMetrics from 'fastify-metrics';
import type { Logger } from 'pino';
import { documentation } from './admin/documentation.ts';
import { operations } from './admin/operations.ts';
import { type Phase, probes } from './admin/probes.ts';
import { buildInfo } from './build-info.ts';
import type { Config } from './config.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { answers } from './plugins/answers.ts';
import { contracts } from './plugins/contracts.ts';
import { answerConnectionError, answerFrameworkError, errors, methodNotAllowed } from './plugins/errors.ts';
import { loadShedding } from './plugins/load-shedding.ts';
import { observedRequests, requestTeller, type TellRequest } from './plugins/observed-requests.ts';
import { openapi } from './plugins/openapi.ts';
import { securityHeaders } from './plugins/security-headers.ts';
import { NoRequestLines } from './request-log.ts';
import { networks } from './routes/networks.ts';
import { overlaps } from './routes/overlaps.ts';
import { plans } from './routes/plans.ts';
import { reservedRanges } from './routes/reserved-ranges.ts';
import { timings } from './timings.ts';
import { traceIdOf } from './trace-context.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly log: Logger;
  /** The cache's clock, in milliseconds; Date.now where left out. */
  readonly now?: () => number;
}

/** The service, not yet listening: the API and, on a port of its own, what operators need. */
export interface Service {
  readonly config: Config;
  readonly api: FastifyInstance;
  readonly admin: FastifyInstance;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Opens both ports, the admin port first; ready from then on. */
  listen: () => Promise<{ api: string; admin: string }>;
  /**
   * Stops without losing a request: readiness fails; for the time of the drain everything is answered as ever, but with
   * `Connection: close`, so that clients leave by themselves; the port is closed; what still runs may finish, and
   * whatever is left after `timings.close` is cut. The admin port answers until the end.
   */
  close: (options?: { drainSeconds?: number }) => Promise<void>;
}

// Nothing that this API takes is larger: a full plan or list of networks is below 16 KiB.
const BODY_LIMIT = 32 * 1024;

/** Builds the service; tests and main.ts alike. Nothing listens yet. */
export async function buildService({ config, log, now }: ServiceOptions): Promise<Service> {
  const metrics = createMetrics(buildInfo);
  let phase: Phase = 'starting';
  let drain = config.DRAIN_SECONDS;

  const tell = requestTeller(log, 'info', metrics);
  const api = fastify(log, tell, metrics, {
    // The drain is part of closing, and Fastify gives up on closing after this time.
    pluginTimeout: (10 + drain + timings.close) * 1000,
  });
  let inFlight = 0;
  metrics.sources.http_requests_in_flight = () => inFlight;

  // The order matters; each line says why it stands where it does.
  await api.register(sensible); // needs nothing, and errors and routes use its httpErrors
  await api.register(fastifyMetrics.default, {
    promClient: client,
    endpoint: null,
    defaultMetrics: { enabled: true, register: metrics.registry },
    routeMetrics: { enabled: false },
  }); // what Node can tell of itself
  await api.register(observedRequests, { tell, inFlight: (change: 1 | -1) => (inFlight += change) }); // the first hook, so that whatever a later one refuses is counted and logged
  await api.register(securityHeaders); // before anything that may answer
  await api.register(errors); // before anything that may throw
  await api.register(contracts); // before the routes, whose schemas it compiles
  await api.register(openapi); // before the routes, whose schemas it collects
  await api.register(async (scope) => {
    // A scope of its own, so that what no route takes is not shed: refusing it is cheaper than that.
    if (config.LOAD_SHEDDING === 'on') await scope.register(loadShedding, { metrics }); // before any work is done
    await scope.register(answers, { config, metrics, now }); // before the routes, which use it
    await scope.register(networks);
    await scope.register(plans, { metrics });
    await scope.register(overlaps, { metrics });
    await scope.register(reservedRanges);
    await scope.register(methodNotAllowed); // last, to refuse what the routes before it do not take
  });

  api.addHook('preClose', async () => {
    await sleep(drain * 1000);
    setTimeout(() => {
      api.server.closeAllConnections();
    }, timings.close * 1000).unref();
  });
  // Fastify says so itself to requests that begin while it closes, but not to those that began before.
  api.addHook('onSend', (_request, reply, _payload, next) => {
    if (phase === 'stopping') reply.header('connection', 'close');
    next();
  });

  // No load shedding here: probes and metrics are what tells of overload.
  const tellAdmin = requestTeller(log, 'debug');
  const admin = fastify(log, tellAdmin, metrics, {
    // Prometheus keeps its connection open, and nobody waits for it at the end.
    forceCloseConnections: true,
  });
  await admin.register(sensible);
  await admin.register(observedRequests, { tell: tellAdmin });
  await admin.register(securityHeaders);
  await admin.register(errors);
  await admin.register(contracts);
  await admin.register(probes, { phase: () => phase });
  await admin.register(operations, { metrics, log });
  await admin.register(documentation, { document: () => api.swagger() });
  await admin.register(methodNotAllowed);

  return {
    config,
    api,
    admin,
    log,
    metrics,
    async listen() {
      const host = config.HOST;
      const addresses = {
        admin: await admin.listen({
          host,
          port: config.ADMIN_PORT,
          listenTextResolver: (address) => `admin port at ${address}`,
        }),
        api: await api.listen({ host, port: config.PORT, listenTextResolver: (address) => `API at ${address}` }),
      };
      if (phase === 'starting') phase = 'ok';
      return addresses;
    },
    async close({ drainSeconds = config.DRAIN_SECONDS } = {}) {
      phase = 'stopping';
      drain = drainSeconds;
      metrics.draining.set(1);
      await api.close();
      await admin.close();
    },
  };
}

/** What both ports have in common. */
function fastify(log: Logger, tell: TellRequest, metrics: Metrics, options: FastifyServerOptions): FastifyInstance {
  return Fastify({
    loggerInstance: log,
    logController: new NoRequestLines(),
    genReqId: traceIdOf,
    frameworkErrors: answerFrameworkError(tell),
    clientErrorHandler: answerConnectionError(metrics, log),
    requestTimeout: timings.request * 1000,
    keepAliveTimeout: timings.keepAlive * 1000,
    bodyLimit: BODY_LIMIT,
    // A request that arrives while draining is as good as any other.
    return503OnClosing: false,
    http: {
      headersTimeout: timings.headers * 1000,
      connectionsCheckingInterval: timings.connectionsCheck * 1000,
      // Checked in plugins/errors.ts, which answers with a problem document.
      requireHostHeader: false,
    },
    ...options,
  });
}
