import type { FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import fp from 'fastify-plugin';
import type { Logger } from 'pino';
import type { Metrics } from '../metrics.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The methods of each route so far, by its URL as Fastify has it. */
    routeMethods: Map<string, Set<HTTPMethods>>;
  }
  interface FastifyRequest {
    /** The template of the route that the request met, such as `/v1/networks/{cidr}`; undefined where it met none. */
    template: string | undefined;
  }
  interface FastifyContextConfig {
    /**
     * The template by which a route is logged and counted, where its URL is not the one that the documentation shows.
     */
    template?: string;
  }
}

/**
 * Logs, and counts, a request that is over. `status` is 499, as nginx made customary, where the client left before it
 * had its answer.
 */
export type TellRequest = (request: FastifyRequest, reply: FastifyReply, status: number) => void;

/** Calls back once, when a request is over, in whichever way it ends. */
export function onceOver(request: FastifyRequest, reply: FastifyReply, tell: TellRequest): void {
  let answered = false;
  reply.raw.on('finish', () => {
    answered = true;
  });
  // The one event that comes in any case.
  reply.raw.on('close', () => {
    tell(request, reply, answered ? reply.statusCode : 499);
  });
}

/**
 * Tells of requests: one line, one observation.
 * @param metrics where they are counted; they are not where this is left out
 */
export function requestTeller(log: Logger, level: 'info' | 'debug', metrics?: Metrics): TellRequest {
  return (request, reply, status) => {
    const { method } = request;
    // Looked up for a request that was refused before its route's own hook ran.
    const route = request.template ?? request.routeOptions.config.template ?? 'unmatched';
    const milliseconds = reply.elapsedTime;
    metrics?.observe(method, route, status, milliseconds / 1000);
    if (!log.isLevelEnabled(level)) return;
    const bytes = method === 'HEAD' || status === 499 ? 0 : Number(reply.getHeader('content-length') ?? 0);
    log[level](
      { trace_id: request.id, method, route, status, ms: Math.round(milliseconds * 1000) / 1000, bytes },
      'request',
    );
  };
}

export interface ObservedRequestsOptions {
  readonly tell: TellRequest;
  /** Told of each request that arrives (1) or is over (-1). */
  readonly inFlight?: (change: 1 | -1) => void;
}

/** Follows each request from its arrival to its end, whether it was answered or its client left before. */
export const observedRequests = fp<ObservedRequestsOptions>(
  (app, { tell, inFlight }, done) => {
    app.decorate('routeMethods', new Map<string, Set<HTTPMethods>>());
    app.decorateRequest('template', undefined);

    app.addHook('onRoute', (route) => {
      const methods = app.routeMethods.get(route.url) ?? new Set();
      for (const method of [route.method].flat()) methods.add(method);
      app.routeMethods.set(route.url, methods);
      // Told to the request by its route, since each look into request.routeOptions costs a copy of everything that is
      // in there.
      const template = route.config?.template ?? route.url.replace(/:(\w+)/g, '{$1}');
      route.config = { ...route.config, template };
      route.onRequest = [
        (request, _reply, next) => {
          request.template = template;
          next();
        },
        ...[route.onRequest ?? []].flat(),
      ];
    });

    const over: TellRequest = (request, reply, status) => {
      inFlight?.(-1);
      tell(request, reply, status);
    };
    app.addHook('onRequest', (request, reply, next) => {
      inFlight?.(1);
      onceOver(request, reply, over);
      next();
    });

    done();
  },
  { name: 'observed-requests' },
);
