import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import Type, { type Static } from 'typebox';
import { describeNetwork, parseCidr } from '@gitops/subnets/cidr';
import { problemResponses } from '../problems.ts';
import { answerResponse, cacheHeaders, CidrInput, Network, NoQuery, notModifiedResponse } from './schemas.ts';

const Params = Type.Object({ cidr: CidrInput });

/** Facts about one network. */
export const networks: FastifyPluginCallbackTypebox = (app, _options, done) => {
  const schema = {
    operationId: 'describeNetwork',
    summary: 'Facts about a network',
    description: 'The slash of the CIDR may be sent as it is or as %2F.',
    tags: ['networks'],
    params: Params,
    querystring: NoQuery,
    response: {
      200: answerResponse('The network', Network, { headers: cacheHeaders }),
      304: notModifiedResponse,
      ...problemResponses(400, 412, 414, 503),
    },
  };
  const handler = app.cached(
    (request) => request.url,
    (request) => describeNetwork(parseCidr((request.params as Static<typeof Params>).cidr)),
  );

  app.get('/v1/networks/:cidr', { schema }, handler);

  // A slash as it is makes two parts of the path; they are put together before the schema looks at them.
  app.get(
    '/v1/networks/:address/:prefixLength',
    {
      config: { template: '/v1/networks/{cidr}' },
      schema: { ...schema, hide: true },
      preValidation: (request, _reply, next) => {
        const { address, prefixLength } = request.params as unknown as { address: string; prefixLength: string };
        request.params = { cidr: `${address}/${prefixLength}` };
        next();
      },
    },
    handler,
  );

  done();
};
