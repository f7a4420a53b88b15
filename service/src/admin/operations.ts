import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Logger } from 'pino';
import Type, { type Static } from 'typebox';
import { LogLevel } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import { problemResponses } from '../problems.ts';

const Level = Type.Object({ level: LogLevel }, { additionalProperties: false });
type Level = Static<typeof Level>;

export interface OperationsOptions {
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** For operators: metrics for Prometheus, and the level of the log. */
export const operations: FastifyPluginCallbackTypebox<OperationsOptions> = (
  app,
  { metrics: { registry }, log },
  done,
) => {
  app.get('/metrics', { schema: { summary: 'Metrics for Prometheus' } }, async (_request, reply) => {
    const text = await registry.metrics();
    return reply.header('content-type', registry.contentType).send(text);
  });

  app.get(
    '/log-level',
    { schema: { summary: 'The level of the log', response: { 200: Level } } },
    (_request, reply) => {
      reply.send({ level: log.level as Level['level'] });
    },
  );
  app.put(
    '/log-level',
    {
      schema: {
        summary: 'Change the level of the log, until the process ends',
        body: Level,
        response: { 200: Level, ...problemResponses(400) },
      },
    },
    (request, reply) => {
      const { level } = request.body;
      if (level !== log.level) {
        const before = log.level;
        // Told at whichever of the two levels shows it.
        log.level = 'info';
        log.info({ before, level }, 'log level changed');
        log.level = level;
      }
      reply.send({ level });
    },
  );
  done();
};
