import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { syncsOf } from '../src/argocd.ts';

const revision = (letter: string): string => letter.repeat(40);

t.test('the history of Argo CD, by the variables of its own command line (the server is a stand-in)', async (t) => {
  const history = [
    {
      id: 1,
      deployedAt: '2026-11-25T10:00:00Z',
      revisions: ['1.2.3', revision('b')],
      initiatedBy: { username: 'on-call' },
    },
    { id: 0, deployedAt: '2026-11-25T09:00:00Z', revision: revision('a'), initiatedBy: { automated: true } },
  ];
  const server = createServer((request, response) => {
    if (request.headers.authorization !== 'Bearer secret') response.writeHead(401).end('{"error":"no\\nsession"}');
    else if (request.url === '/api/v1/applications/fastify-service')
      response.end(JSON.stringify({ status: { history } }));
    else response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
    for (const name of ['ARGOCD_SERVER', 'ARGOCD_AUTH_TOKEN', 'ARGOCD_OPTS']) Reflect.deleteProperty(process.env, name);
  });

  Reflect.deleteProperty(process.env, 'ARGOCD_SERVER');
  t.equal(await syncsOf('fastify-service'), undefined, 'none is named');
  process.env.ARGOCD_SERVER = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env.ARGOCD_OPTS = '--grpc-web --plaintext';
  process.env.ARGOCD_AUTH_TOKEN = 'secret';
  t.strictSame(await syncsOf('fastify-service'), [
    { id: 0, date: '2026-11-25T09:00:00Z', revision: revision('a'), who: 'automated' },
    { id: 1, date: '2026-11-25T10:00:00Z', revision: revision('b'), who: 'on-call' },
  ]);
  t.strictSame(await syncsOf('new'), [], 'without a history');
  process.env.ARGOCD_AUTH_TOKEN = 'wrong';
  await t.rejects(syncsOf('fastify-service'), { message: /^Argo CD at 127\.0\.0\.1:\d+ answers 401: [^\n]*$/ });
});
