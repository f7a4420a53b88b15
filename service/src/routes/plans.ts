import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import Type, { type Static } from 'typebox';
import { describeNetwork, formatCidr, parseCidr } from '@gitops/subnets/cidr';
import { PlanError, planSubnets } from '@gitops/subnets/plan';
import type { NetworkCounters } from '../network-counters.ts';
import { ProblemError, problemResponses } from '../problems.ts';
import { answerResponse, cacheHeaders, Cidr, CidrInput, Family, Network, NoQuery } from './schemas.ts';

const Name = Type.String({ minLength: 1, maxLength: 63, pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$' });

// At most 1024 subnets, which take some 20 ms to lay out and describe.
const PlanRequest = Type.Object(
  {
    // Every combination of the examples must be a request that is answered.
    cidr: Type.String({ ...CidrInput, examples: ['10.0.0.0/16', '172.16.0.0/12'] }),
    zones: Type.Array(Name, {
      minItems: 1,
      maxItems: 16,
      uniqueItems: true,
      description: 'Names of the zones',
      examples: [['us-east-1a', 'us-east-1b']],
    }),
    tiers: Type.Array(
      Type.Object(
        {
          name: Name,
          prefixLength: Type.Integer({ minimum: 0, maximum: 128, description: 'Size of its subnet in each zone' }),
        },
        { additionalProperties: false },
      ),
      {
        minItems: 1,
        maxItems: 64,
        description: 'Kinds of subnets; every zone gets one of each',
        examples: [
          [
            { name: 'public', prefixLength: 24 },
            { name: 'private', prefixLength: 20 },
          ],
        ],
      },
    ),
    taken: Type.Optional(
      Type.Array(CidrInput, {
        maxItems: 64,
        description: 'Networks that the plan must not use',
        examples: [['10.0.0.0/20', '172.16.0.0/16']],
      }),
    ),
  },
  { additionalProperties: false },
);
type PlanRequest = Static<typeof PlanRequest>;

const { containing: _containing, contained: _contained, ...facts } = Network.properties;

const Plan = Type.Object({
  cidr: Cidr,
  family: Family,
  subnets: Type.Array(Type.Object({ tier: Type.String(), zone: Type.String(), ...facts }), {
    description: 'One for each tier and zone, in the order of the request; no two share an address',
  }),
  free: Type.Array(Cidr, { description: 'What is left, in as few networks as possible' }),
});

export interface PlansOptions {
  readonly counters: NetworkCounters;
}

/** Lays out a network in subnets. */
export const plans: FastifyPluginCallbackTypebox<PlansOptions> = (app, { counters }, done) => {
  const { 'cache-status': cacheStatus } = cacheHeaders;

  app.post(
    '/v1/plans',
    {
      schema: {
        operationId: 'planSubnets',
        summary: 'Lay out a network in subnets',
        description: 'Gives each zone one subnet of each tier, or says why they do not fit.',
        tags: ['networks'],
        querystring: NoQuery,
        body: PlanRequest,
        response: {
          200: answerResponse('The plan', Plan, { headers: { 'cache-status': cacheStatus } }),
          ...problemResponses(400, 412, 413, 415, 422, 503),
        },
      },
    },
    app.cached(
      // In the order of the schema, whatever the order of the client.
      (request) => {
        const { cidr, zones, tiers, taken } = request.body as PlanRequest;
        return `plan ${JSON.stringify([cidr, zones, tiers.map(({ name, prefixLength }) => [name, prefixLength]), taken])}`;
      },
      (request) => makePlan(request.body as PlanRequest, counters),
    ),
  );

  done();
};

function makePlan({ cidr, zones, tiers, taken = [] }: PlanRequest, counters: NetworkCounters): object {
  const twice = tiers.findIndex(({ name }, index) => tiers.findIndex((other) => other.name === name) < index);
  if (twice !== -1)
    throw new ProblemError(400, 'Two tiers have the same name.', {
      type: 'invalid-request',
      fields: [{ in: 'body', pointer: `#/tiers/${twice}/name`, detail: 'is the name of an earlier tier' }],
    });
  const network = parseCidr(cidr);
  try {
    const plan = planSubnets({ cidr: network, zones, tiers, taken: taken.map(parseCidr) });
    counters.plans.inc({ outcome: 'planned' });
    counters.plannedSubnets.inc(plan.subnets.length);
    return {
      cidr: formatCidr(network),
      family: network.family,
      subnets: plan.subnets.map((subnet) => ({
        tier: subnet.tier,
        zone: subnet.zone,
        ...describeNetwork(subnet.cidr),
      })),
      free: plan.free.map(formatCidr),
    };
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    counters.plans.inc({ outcome: 'does-not-fit' });
    throw new ProblemError(422, `The plan does not fit: ${error.message}.`, { type: 'plan-does-not-fit' });
  }
}
