import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { formatCidr, parseCidr } from '@gitops/subnets/cidr';
import { findOverlaps } from '@gitops/subnets/overlaps';
import type { NetworkCounters } from '../network-counters.ts';
import { problemResponses } from '../problems.ts';
import { answerResponse, Cidr, CidrInput, NoQuery } from './schemas.ts';

const OverlapsRequest = Type.Object(
  { cidrs: Type.Array(CidrInput, { minItems: 1, maxItems: 100, examples: [['10.0.0.0/8', '10.1.0.0/16']] }) },
  { additionalProperties: false },
);

const Place = Type.Object({
  cidr: Cidr,
  index: Type.Integer({ minimum: 0, description: 'Its place in the request, from 0' }),
});
const Overlaps = Type.Object({
  overlaps: Type.Array(Type.Object({ outer: Place, inner: Place }), {
    description:
      'Every pair that shares addresses. Networks cannot share a part of each other: the inner one lies in the outer one, or is the same',
  }),
});

export interface OverlapsOptions {
  readonly counters: NetworkCounters;
}

/** Finds the networks of a list that share addresses. */
export const overlaps: FastifyPluginCallbackTypebox<OverlapsOptions> = (app, { counters }, done) => {
  app.post(
    '/v1/overlaps',
    {
      schema: {
        operationId: 'findOverlaps',
        summary: 'Find networks that share addresses',
        description: 'Compares each network of the list with each other one.',
        tags: ['networks'],
        querystring: NoQuery,
        body: OverlapsRequest,
        response: { 200: answerResponse('The pairs', Overlaps), ...problemResponses(400, 412, 413, 415, 503) },
      },
    },
    (request, reply) => {
      const cidrs = request.body.cidrs.map(parseCidr);
      const place = (index: number) => {
        const cidr = cidrs[index];
        if (cidr === undefined) throw new Error(`there is no network ${index}`);
        return { cidr: formatCidr(cidr), index };
      };
      const found = findOverlaps(cidrs);
      counters.overlapsFound.inc(found.length);
      reply.send({ overlaps: found.map(({ outer, inner }) => ({ outer: place(outer), inner: place(inner) })) });
    },
  );

  done();
};
