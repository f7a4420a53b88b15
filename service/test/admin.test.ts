import t from 'tap';
import { build } from './helper.ts';

t.test('probes: alive from the start, ready once it listens and until it stops', async (t) => {
  const service = await build(t);
  const probe = async (path: string) => {
    const { statusCode, body } = await service.admin.inject(path);
    return `${statusCode} ${body}`;
  };
  t.equal(await probe('/livez'), '200 {"status":"ok"}');
  t.equal(await probe('/readyz'), '503 {"status":"starting"}');
  await service.listen();
  t.equal(await probe('/readyz'), '200 {"status":"ok"}');
  t.equal((await service.api.inject('/livez')).statusCode, 404, 'not on the port that the world sees');
  for (const path of ['/metrics', '/docs', '/log-level'])
    t.equal((await service.api.inject(path)).statusCode, 404, path);
  t.equal(service.requests().length, 4, 'and probes leave no line in the log');
});

t.test('the documentation: the document and a page that loads nothing from elsewhere', async (t) => {
  const { api, admin } = await build(t);
  await api.ready();
  // But for the address of the API; openapi.test.ts follows it.
  const { servers: _servers, ...document } = (await admin.inject('/openapi.json')).json<{ servers: unknown }>();
  const { servers: _relative, ...expected } = api.swagger() as { servers?: unknown };
  t.strictSame(document, JSON.parse(JSON.stringify(expected)));
  const page = await admin.inject('/docs');
  t.equal(page.statusCode, 200);
  t.match(page.headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': /^default-src 'none'; script-src 'self';/,
  });
  const files = Array.from(page.body.matchAll(/(?:src|href)="([^"]+)"/g), ([, file]) => file ?? '');
  t.equal(files.length, 3);
  for (const file of files) t.equal((await admin.inject(`/${file}`)).statusCode, 200, file);
  t.notMatch(page.body, /https?:/);
  t.match(
    (await admin.inject('/v1/plans')).headers['content-security-policy'],
    /^default-src 'none'; frame/,
    'the looser policy is the page’s alone',
  );
});

t.test('problems here are as on the API', async (t) => {
  const { admin } = await build(t);
  t.match((await admin.inject('/nothing')).json(), { type: 'about:blank', status: 404 });
  const refused = await admin.inject({ method: 'POST', url: '/log-level' });
  t.match(refused.json(), { status: 405 });
  t.equal(refused.headers.allow, 'GET, HEAD, PUT');
});
