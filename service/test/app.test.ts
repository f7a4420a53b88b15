import t from 'tap';
import { buildApp } from '../src/app.ts';

t.test('a running service is alive and ready', async (t) => {
  const app = buildApp();
  for (const path of ['/livez', '/readyz']) {
    const response = await app.inject(path);
    t.equal(response.statusCode, 200);
    t.strictSame(response.json(), { status: 'ok' });
  }
});

t.test('what no route takes is a 404 problem', async (t) => {
  const app = buildApp();
  for (const request of [{ url: '/' }, { url: '/v1/networks' }, { url: '/v1/networks/10.0.0.0/8', method: 'DELETE' }] as const) {
    const response = await app.inject(request);
    t.equal(response.statusCode, 404, request.url);
    t.match(response.headers['content-type'], /^application\/problem\+json\b/);
    t.match(response.json(), { type: 'about:blank', title: 'Not Found', status: 404 });
  }
});

t.test('an error of ours is logged, and tells the client nothing', async (t) => {
  const lines: string[] = [];
  const app = buildApp({ logger: { level: 'error', stream: { write: (line: string) => lines.push(line) } } });
  app.get('/broken', () => {
    throw new Error('the password is swordfish');
  });
  const response = await app.inject('/broken');
  t.equal(response.statusCode, 500);
  t.match(response.headers['content-type'], /^application\/problem\+json\b/);
  t.match(response.json(), { title: 'Internal Server Error', status: 500 });
  t.notMatch(response.body, /swordfish/);
  t.equal(lines.length, 1);
  t.match(lines[0], /swordfish/);
});

t.test('probes leave no trace in the log, other requests do', async (t) => {
  const lines: string[] = [];
  const app = buildApp({ logger: { stream: { write: (line: string) => lines.push(line) } } });
  await app.inject('/livez');
  await app.inject('/readyz');
  t.same(lines, []);
  await app.inject('/v1/networks/10.0.0.0/8');
  t.match(lines.map((line) => JSON.parse(line) as object), [{ req: { url: '/v1/networks/10.0.0.0/8' } }, { res: { statusCode: 200 } }]);
});
