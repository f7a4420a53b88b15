import { CidrError, describeNetwork, parseCidr } from '@platform/subnets';

import type { FastifyPluginCallback } from 'fastify';
import Type from 'typebox';

const Network = Type.Object({
  cidr: Type.String(),
  family: Type.Union([Type.Literal(4), Type.Literal(6)]),
  network: Type.String(),
  broadcast: Type.Union([Type.String(), Type.Null()]),
  netmask: Type.Union([Type.String(), Type.Null()]),
  prefixLength: Type.Integer(),
  addresses: Type.String(),
  firstHost: Type.String(),
  lastHost: Type.String(),
});

/** GET /v1/networks/10.0.0.0/16 (the slash may be written %2F): what there is to know of a network. */
export const networkRoutes: FastifyPluginCallback = (app, _options, done) => {
  app.get<{ Params: { '*': string } }>('/*', { schema: { response: { 200: Network } } }, (request) => {
    try {
      return describeNetwork(parseCidr(request.params['*']));
    } catch (error) {
      if (error instanceof CidrError) throw Object.assign(error, { name: 'Bad Request', statusCode: 400 });
      throw error;
    }
  });
  done();
};
