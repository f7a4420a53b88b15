import { CidrError, describeNetwork, parseCidr, type Cidr } from '@platform/subnets';
import Type, { type Static } from 'typebox';
import type { FastifyInstance } from 'fastify';
import { problemResponse } from '../problems.ts';

const AddressOrNull = Type.Union([Type.String(), Type.Null()]);

const Network = Type.Object({
  cidr: Type.String({ description: 'The network with its host bits cleared' }),
  family: Type.Union([Type.Literal(4), Type.Literal(6)]),
  network: Type.String(),
  broadcast: AddressOrNull,
  netmask: AddressOrNull,
  prefixLength: Type.Integer({ minimum: 0, maximum: 128 }),
  addresses: Type.String({ pattern: '^[0-9]+$', description: 'Text, since it may be larger than any number of JSON readers' }),
  firstHost: Type.String(),
  lastHost: Type.String(),
});

const Params = Type.Object({ '*': Type.String({ description: 'A CIDR such as 10.0.0.0/16; its slash may come as %2F' }) });

/** Facts about networks. */
export function networks(app: FastifyInstance, _options: object, done: () => void): void {
  app.get<{ Params: Static<typeof Params>; Reply: { 200: Static<typeof Network> } }>(
    '/v1/networks/*',
    { schema: { params: Params, response: { 200: Network, 400: problemResponse('Not a CIDR') } } },
    (request) => describeNetwork(cidrOf(request.params['*'])),
  );

  done();
}

/** Reads a CIDR that a client sent: a mistake in it is the client's. */
function cidrOf(text: string): Cidr {
  try {
    return parseCidr(text);
  } catch (error) {
    if (error instanceof CidrError) throw Object.assign(error, { statusCode: 400 });
    throw error;
  }
}
