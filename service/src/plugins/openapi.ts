import swagger from '@fastify/swagger';
import fp from 'fastify-plugin';
import type { Api } from '../api.ts';

/** Says of the numbers of a path or a query which numbers they are: contracts.ts takes these alone. */
function describeNumbers(operation: unknown): void {
  const { parameters = [] } = operation as { parameters?: { schema?: { type?: unknown; format?: string } }[] };
  for (const { schema } of parameters) if (schema?.type === 'integer') schema.format = 'int32';
}

/** Makes the OpenAPI document of the schemas of all routes that come after it: `app.swagger()`. */
export const openapi = fp<Pick<Api, 'document'>>(
  async (app, { document: { tags, ...info } }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          ...info,
          contact: { name: 'Platform team', url: 'https://gitops-platform.example.com' },
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        // Of the API's own address. The admin port, which serves the document, says which that is.
        servers: [{ url: '/' }],
        // Who may call is decided by the network, not by this service.
        security: [],
        tags: [...tags],
      },
      transformObject: (made) => {
        if (!('openapiObject' in made)) throw new Error('the document is not OpenAPI 3');
        const { openapiObject: document } = made;
        for (const operations of Object.values(document.paths ?? {}))
          for (const operation of Object.values(operations ?? {})) describeNumbers(operation);
        return document;
      },
      refResolver: {
        buildLocalReference: (schema, _baseUri, _fragment, index) =>
          typeof schema.$id === 'string' ? schema.$id : `schema-${index}`,
      },
    });
  },
  { name: 'openapi' },
);
