import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import sensible from '@fastify/sensible';
import client from '@prometheus-io/client';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import fastifyMetrics from 'fastify-metrics';
import type { Logger } from 'pino';
import { documentation } from './admin/documentation.ts';
import { faultRoutes } from './admin/faults.ts';
import { operations } from './admin/operations.ts';
import { type Phase, probes } from './admin/probes.ts';
import type { Api } from './api.ts';
import { buildInfo } from './build-info.ts';
import type { Config } from './config.ts';
import { type Connections, connections } from './connections.ts';
import { faultSwitches } from './faults.ts';
import { type MemoryLimits, type MemoryShortage, type MemoryUse, memoryWatch } from './memory-pressure.ts';
import { createMetrics, type Metrics, removeMisnamedGauges } from './metrics.ts';
import { answers } from './plugins/answers.ts';
import { contracts } from './plugins/contracts.ts';
import { answerFrameworkError, errors, methodNotAllowed } from './plugins/errors.ts';
import { faults } from './plugins/faults.ts';
import { type EventLoopUse, loadShedding } from './plugins/load-shedding.ts';
import { observedRequests, requestTeller, type TellRequest } from './plugins/observed-requests.ts';
import { openapi } from './plugins/openapi.ts';
import { withSecurityHeaders } from './plugins/security-headers.ts';
import { NoRequestLines, requestLogger } from './request-log.ts';
import { timings } from './timings.ts';
import { traceIdOf } from './trace-context.ts';

export interface ServiceOptions {
  readonly api: Api;
  readonly config: Config;
  readonly log: Logger;
  /** The cache's clock, in milliseconds; the monotonic one where left out. */
  readonly now?: () => number;
  /** What load shedding goes by; measured where left out. */
  readonly measures?: {
    readonly memory?: () => MemoryUse;
    readonly memoryLimits?: MemoryLimits;
    readonly eventLoop?: () => EventLoopUse;
  };
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
   * Stops in order: readiness fails; during the drain everything is answered as usual, but with
   * `Connection: close`, so that clients close their connections; the port is closed; what still runs may finish, and
   * whatever is left after `timings.close` is cut. What can be lost is a request that crosses the end of an idle
   * connection; see the README. The admin port answers until the end.
   */
  close: (options?: { drainSeconds?: number }) => Promise<void>;
}

// Nothing that this API takes is larger: a full plan or list of networks is below 16 KiB.
const BODY_LIMIT = 32 * 1024;

/** Builds the service; tests and main.ts alike. Nothing listens yet. */
export async function buildService({ api: ours, config, log, now, measures = {} }: ServiceOptions): Promise<Service> {
  const metrics = createMetrics(buildInfo);
  let phase: Phase = 'starting';
  let drain = config.DRAIN_SECONDS;
  const closing = (): boolean => phase === 'stopping';

  const watchMemory = memoryWatch({ use: measures.memory, limits: measures.memoryLimits });
  let shortage: MemoryShortage | undefined;
  let memoryTimer: NodeJS.Timeout | undefined;

  const tell = requestTeller(log, 'info', metrics);
  const apiConnections = connections({ metrics, log });
  const api = fastify(
    { log, tell, closing, connections: apiConnections },
    {
      // The drain is part of closing, and Fastify gives up on closing after this time.
      pluginTimeout: (10 + drain + timings.close) * 1000,
      // See connections.ts, which does that a little later.
      forceCloseConnections: false,
    },
  );
  let inFlight = 0;
  metrics.sources.http_requests_in_flight = () => inFlight;

  // The order matters; each line says why.
  await api.register(sensible); // needs nothing, and errors and routes use its httpErrors
  await api.register(fastifyMetrics.default, {
    promClient: client,
    endpoint: null,
    // The utilization's percentiles cost a twentieth of a busy process where they are sampled each tenth of a second.
    defaultMetrics: { enabled: true, register: metrics.registry, eventLoopUtilizationTimeout: 1000 },
    routeMetrics: { enabled: false },
  }); // metrics of Node.js
  removeMisnamedGauges(metrics);
  await api.register(observedRequests, { tell, inFlight: (change: 1 | -1) => (inFlight += change) }); // the first hook, so that whatever a later one refuses is counted and logged
  await api.register(withSecurityHeaders); // before anything that may answer
  await api.register(errors); // before anything that may throw
  await api.register(contracts); // before the routes, whose schemas it compiles
  await api.register(openapi, { document: ours.document }); // before the routes, whose schemas it collects
  const switches = config.FAULTS === 'on' ? faultSwitches() : undefined;
  await api.register(async (scope) => {
    // A scope of its own, so that what no route takes is not shed: refusing it is cheaper than that.
    if (config.LOAD_SHEDDING === 'on')
      await scope.register(loadShedding, { metrics, memory: () => shortage, eventLoop: measures.eventLoop }); // before any work is done
    if (switches !== undefined) await scope.register(faults, { switches }); // after what is refused anyway
    await scope.register(answers, { name: ours.name, config, metrics, now }); // before the routes, which use it
    await ours.routes(scope, metrics.registry);
  });
  await api.register(methodNotAllowed); // last, to refuse what the routes before it do not take

  api.addHook('preClose', async () => {
    await sleep(drain * 1000);
    setTimeout(() => {
      api.server.closeAllConnections();
    }, timings.close * 1000).unref();
  });

  // No load shedding here: probes and metrics report the overload.
  const tellAdmin = requestTeller(log, 'debug');
  const admin = fastify(
    { log, tell: tellAdmin, closing, connections: connections({ metrics, log }) },
    {
      // Prometheus keeps its connection open; the stop does not wait for it.
      forceCloseConnections: true,
    },
  );
  await admin.register(sensible);
  await admin.register(observedRequests, { tell: tellAdmin });
  await admin.register(withSecurityHeaders);
  await admin.register(errors);
  await admin.register(contracts);
  await admin.register(probes, { state: () => (phase === 'ok' && shortage !== undefined ? 'overloaded' : phase) });
  await admin.register(operations, { metrics, log });
  if (switches !== undefined) await admin.register(faultRoutes, { switches, log });
  await admin.register(documentation, {
    title: ours.document.title,
    document: () => api.swagger(),
    // The one that it listens on: with PORT=0 the system chose it.
    port: () => (api.server.address() as AddressInfo | null)?.port ?? config.PORT,
  });
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
      if (config.LOAD_SHEDDING === 'on')
        memoryTimer = setInterval(() => {
          shortage = watchMemory();
        }, timings.pressureSample * 1000).unref();
      return addresses;
    },
    async close({ drainSeconds = config.DRAIN_SECONDS } = {}) {
      phase = 'stopping';
      drain = drainSeconds;
      metrics.draining.set(1);
      apiConnections.endWithAnswers();
      await api.close();
      await admin.close();
      // Requests that were cut are logged when their connections are closed, a turn or two of the event loop later.
      for (let turn = 0; inFlight > 0 && turn < 10; turn += 1) await nextTurn();
      clearInterval(memoryTimer);
    },
  };
}

interface PortOptions {
  readonly log: Logger;
  readonly tell: TellRequest;
  readonly connections: Connections;
  /** Whether the service stops, so that answers end their connections. */
  readonly closing: () => boolean;
}

/** What both ports have in common. */
function fastify({ log, tell, closing, connections }: PortOptions, options: FastifyServerOptions): FastifyInstance {
  return Fastify({
    ...connections.options,
    loggerInstance: log,
    logController: new NoRequestLines(),
    childLoggerFactory: requestLogger,
    genReqId: traceIdOf,
    frameworkErrors: answerFrameworkError(tell, closing),
    bodyLimit: BODY_LIMIT,
    // A request that arrives while draining is as good as any other.
    return503OnClosing: false,
    ...options,
  });
}
