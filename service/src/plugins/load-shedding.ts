import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import fp from 'fastify-plugin';
import type { Metrics } from '../metrics.ts';
import { problem, PROBLEM_MEDIA_TYPE } from '../problems.ts';
import { timings } from '../timings.ts';

// Names of @fastify/under-pressure, in words of our own.
const reasons: Readonly<Record<string, string>> = {
  eventLoopDelay: 'event-loop-delay',
  eventLoopUtilization: 'event-loop-utilization',
  heapUsedBytes: 'heap',
  rssBytes: 'memory',
};

/** The limits from which on requests are shed, from those that the process itself has. Bytes; 0 where there is none. */
export function pressureLimits(): { maxHeapUsedBytes: number; maxRssBytes: number } {
  const memory = process.constrainedMemory();
  return {
    // V8 works ever harder above that, and then gives up.
    maxHeapUsedBytes: Math.floor(getHeapStatistics().heap_size_limit * 0.9),
    // Without a cgroup limit, Node gives 0 or more than any machine has.
    maxRssBytes: memory > 0 && memory < 2 ** 50 ? Math.floor(memory * 0.9) : 0,
  };
}

export interface LoadSheddingOptions {
  readonly metrics: Metrics;
  /** pressureLimits() where left out. */
  readonly limits?: ReturnType<typeof pressureLimits>;
}

/**
 * Refuses requests while the process is overloaded: 503 with Retry-After, counted by reason.
 *
 * When is for @fastify/under-pressure to say; which is decided here. Out of memory, all are refused. A busy event loop
 * alone is no reason yet: refusing everything for a whole sample wastes half of what the process could do. So of each
 * turn of the loop the first requests are served, for `timings.maxTurn`, and only those that have waited longer than
 * that are refused.
 */
export const loadShedding = fp<LoadSheddingOptions>(
  async (app, { metrics, limits = pressureLimits() }) => {
    // A process that has just started was busy with that; the first samples say nothing of its load.
    let settled = false;
    app.addHook('onListen', (done) => {
      setTimeout(
        () => {
          settled = true;
        },
        2 * timings.pressureSample * 1000,
      ).unref();
      done();
    });

    let turnBegan: number | undefined;
    /** How long this turn of the event loop has lasted since its first request, in seconds. */
    const turn = (): number => {
      const now = performance.now();
      if (turnBegan === undefined) {
        turnBegan = now;
        setImmediate(() => {
          turnBegan = undefined;
        });
      }
      return (now - turnBegan) / 1000;
    };

    await app.register(underPressure, {
      ...limits,
      maxEventLoopDelay: timings.maxEventLoopDelay * 1000,
      maxEventLoopUtilization: 0.98,
      // An average since the start would grow dull with every hour.
      eventLoopUtilizationMode: 'interval',
      sampleInterval: timings.pressureSample * 1000,
      // Whatever it returns is sent, though its types do not say so; undefined lets the request pass.
      pressureHandler: (request, reply, type) => {
        if (!settled || (type.startsWith('eventLoop') && turn() <= timings.maxTurn)) return undefined;
        metrics.shed.inc({ reason: reasons[type] ?? 'other' });
        reply.code(503).header('retry-after', timings.retryAfter).header('content-type', PROBLEM_MEDIA_TYPE);
        return JSON.stringify(
          problem(503, 'More requests arrive than this process can answer; come again in a moment.', request.id, {
            type: 'overloaded',
          }),
        ) as unknown as undefined;
      },
    });
  },
  { name: 'load-shedding' },
);
