import { readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Validator } from '@seriousme/openapi-schema-validator';
import spectral from '@stoplight/spectral-core';
import rulesets from '@stoplight/spectral-rulesets';
import t from 'tap';
import { openapiText } from '../write-openapi.ts';
import { document, documentFile, exampleRequests, operations, urlOf } from './contract.ts';
import { build } from './helper.ts';

t.test('openapi.json is what the routes say', async (t) => {
  t.equal(
    readFileSync(documentFile, 'utf8'),
    await openapiText(),
    'else: node service/write-openapi.ts writes it anew',
  );
});

t.test('every route of the API is documented', async (t) => {
  const { api } = await build(t);
  await api.ready();
  // In another spelling: the slash of a CIDR makes two parameters of one.
  const hidden = ['/v1/networks/:address/:prefixLength'];
  const routes = [...api.routeMethods.keys()].filter((url) => !hidden.includes(url));
  t.strictSame(
    routes.map((url) => url.replace(/:(\w+)/g, '{$1}')).sort(),
    Object.keys(document.paths).sort(),
    'a route without a schema, or with a hidden one, is no part of the contract',
  );
});

t.test('openapi.json is valid OpenAPI 3.1, and every operation documents what it refuses', async (t) => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  t.ok(valid, JSON.stringify(errors));
  t.match(document.openapi, /^3\.1\./);
  for (const { method, path, operation } of operations) {
    const { operationId, summary, responses, parameters = [] } = operation;
    const name = `${method} ${path}`;
    t.ok(operationId, name);
    t.ok(summary, name);
    const refused = parameters.some(({ in: where }) => where === 'path') ? ['400', '414', '503'] : ['400', '503'];
    for (const status of ['200', ...refused]) t.ok(responses[status], `${name}: ${status}`);
    for (const [status, response] of Object.entries(responses))
      t.same(
        Object.keys(response.content ?? {}),
        status === '304' ? [] : [status === '200' ? 'application/json' : 'application/problem+json'],
        `${name}: ${status}`,
      );
  }
});

t.test('every combination of the documented examples is answered', async (t) => {
  const { api } = await build(t);
  for (const { method, path, operation } of operations) {
    const requests = exampleRequests(operation);
    for (const { parameters, body } of requests) {
      const url = urlOf(path, parameters, operation);
      const response = await api.inject({ method, url, ...(body !== undefined && { payload: body }) });
      t.equal(response.statusCode, 200, `${method} ${url} ${JSON.stringify(body)}: ${response.body.slice(0, 200)}`);
    }
    t.ok(requests.length > 0, `${path}: ${requests.length}`);
  }
});

t.test('what the document says is required is required', async (t) => {
  const { api } = await build(t);
  for (const { method, path, operation } of operations) {
    const [example] = exampleRequests(operation);
    for (const { name, in: where, required } of operation.parameters ?? []) {
      if (where === 'path' || required !== true) continue;
      const { [name]: _left, ...others } = { ...example?.parameters };
      const response = await api.inject({ method, url: urlOf(path, others, operation) });
      t.equal(response.statusCode, 400, `${path} without ${name}`);
    }
  }
  t.equal((await api.inject('/v1/reserved-ranges')).statusCode, 200, 'and limit is not');
});

t.test('a document that is loaded from the admin port leads to the API', async (t) => {
  const service = await build(t);
  const { admin, api } = await service.listen();
  const loaded = (await (await fetch(`${admin}/openapi.json`)).json()) as { servers: { url: string }[] };
  const [server] = loaded.servers;
  t.equal(server?.url, api);
  for (const { method, path, operation } of operations) {
    const [example] = exampleRequests(operation);
    const address = new URL(server?.url.concat(urlOf(path, example?.parameters ?? {}, operation)) ?? '', admin);
    const response = await fetch(address, {
      method,
      ...(example?.body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(example.body),
      }),
    });
    t.equal(response.status, 200, address.href);
  }
  const { servers, ...rest } = document as typeof document & { servers: unknown };
  const { servers: _servers, ...loadedRest } = loaded;
  t.strictSame(servers, [{ url: '/' }], 'the committed document: wherever the API is');
  t.strictSame(loadedRest, rest, 'all else is the same');
  t.match((await service.admin.inject({ url: '/openapi.json', headers: { host: '[::1]:9090' } })).json(), {
    servers: [{ url: `http://[::1]:${new URL(api).port}` }],
  });
});

/** What the recommended rules of Redocly and of Spectral find in a document. */
async function lint(source: string): Promise<{ redocly: string[]; spectral: string[] }> {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source, absoluteRef: documentFile, config });
  const linter = new spectral.Spectral();
  linter.setRuleset({ extends: [[rulesets.oas as never, 'recommended']], rules: {} });
  const results = await linter.run(JSON.parse(source) as Record<string, unknown>);
  return {
    redocly: problems.map(({ ruleId, message }) => `${ruleId}: ${message}`),
    spectral: results.map(({ code, message, path }) => `${code}: ${message} (${path.join('/')})`),
  };
}

t.test('the recommended rules of Redocly and Spectral find nothing', async (t) => {
  t.strictSame(await lint(readFileSync(documentFile, 'utf8')), { redocly: [], spectral: [] });
  const wrong = await lint(JSON.stringify({ ...document, tags: [], servers: [{ url: 'https://example.com/' }] }));
  t.ok(wrong.redocly.length > 0 && wrong.spectral.length > 0, `they find mistakes: ${JSON.stringify(wrong)}`);
});
