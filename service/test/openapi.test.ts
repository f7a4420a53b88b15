import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import { openapiText } from '../write-openapi.ts';

t.test('openapi.json is what the routes say', async (t) => {
  const committed = readFileSync(join(import.meta.dirname, '../openapi.json'), 'utf8');
  t.equal(committed, await openapiText(), 'else: node service/write-openapi.ts writes it anew');
});

t.test('openapi.json is valid OpenAPI 3.1, and every operation documents what it refuses', async (t) => {
  const document = JSON.parse(readFileSync(join(import.meta.dirname, '../openapi.json'), 'utf8')) as {
    openapi: string;
    paths: Record<
      string,
      Record<
        string,
        { operationId?: string; summary?: string; responses: Record<string, { content?: Record<string, unknown> }> }
      >
    >;
  };
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  t.ok(valid, JSON.stringify(errors));
  t.match(document.openapi, /^3\.1\./);
  t.same(Object.keys(document.paths).sort(), [
    '/v1/networks/{cidr}',
    '/v1/overlaps',
    '/v1/plans',
    '/v1/reserved-ranges',
  ]);
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { operationId, summary, responses }] of Object.entries(operations)) {
      const name = `${method} ${path}`;
      t.ok(operationId, name);
      t.ok(summary, name);
      for (const status of ['200', '400', '503']) t.ok(responses[status], `${name}: ${status}`);
      for (const [status, response] of Object.entries(responses))
        t.same(
          Object.keys(response.content ?? {}),
          status === '304' ? [] : [status === '200' ? 'application/json' : 'application/problem+json'],
          `${name}: ${status}`,
        );
    }
  }
});
