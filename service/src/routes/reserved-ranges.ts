import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import Type, { type Static } from 'typebox';
import { reservedRanges as all } from '@gitops/subnets/reserved-ranges';
import { ProblemError, problemResponses } from '../problems.ts';
import { answerResponse, cacheHeaders, Cidr, Family, notModifiedResponse } from './schemas.ts';

const Query = Type.Object(
  {
    family: Type.Optional(Family),
    limit: Type.Integer({ minimum: 1, maximum: 50, default: 10, description: 'How many at most' }),
    after: Type.Optional(
      Type.String({
        format: 'cidr',
        maxLength: 64,
        description: 'The last range of the page before; the first page where left out',
        examples: ['10.0.0.0/8'],
      }),
    ),
  },
  { additionalProperties: false },
);

const flag = (description: string) => Type.Boolean({ description });

const Page = Type.Object({
  ranges: Type.Array(
    Type.Object({
      cidr: Cidr,
      family: Family,
      name: Type.String(),
      rfc: Type.Integer({ description: 'Number of the RFC that reserved it' }),
      source: flag('May be the source of a packet on the wire'),
      destination: flag('May be the destination of a packet on the wire'),
      forwardable: flag('A router may forward such a packet'),
      global: Type.Unsafe<boolean | null>({
        type: ['boolean', 'null'],
        description: 'Such a packet may leave its administrative domain; null where RFC 6890 does not say',
      }),
    }),
  ),
  total: Type.Integer({ description: 'Ranges on all pages' }),
  next: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Path of the next page, or null on the last one',
  }),
});

/** The special-purpose ranges of RFC 6890, page by page. */
export const reservedRanges: FastifyPluginCallbackTypebox = (app, _options, done) => {
  app.get(
    '/v1/reserved-ranges',
    {
      schema: {
        operationId: 'listReservedRanges',
        summary: 'Ranges that RFC 6890 reserves',
        tags: ['networks'],
        querystring: Query,
        response: {
          200: answerResponse('A page of ranges', Page, { headers: cacheHeaders }),
          304: notModifiedResponse,
          ...problemResponses(400, 412, 503),
        },
      },
    },
    app.cached(
      (request) => request.url,
      (request) => pageOf(request.query as Static<typeof Query>),
    ),
  );

  done();
};

function pageOf({ family, limit, after }: Static<typeof Query>): Static<typeof Page> {
  const ranges = all.filter((range) => family === undefined || range.family === family);
  const start = after === undefined ? 0 : ranges.findIndex(({ cidr }) => cidr === after) + 1;
  if (after !== undefined && start === 0)
    throw new ProblemError(400, `There is no range ${after} in this list.`, {
      type: 'invalid-request',
      fields: [{ in: 'query', pointer: '#/after', detail: 'is not the last range of a page' }],
    });
  const page = ranges.slice(start, start + limit);
  const last = page.at(-1);
  const more = last !== undefined && start + limit < ranges.length;
  const query = more
    ? new URLSearchParams({
        ...(family !== undefined && { family: String(family) }),
        limit: String(limit),
        after: last.cidr,
      })
    : undefined;
  return {
    ranges: page,
    total: ranges.length,
    next: query === undefined ? null : `/v1/reserved-ranges?${query.toString()}`,
  };
}
