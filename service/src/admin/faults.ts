import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Logger } from 'pino';
import { Faults, type FaultSwitches, NO_FAULTS } from '../faults.ts';
import { problemResponses } from '../problems.ts';

export interface FaultRoutesOptions {
  readonly switches: FaultSwitches;
  readonly log: Logger;
}

/** The fault switches of this process, for drills. Registered only where the setting FAULTS is on. */
export const faultRoutes: FastifyPluginCallbackTypebox<FaultRoutesOptions> = (app, { switches, log }, done) => {
  const set = (faults: Faults): Faults => {
    switches.set(faults);
    log.warn({ faults }, 'fault switches changed');
    return faults;
  };
  app.get('/faults', { schema: { summary: 'The fault switches', response: { 200: Faults } } }, (_request, reply) => {
    reply.send(switches.read());
  });
  app.put(
    '/faults',
    {
      schema: {
        summary: 'Make requests of the API slow, or fail, until the process ends; what is left out is off',
        body: Faults,
        response: { 200: Faults, ...problemResponses(400) },
      },
    },
    (request, reply) => {
      reply.send(set(request.body));
    },
  );
  app.delete(
    '/faults',
    { schema: { summary: 'Switch all faults off', response: { 200: Faults } } },
    (_request, reply) => {
      reply.send(set(NO_FAULTS));
    },
  );
  done();
};
