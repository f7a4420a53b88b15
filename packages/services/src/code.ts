// The code that a service begins with: a route that answers, and a test of it. All else is the first service's.

const titleOf = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('-', ' ')}`;

const packageOf = (name: string): string => `{
  "name": "@gitops/service-${name}",
  "version": "0.1.0",
  "private": true,
  "type": "module",
  "description": "Answers questions about ${name.replaceAll('-', ' ')}",
  "scripts": {
    "dev": "node --watch src/main.ts",
    "types": "tsc -p .",
    "lint": "eslint --max-warnings 0 .",
    "test": "tap",
    "unit": "tap"
  },
  "dependencies": {
    "@gitops/service": "workspace:*"
  }
}
`;

const TSCONFIG = '{ "extends": "../../tsconfig.base.json", "include": ["src", "test"] }\n';

const TAPRC = `type-strip-only: true
# Counting coverage takes a third more time; \`tap --no-disable-coverage\` counts it.
disable-coverage: true
allow-incomplete-coverage: true
include:
  - test/**/*.test.ts
`;

const MAIN = `import { run } from '@gitops/service/run';

await run(async () => (await import('./api.ts')).api);
`;

const apiOf = (name: string): string => `import type { Api } from '@gitops/service/route';
import { routes } from './routes/${name}.ts';

export const api: Api = {
  name: '${name}',
  document: {
    title: '${titleOf(name)}',
    description: 'Every answer that is not a success is a problem document (RFC 9457).',
    version: '0.1.0',
    tags: [{ name: '${name}', description: 'All of its routes' }],
  },
  async routes(app) {
    await app.register(routes);
  },
};
`;

const routeOf = (
  name: string,
): string => `import { answerResponse, NoQuery, problemResponses, type Routes, Type } from '@gitops/service/route';

const Params = Type.Object({ id: Type.String({ pattern: '^[a-z0-9-]{1,36}$' }) });
const Answer = Type.Object({ id: Type.String(), service: Type.String() });

/** One answer, to begin with. */
export const routes: Routes = (app, _options, done) => {
  app.get(
    '/v1/${name}/:id',
    {
      schema: {
        operationId: 'getById',
        summary: 'What there is under an id',
        tags: ['${name}'],
        params: Params,
        querystring: NoQuery,
        response: { 200: answerResponse('It', Answer), ...problemResponses(400, 503) },
      },
    },
    (request, reply) => {
      reply.send({ id: request.params.id, service: '${name}' });
    },
  );

  done();
};
`;

const testOf = (name: string): string => `import t from 'tap';
import { readConfig } from '@gitops/service/config';
import { createLogger } from '@gitops/service/request-log';
import { buildService } from '@gitops/service/service';
import { api } from '../src/api.ts';

const config = readConfig({ DRAIN_SECONDS: '0', LOAD_SHEDDING: 'off' });
const service = await buildService({ api, config, log: createLogger('silent', { write: () => true }) });
t.teardown(async () => service.close());

t.test('an id is answered, and what is no id is refused', async (t) => {
  const answer = await service.api.inject('/v1/${name}/a-1');
  t.equal(answer.statusCode, 200);
  t.strictSame(answer.json(), { id: 'a-1', service: '${name}' });
  const refused = await service.api.inject('/v1/${name}/A');
  t.match(refused.json(), { status: 400, errors: [{ in: 'path', pointer: '#/id' }] });
});

t.test('probes, metrics and the OpenAPI document are there', async (t) => {
  for (const path of ['/livez', '/metrics', '/openapi.json'])
    t.equal((await service.admin.inject(path)).statusCode, 200, path);
  t.match(service.api.swagger().paths, { '/v1/${name}/{id}': { get: {} } });
});
`;

/** The files of a new service's folder, by their paths in it, each with what it is for. */
export function codeOf(name: string): readonly { path: string; why: string; text: string }[] {
  return [
    {
      path: 'package.json',
      why: 'a package of the workspace; its version and description name the image',
      text: packageOf(name),
    },
    { path: 'tsconfig.json', why: 'its types are checked as all others are', text: TSCONFIG },
    { path: '.taprc', why: 'its tests run as all others do', text: TAPRC },
    { path: 'src/main.ts', why: 'the process, which is that of the first service', text: MAIN },
    { path: 'src/api.ts', why: 'what it is called and what it answers', text: apiOf(name) },
    { path: `src/routes/${name}.ts`, why: 'a first route, with its schema', text: routeOf(name) },
    { path: `test/${name}.test.ts`, why: 'its test', text: testOf(name) },
  ];
}
