import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyPluginCallback } from 'fastify';

// The two files of swagger-ui-dist that a page needs stand beside the bundle, in dist/node_modules (see build.ts).
const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const files: Readonly<Record<string, string>> = {
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui.css': 'text/css; charset=utf-8',
};

const pageOf = (title: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}: API</title>
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;
// A page to read: requests would go to the other port, which no browser here may call.
const start = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#api', supportedSubmitMethods: [], defaultModelsExpandDepth: -1, docExpansion: 'full', validatorUrl: null });\n`;

export interface DocumentationOptions {
  /** The title of the API. */
  readonly title: string;
  /** The OpenAPI document. */
  readonly document: () => object;
  /** The port of the API that it describes. */
  readonly port: () => number;
}

/** The OpenAPI document, and a page to read it. */
export const documentation: FastifyPluginCallback<DocumentationOptions> = (app, { title, document, port }, done) => {
  // The API is on this host, but not on this port: whatever loads the document from here must find it.
  app.get('/openapi.json', (request, reply) => {
    reply.send({ ...document(), servers: [{ url: `http://${request.hostname || 'localhost'}:${port()}` }] });
  });
  app.get('/docs', (_request, reply) => {
    // Looser than for data: this is a page. Swagger UI styles its elements inline and draws its icons from data.
    reply
      .header(
        'content-security-policy',
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; frame-ancestors 'none'",
      )
      .type('text/html; charset=utf-8')
      .send(pageOf(title));
  });
  app.get('/docs/start.js', (_request, reply) => {
    reply.type('text/javascript; charset=utf-8').send(start);
  });
  for (const [file, type] of Object.entries(files)) {
    app.get(`/docs/${file}`, (_request, reply) => {
      reply.type(type).send(createReadStream(join(folder, file)));
    });
  }
  done();
};
