import { getHeapStatistics } from 'node:v8';
import underPressure from '@fastify/under-pressure';
import fp from 'fastify-plugin';
import type { Metrics } from '../metrics.ts';
import { problem, PROBLEM_MEDIA_TYPE } from '../problems.ts';
import { timings } from '../timings.ts';

// Names of @fastify/under-pressure, in words of our own.
const reasons: Readonly<Record<string, string>> = { eventLoopDelay: 'event-loop-delay', eventLoopUtilization: 'event-loop-utilization', heapUsedBytes: 'heap', rssBytes: 'memory' };

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
}

/** Refuses requests while the process is overloaded: 503 with Retry-After, counted by reason. */
export const loadShedding = fp<LoadSheddingOptions>(
  async (app, { metrics }) => {
    // A process that has just started was busy with that; the first samples say nothing of its load.
    let settled = false;
    app.addHook('onListen', (done) => {
      setTimeout(() => {
        settled = true;
      }, 2 * timings.pressureSample * 1000).unref();
      done();
    });

    await app.register(underPressure, {
      ...pressureLimits(),
      maxEventLoopDelay: timings.maxEventLoopDelay * 1000,
      maxEventLoopUtilization: 0.98,
      // An average since the start would grow dull with every hour.
      eventLoopUtilizationMode: 'interval',
      sampleInterval: timings.pressureSample * 1000,
      pressureHandler: (request, reply, type) => {
        if (!settled) return undefined;
        metrics.shed.inc({ reason: reasons[type] ?? 'other' });
        reply.code(503).header('retry-after', timings.retryAfter).header('content-type', PROBLEM_MEDIA_TYPE);
        // Whatever it returns is sent, though its types do not say so.
        return JSON.stringify(problem(503, 'More requests arrive than this process can answer; come again in a moment.', request.id, { type: 'overloaded' })) as unknown as undefined;
      },
    });
  },
  { name: 'load-shedding' },
);
