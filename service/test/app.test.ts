import t from 'tap';
import { buildApp } from '../src/app.ts';
import { ConfigError, readConfig } from '../src/config.ts';

t.test('probes: alive as long as it answers, ready until it is told to stop', async (t) => {
  const lifecycle = { stopping: false };
  const app = await buildApp({ lifecycle });
  t.equal((await app.inject('/livez')).statusCode, 200);
  t.same((await app.inject('/readyz')).json(), { status: 'ok' });
  lifecycle.stopping = true;
  t.equal((await app.inject('/readyz')).statusCode, 503);
  t.equal((await app.inject('/livez')).statusCode, 200);
});

t.test('a network is described, however its slash is written', async (t) => {
  const app = await buildApp();
  for (const path of ['/v1/networks/10.0.3.7/16', '/v1/networks/10.0.3.7%2F16']) {
    const response = await app.inject(path);
    t.equal(response.statusCode, 200);
    t.match(response.json(), { cidr: '10.0.0.0/16', addresses: '65536', firstHost: '10.0.0.1', broadcast: '10.0.255.255' });
  }
  t.match((await app.inject('/v1/networks/2001:db8::/32')).json(), { family: 6, broadcast: null });
});

t.test('mistakes are answered with a problem document', async (t) => {
  const app = await buildApp();
  for (const [path, status] of [['/v1/networks/10.0.0.0/33', 400], ['/v1/networks/', 400], ['/nowhere', 404]] as const) {
    const response = await app.inject(path);
    t.equal(response.statusCode, status, path);
    t.match(response.headers['content-type'], 'application/problem+json');
    t.match(response.json(), { status, type: 'about:blank', detail: String });
  }
});

t.test('an error inside tells nothing outside', async (t) => {
  const app = await buildApp();
  app.get('/broken', () => {
    throw new Error('the secret of the house');
  });
  const response = await app.inject('/broken');
  t.equal(response.statusCode, 500);
  t.notMatch(response.body, 'secret');
});

t.test('every mistake in the environment is told at once', (t) => {
  t.same(readConfig({}), { host: '0.0.0.0', port: 8080, logLevel: 'info', drain: 5000 });
  try {
    readConfig({ PORT: '99999', LOG_LEVEL: 'loud', DRAIN_SECONDS: '-1', HOST: '' });
    t.fail('was accepted');
  } catch (error) {
    t.ok(error instanceof ConfigError);
    t.equal((error as Error).message.split('\n').length, 4);
  }
  t.end();
});
