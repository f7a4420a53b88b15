import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import Type, { type Static } from 'typebox';
import { formatCidr, parseCidr } from '@gitops/subnets/cidr';
import { registriesAsOf, reservedRanges as all } from '@gitops/subnets/reserved-ranges';
import { ProblemError, problemResponses } from '../problems.ts';
import { answerResponse, cacheHeaders, Cidr, Family, notModifiedResponse } from './schemas.ts';

const DEFAULT_LIMIT = 10;

const Query = Type.Object(
  {
    family: Type.Optional(Family),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 50, default: DEFAULT_LIMIT, description: 'How many ranges at most' }),
    ),
    after: Type.Optional(
      Type.String({
        format: 'cidr',
        maxLength: 64,
        description: 'The last range of the page before; leave out for the first page',
        examples: ['10.0.0.0/8'],
      }),
    ),
  },
  { additionalProperties: false },
);

const flag = (description: string) =>
  Type.Unsafe<boolean | null>({
    type: ['boolean', 'null'],
    description: `${description}; null where IANA does not say`,
  });

const Page = Type.Object({
  ranges: Type.Array(
    Type.Object({
      cidr: Cidr,
      family: Family,
      name: Type.String({ description: 'As IANA writes it' }),
      rfc: Type.Integer({ description: 'Number of the RFC that reserved it' }),
      terminated: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'Year and month in which its purpose ended, as in 2015-03; null where it is in force',
      }),
      source: flag('May be the source of a packet on the wire'),
      destination: flag('May be the destination of a packet on the wire'),
      forwardable: flag('A router may forward such a packet'),
      global: flag('Such a packet may leave its administrative domain'),
    }),
  ),
  asOf: Type.String({ format: 'date', description: "The day on which IANA's registries were like this" }),
  total: Type.Integer({ description: 'Ranges on all pages' }),
  next: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    description: 'Path of the next page, or null on the last one',
  }),
});

/** The ranges of IANA's Special-Purpose Address Registries, page by page. */
export const reservedRanges: FastifyPluginCallbackTypebox = (app, _options, done) => {
  app.get(
    '/v1/reserved-ranges',
    {
      schema: {
        operationId: 'listReservedRanges',
        summary: 'Ranges that IANA reserves',
        description: "The IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890), in IANA's order.",
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

function pageOf({ family, limit = DEFAULT_LIMIT, after }: Static<typeof Query>): Static<typeof Page> {
  const ranges = all.filter((range) => family === undefined || range.family === family);
  // However the client writes the network.
  const previous = after === undefined ? undefined : formatCidr(parseCidr(after));
  const start = previous === undefined ? 0 : ranges.findIndex(({ cidr }) => cidr === previous) + 1;
  if (after !== undefined && start === 0)
    throw new ProblemError(400, `The range ${after} is not in this list.`, {
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
    asOf: registriesAsOf,
    total: ranges.length,
    next: query === undefined ? null : `/v1/reserved-ranges?${query.toString()}`,
  };
}
