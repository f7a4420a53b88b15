import { setImmediate as turn } from 'node:timers/promises';
import sensible from '@fastify/sensible';
import Fastify from 'fastify';
import t, { type Test } from 'tap';
import Type from 'typebox';
import { createMetrics } from '../src/metrics.ts';
import { answers, type Make } from '../src/plugins/answers.ts';
import { answerResponse } from '../src/routes/schemas.ts';

/** An application with one route whose answers are cached. */
async function applicationWith(t: Test, make: Make) {
  const app = Fastify();
  t.teardown(async () => app.close());
  await app.register(sensible);
  await app.register(answers, {
    name: 'test',
    config: { CACHE_TTL_SECONDS: 10, CACHE_STALE_SECONDS: 10, CACHE_MAX_BYTES: 1000 },
    metrics: createMetrics({ version: 'test', commit: 'test' }),
  });
  const schema = { response: { 200: answerResponse('A number', Type.Object({ number: Type.Integer() })) } };
  app.get(
    '/',
    { schema },
    app.cached((request) => request.url, make),
  );
  return app;
}

t.test('what is cached may be made at once or in time', async (t) => {
  let made = 0;
  const makes: Record<string, Make> = {
    'at once': () => ({ number: (made += 1) }),
    'in time': async () => {
      await turn();
      return { number: (made += 1) };
    },
  };
  for (const [name, make] of Object.entries(makes)) {
    made = 0;
    const app = await applicationWith(t, make);
    const [first, second] = await Promise.all([app.inject('/'), app.inject('/')]);
    for (const response of [first, second, await app.inject('/')]) {
      t.equal(response.statusCode, 200, name);
      t.strictSame(response.json(), { number: 1 }, name);
      t.match(response.headers, { 'cache-control': /^public/ });
    }
  }
});

t.test('what could not be made is an error, and is made again for the next one', async (t) => {
  let broken = true;
  const app = await applicationWith(t, async () => {
    await turn();
    if (broken) throw new Error('broken');
    return { number: 1 };
  });
  t.match(await app.inject('/'), { statusCode: 500, headers: { 'cache-control': undefined } });
  broken = false;
  t.equal((await app.inject('/')).statusCode, 200);
});

t.test('what is no object does not compile', (t) => {
  // @ts-expect-error a handler that forgot to return
  const nothing: Make = () => undefined;
  // @ts-expect-error the same, in time
  const nothingInTime: Make = async () => {
    await turn();
  };
  // @ts-expect-error text in place of an object
  const text: Make = async () => Promise.resolve('text');
  // @ts-expect-error a number in place of an object
  const number: Make = () => 1;
  t.equal([nothing, nothingInTime, text, number].length, 4, 'the compiler is the test');
  t.end();
});
