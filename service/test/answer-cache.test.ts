import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { AnswerCache, type AnswerCacheOptions } from '../src/answer-cache.ts';

/** A cache with a clock of its own, in seconds. */
function cacheAt(options: Partial<AnswerCacheOptions> = {}) {
  const clock = { seconds: 1000 };
  const failures: unknown[] = [];
  const evicted = { count: 0 };
  const cache = new AnswerCache({
    freshSeconds: 10,
    staleSeconds: 20,
    maxBytes: 1000,
    now: () => clock.seconds * 1000,
    onRefreshError: (error) => failures.push(error),
    onEvicted: () => (evicted.count += 1),
    ...options,
  });
  return { cache, clock, failures, evicted };
}

t.test('made once, a hit while fresh, stale for a while, then made again', async (t) => {
  const { cache, clock } = cacheAt();
  let made = 0;
  const find = async () => {
    const { answer, result } = await cache.find('a', () => `${(made += 1)}`);
    return `${result} ${answer.body}`;
  };
  t.equal(await find(), 'miss 1');
  clock.seconds += 9.999;
  t.equal(await find(), 'hit 1');
  clock.seconds += 0.002;
  t.equal(cache.fresh('a'), undefined);
  t.equal(await find(), 'stale 1', 'served at once');
  await turn();
  t.equal(await find(), 'hit 2', 'while a new one was made');
  clock.seconds += 30.001;
  t.equal(await find(), 'miss 3', 'older than fresh and stale together: never served');
});

t.test('a hundred callers, one making: whether there was nothing or something stale', async (t) => {
  const { cache, clock } = cacheAt();
  let made = 0;
  const slow = async () => {
    made += 1;
    await turn();
    return String(made);
  };
  const crowd = async () => {
    const found = await Promise.all(Array.from({ length: 100 }, async () => cache.find('a', slow)));
    return {
      bodies: [...new Set(found.map(({ answer }) => answer.body))],
      results: Object.fromEntries(
        ['hit', 'stale', 'miss', 'collapsed'].map((result) => [
          result,
          found.filter((one) => one.result === result).length,
        ]),
      ),
    };
  };
  t.strictSame(await crowd(), { bodies: ['1'], results: { hit: 0, stale: 0, miss: 1, collapsed: 99 } });
  clock.seconds += 15;
  t.strictSame(await crowd(), { bodies: ['1'], results: { hit: 0, stale: 100, miss: 0, collapsed: 0 } });
  await turn();
  await turn();
  t.equal(made, 2);
});

t.test('errors reach everybody who waits and are not kept; a stale answer outlives them', async (t) => {
  const { cache, clock, failures } = cacheAt();
  const broken = async (): Promise<string> => {
    await turn();
    throw new Error('broken');
  };
  const outcomes = await Promise.allSettled([cache.find('a', broken), cache.find('a', broken)]);
  t.strictSame(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  t.equal(cache.entries, 0);
  t.match(await cache.find('a', () => 'mended'), { result: 'miss', answer: { body: 'mended' } });

  clock.seconds += 15;
  t.match(await cache.find('a', broken), { result: 'stale', answer: { body: 'mended' } });
  await turn();
  await turn();
  t.match(failures, [{ message: 'broken' }]);
  t.match(await cache.find('a', broken), { result: 'stale', answer: { body: 'mended' } }, 'still there');
});

t.test('the size is bounded, the least recently used goes first, and it is counted', async (t) => {
  const { cache, evicted } = cacheAt({ maxBytes: 33 });
  const put = async (key: string) => (await cache.find(key, () => 'x'.repeat(10))).result;
  for (const key of ['a', 'b', 'c']) await put(key);
  t.same([cache.entries, cache.bytes, evicted.count], [3, 33, 0]);
  t.equal(await put('a'), 'hit');
  t.equal(await put('d'), 'miss');
  t.same([cache.entries, cache.bytes, evicted.count], [3, 33, 1]);
  t.equal(await put('a'), 'hit');
  t.equal(await put('b'), 'miss', 'the one that nobody asked for');
  await cache.find('huge', () => 'x'.repeat(100));
  t.ok(cache.bytes <= 33, 'what is larger than all of the cache is not kept');
});

t.test('an eviction takes nothing from those who wait: all of them are answered', async (t) => {
  const { cache } = cacheAt({ maxBytes: 33 });
  const slow = async () => {
    await turn();
    return 'x'.repeat(10);
  };
  // Each key twice, so that one waits for what another one makes.
  const found = await Promise.all(
    Array.from({ length: 200 }, async (_, index) => cache.find(`${index % 100}`.padStart(2, '0'), slow)),
  );
  t.ok(found.every(({ answer }) => answer.body === 'x'.repeat(10)));
  t.equal(found.filter(({ result }) => result === 'collapsed').length, 100);
  t.ok(cache.bytes <= 33);
});

t.test("the machine's time may be set: it makes no answer older or younger", async (t) => {
  const clock = { offset: 0 };
  const { now } = Date;
  t.intercept(Date, 'now', { value: () => now() + clock.offset });
  const cache = new AnswerCache({
    freshSeconds: 10,
    staleSeconds: 20,
    maxBytes: 1000,
    onRefreshError: () => undefined,
  });
  const { answer } = await cache.find('a', () => 'body');
  for (const hours of [-1, 1]) {
    clock.offset = hours * 3_600_000;
    t.ok(cache.freshFor(answer) > 0 && cache.freshFor(answer) <= 10_000, `${hours} h`);
    t.equal((await cache.find('a', () => 'another')).result, 'hit');
  }
});

t.test('without size or time nothing is kept', async (t) => {
  for (const options of [{ maxBytes: 0 }, { freshSeconds: 0, staleSeconds: 0 }]) {
    const { cache } = cacheAt(options);
    for (let round = 0; round < 2; round += 1)
      t.equal((await cache.find('a', () => 'body')).result, 'miss', JSON.stringify(options));
    t.equal(cache.entries, 0);
  }
});

t.test('property: equal tags mean equal bytes, no answer is older than it may be, and the size holds', async (t) => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ ask: fc.constantFrom('a', 'b', 'c', 'd') }),
      fc.record({ wait: fc.integer({ min: 0, max: 25 }) }),
      fc.record({ change: fc.string() }),
    ),
    { minLength: 1, maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const { cache, clock } = cacheAt({ maxBytes: 40 });
      const tags = new Map<string, string>();
      let content = '';
      for (const step of list) {
        if ('wait' in step) clock.seconds += step.wait;
        else if ('change' in step) content = step.change;
        else {
          const { answer, result } = await cache.find(step.ask, () => content);
          await turn();
          const age = clock.seconds - answer.storedAt / 1000;
          if (age > 30 || (result === 'hit' && age >= 10)) throw new Error(`${result} of age ${age}`);
          if ((tags.get(answer.etag) ?? answer.body) !== answer.body) throw new Error('one tag, two bodies');
          tags.set(answer.etag, answer.body);
          if (cache.bytes > 40) throw new Error(`${cache.bytes} bytes`);
        }
      }
      if (new Set(tags.values()).size !== tags.size) throw new Error('one body, two tags');
    }),
    { numRuns: 200 },
  );
  t.pass('for 200 random histories');
});
