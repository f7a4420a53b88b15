import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { type Answer, AnswerCache, type CacheResult } from '../answer-cache.ts';
import { evaluateConditions } from '../conditional.ts';
import type { Config } from '../config.ts';
import type { Metrics } from '../metrics.ts';

/** What is answered; a promise is none, though it is an object as well. */
type Content = object & { readonly then?: never };

/** Makes what is answered with status 200, at once or in time, from a request whose schema has been checked. */
export type Make = (request: FastifyRequest) => Content | Promise<Content>;

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * A handler that answers from the cache.
     * @param keyOf what tells one answer from another; equal keys must mean equal answers
     * @param make makes the answer where the cache has none
     */
    cached: (
      keyOf: (request: FastifyRequest) => string,
      make: Make,
    ) => (request: FastifyRequest, reply: FastifyReply) => void;
  }
}

export interface AnswersOptions {
  /** The cache's name in Cache-Status. */
  readonly name: string;
  readonly config: Pick<Config, 'CACHE_TTL_SECONDS' | 'CACHE_STALE_SECONDS' | 'CACHE_MAX_BYTES'>;
  readonly metrics: Metrics;
  /** Milliseconds of a clock that never goes back; performance.now where left out. */
  readonly now?: (() => number) | undefined;
}

/**
 * The cache of answers and what HTTP says of it: Cache-Control, Age, Cache-Status (RFC 9211), ETag and conditional
 * requests.
 */
export const answers = fp<AnswersOptions>(
  (app, { name, config, metrics, now }, done) => {
    const { CACHE_TTL_SECONDS: freshSeconds, CACHE_STALE_SECONDS: staleSeconds, CACHE_MAX_BYTES: maxBytes } = config;
    const cache = new AnswerCache({
      freshSeconds,
      staleSeconds,
      maxBytes,
      ...(now !== undefined && { now }),
      onRefreshError: (error) => {
        app.log.error({ err: error }, 'a stale answer could not be made anew');
      },
      onEvicted: () => {
        metrics.cacheEvictions.inc();
      },
    });
    metrics.sources.cache_entries = () => cache.entries;
    metrics.sources.cache_bytes = () => cache.bytes;

    const preconditionFailed = (): Error =>
      app.httpErrors.preconditionFailed('The conditions of the request (If-Match or If-None-Match) do not hold.');
    const cacheControl = `public, max-age=${freshSeconds}, stale-while-revalidate=${staleSeconds}`;
    const counted = {
      hit: { result: 'hit' },
      stale: { result: 'stale' },
      miss: { result: 'miss' },
      collapsed: { result: 'collapsed' },
    } as const;

    function statusOf(key: string, answer: Answer, result: CacheResult): string {
      if (result === 'miss') return `${name}; fwd=uri-miss${cache.has(key) ? '; stored' : ''}`;
      if (result === 'collapsed') return `${name}; fwd=uri-miss; collapsed`;
      return `${name}; hit; ttl=${Math.floor(cache.freshFor(answer) / 1000)}`;
    }

    function send(
      request: FastifyRequest,
      reply: FastifyReply,
      key: string,
      answer: Answer,
      result: CacheResult,
    ): void {
      metrics.cacheAnswers.inc(counted[result]);
      reply.header('cache-status', statusOf(key, answer, result));
      // A POST is answered from our cache, yet nobody else's may keep it, and it has no representation that a tag could
      // name.
      if (request.method === 'GET' || request.method === 'HEAD') {
        const outcome = evaluateConditions(request.headers, request.method, answer.etag);
        if (outcome === 'failed') throw preconditionFailed();
        reply
          .header('cache-control', cacheControl)
          .header('etag', answer.etag)
          .header('age', Math.max(0, Math.floor((freshSeconds * 1000 - cache.freshFor(answer)) / 1000)));
        if (outcome === 'not-modified') {
          reply.code(304).send();
          return;
        }
      }
      reply.header('content-type', 'application/json; charset=utf-8').send(answer.body);
    }

    app.decorate('cached', (keyOf, make) => (request, reply) => {
      const key = keyOf(request);
      const fresh = cache.fresh(key);
      if (fresh !== undefined) {
        send(request, reply, key, fresh, 'hit');
        return;
      }
      const serialize = reply.getSerializationFunction('200', 'application/json');
      if (serialize === undefined) throw new Error(`the route ${String(request.template)} has no schema for 200`);
      cache
        .find(key, async () => serialize((await make(request)) as Record<string, unknown>))
        .then(({ answer, result }) => {
          send(request, reply, key, answer, result);
        })
        .catch((error: unknown) => {
          reply.send(error);
        });
    });

    // What answers a POST has no representation of its own: If-Match cannot hold, If-None-Match always does. Conditions
    // come after all that refuses the request anyway, and before its work (RFC 9110, 13.2.1).
    app.addHook('preHandler', (request, _reply, next) => {
      const refused =
        request.method !== 'GET' &&
        request.method !== 'HEAD' &&
        evaluateConditions(request.headers, request.method, undefined) === 'failed';
      next(refused ? preconditionFailed() : undefined);
    });

    done();
  },
  { name: 'answers', dependencies: ['@fastify/sensible'] },
);
