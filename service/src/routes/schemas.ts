import Type, { type Static } from 'typebox';

// JSON Schema of OpenAPI 3.1 in the short forms, which serialize several times faster than a union of constants.
const nullable = <T>(schema: object) => Type.Unsafe<T | null>({ ...schema, type: ['string', 'null'] });

export const Family = Type.Unsafe<4 | 6>({ type: 'integer', enum: [4, 6], description: 'Version of IP' });

/** A network that a client names. Bits of the host may be set; they are cleared. */
export const CidrInput = Type.String({
  format: 'cidr',
  maxLength: 64,
  description: 'A network in CIDR notation, IPv4 or IPv6; host bits are cleared',
  examples: ['10.0.0.0/16', '2001:db8::/32'],
});

/** A network in an answer: canonical, host bits cleared. */
export const Cidr = Type.String({ format: 'cidr', examples: ['10.0.0.0/16'] });

export const Network = Type.Object({
  cidr: Type.String({ format: 'cidr', description: 'The network with its host bits cleared' }),
  family: Family,
  network: Type.String({ description: 'First address' }),
  broadcast: nullable<string>({ description: 'Last address; null for IPv6, which has no broadcast' }),
  netmask: nullable<string>({ description: 'null for IPv6, which writes none' }),
  prefixLength: Type.Integer({ minimum: 0, maximum: 128 }),
  addresses: Type.String({
    pattern: '^[0-9]+$',
    description: 'How many; as text, since it may be larger than any number of JSON readers',
  }),
  firstHost: Type.String({
    description:
      'First address that a host may have: not the network address of IPv4 nor the anycast address of the routers of IPv6 (RFC 4291, 2.6.1)',
  }),
  lastHost: Type.String({ description: 'Last address that a host may have' }),
  containing: nullable<string>({ description: 'The network one bit shorter, which contains this one; null for a /0' }),
  contained: Type.Array(Type.String({ format: 'cidr' }), { description: 'The two halves; none for a single address' }),
});
export type Network = Static<typeof Network>;

/** No query parameters at all: one that nobody reads is a typing error. */
export const NoQuery = Type.Object({}, { additionalProperties: false });

const header = (description: string, type: 'string' | 'integer' = 'string') => ({ type, description });

/** A success as an entry of a route's response schemas. */
export const answerResponse = (description: string, schema: object, { headers }: { headers?: object } = {}) => ({
  description,
  ...(headers !== undefined && { headers }),
  content: { 'application/json': { schema } },
});

/** The answer to a client that has it already. */
export const notModifiedResponse = {
  description: 'Not modified: If-None-Match names what would be answered',
  type: 'null',
};

/** What an answer from the cache says of itself. */
export const cacheHeaders = {
  etag: header('Changes if, and only if, the body does'),
  'cache-control': header('How long others may keep it'),
  age: header('Seconds since it was made', 'integer'),
  'cache-status': header('Whether it came from the cache of the service (RFC 9211)'),
};
