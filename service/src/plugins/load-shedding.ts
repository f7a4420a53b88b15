import underPressure from '@fastify/under-pressure';
import fp from 'fastify-plugin';
import type { MemoryShortage } from '../memory-pressure.ts';
import type { Metrics } from '../metrics.ts';
import { problem, PROBLEM_MEDIA_TYPE } from '../problems.ts';
import { timings } from '../timings.ts';

/** Why a request is refused, as the metric http_requests_shed_total has it. */
export type ShedReason = MemoryShortage | 'event-loop-delay' | 'event-loop-utilization';

const REASONS: readonly ShedReason[] = ['heap', 'memory', 'event-loop-delay', 'event-loop-utilization'];

/** How busy the event loop is. Times in seconds. */
export interface EventLoopUse {
  /** How late timers are, as a mean over the last sample. */
  readonly delay: number;
  /** The share of the last sample in which it did not rest. */
  readonly utilization: number;
  /** How long its present turn has lasted since the turn's first request. */
  readonly turn: () => number;
}

export interface LoadSheddingOptions {
  readonly metrics: Metrics;
  /** What is short of memory at this moment. */
  readonly memory: () => MemoryShortage | undefined;
  /** Measured where left out. */
  readonly eventLoop?: (() => EventLoopUse) | undefined;
}

// A loop that never rests has requests waiting for it.
const MAX_UTILIZATION = 0.98;

/**
 * Refuses requests while the process is overloaded: 503 with Retry-After, counted by reason.
 *
 * @fastify/under-pressure measures the event loop; what follows is decided here. Out of memory, all are refused. A busy
 * event loop alone is no reason yet: refusing everything for a whole sample wastes half of what the process could do. So
 * of each turn of the loop the first requests are served, for `timings.maxTurn`, and only those that have waited longer
 * than that are refused.
 */
export const loadShedding = fp<LoadSheddingOptions>(
  async (app, { metrics, memory, eventLoop }) => {
    // From zero on: Prometheus takes the first value of a series for no increase.
    for (const reason of REASONS) metrics.shed.inc({ reason }, 0);
    // It only measures. Its own hook would stop at the first limit that is exceeded, and looks each time into all that
    // is known of the route.
    await app.register(underPressure, {
      // An average since the start would grow dull with every hour.
      eventLoopUtilizationMode: 'interval',
      sampleInterval: timings.pressureSample * 1000,
    });

    // A process that has just started was busy with that; the first samples say nothing of its load.
    let settled = eventLoop !== undefined;
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
    const measured = (): EventLoopUse => {
      const { eventLoopDelay, eventLoopUtilized } = app.memoryUsage();
      return { delay: eventLoopDelay / 1000, utilization: eventLoopUtilized, turn };
    };

    /** The first of all reasons that holds, those that refuse everybody before those that refuse some. */
    function reasonToRefuse(): ShedReason | undefined {
      const short = memory();
      if (short !== undefined) return short;
      if (!settled) return undefined;
      const loop = (eventLoop ?? measured)();
      const reason =
        loop.delay > timings.maxEventLoopDelay
          ? 'event-loop-delay'
          : loop.utilization > MAX_UTILIZATION
            ? 'event-loop-utilization'
            : undefined;
      return reason !== undefined && loop.turn() > timings.maxTurn ? reason : undefined;
    }

    app.addHook('onRequest', (request, reply, next) => {
      const reason = reasonToRefuse();
      if (reason === undefined) {
        next();
        return;
      }
      metrics.shed.inc({ reason });
      // Not as an error, whose stack would cost more than the rest of the refusal.
      reply
        .code(503)
        .header('retry-after', timings.retryAfter)
        .header('content-type', PROBLEM_MEDIA_TYPE)
        .send(
          JSON.stringify(
            problem(503, 'The service is overloaded; retry in a moment.', request.id, {
              type: 'overloaded',
            }),
          ),
        );
    });
  },
  { name: 'load-shedding' },
);
