import swagger from '@fastify/swagger';
import fp from 'fastify-plugin';

// Of the API, not of the service: it changes when clients have to.
const VERSION = '1.0.0';

/** Makes the OpenAPI document of the schemas of all routes that come after it: `app.swagger()`. */
export const openapi = fp(
  async (app) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Networks',
          description:
            'Plans networks: facts of a CIDR, subnets for zones and tiers, overlaps, and the ranges that are reserved.',
          version: VERSION,
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        servers: [{ url: '/' }],
        tags: [{ name: 'networks', description: 'CIDR planning for IPv4 and IPv6' }],
      },
      refResolver: {
        buildLocalReference: (schema, _baseUri, _fragment, index) =>
          typeof schema.$id === 'string' ? schema.$id : `schema-${index}`,
      },
    });
  },
  { name: 'openapi' },
);
