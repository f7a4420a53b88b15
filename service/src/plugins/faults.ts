import { setTimeout as sleep } from 'node:timers/promises';
import fp from 'fastify-plugin';
import type { FaultSwitches } from '../faults.ts';
import { problem, PROBLEM_MEDIA_TYPE } from '../problems.ts';

export interface FaultsOptions {
  readonly switches: FaultSwitches;
}

/** Makes requests of the API slow, or fail with 500, as the switches say. Registered only where the setting FAULTS is on. */
export const faults = fp<FaultsOptions>(
  (app, { switches }, done) => {
    app.addHook('onRequest', async (request, reply) => {
      const { delay } = switches.read();
      const fails = switches.failsNext();
      if (delay > 0) await sleep(delay);
      if (!fails) return;
      // Not as an error, whose stack would fill the log.
      reply
        .code(500)
        .header('content-type', PROBLEM_MEDIA_TYPE)
        .send(JSON.stringify(problem(500, 'A fault switch is on.', request.id)));
      return reply;
    });
    done();
  },
  { name: 'faults' },
);
