import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LIGHT, MIX, schedule } from '../scenarios/shared/mix.ts';
import { root } from './helper.ts';

t.test('each kind of request comes as often as its weight says, well mixed', (t) => {
  for (const kinds of [MIX, LIGHT]) {
    const order = schedule(kinds);
    for (const kind of kinds) t.equal(order.filter((each) => each === kind).length, kind.weight);
    const longest = Math.max(...kinds.map((kind) => longestRow(order, kind)));
    t.ok(longest <= 3, `at most ${longest} of one kind in a row`);
  }
  t.equal(schedule(MIX).length, 100, 'weights are percentages');
  t.end();
});

function longestRow<T>(order: readonly T[], kind: T): number {
  let [longest, row] = [0, 0];
  for (const each of order) {
    row = each === kind ? row + 1 : 0;
    longest = Math.max(longest, row);
  }
  return longest;
}

t.test('every route of the service is asked, and a right answer is one that its contract has', (t) => {
  const { paths } = JSON.parse(readFileSync(join(root, 'service/openapi.json'), 'utf8')) as {
    paths: Record<string, Record<string, { responses: Record<string, unknown> }>>;
  };
  const asked = new Set<string>();
  for (const { method, status, ask } of MIX) {
    const [path = ''] = ask(0, '10.0.0.1/32').path.split('?');
    const template = Object.keys(paths).find((each) =>
      new RegExp(`^${each.replace(/\{[^}]+\}/, '[^/]+')}$`).test(path),
    );
    if (template === undefined) {
      t.equal(status, 404, `${path} is no route`);
      continue;
    }
    asked.add(template);
    const { responses = {} } = paths[template]?.[method.toLowerCase()] ?? {};
    t.ok(Object.hasOwn(responses, status), `${method} ${template}: ${status}`);
  }
  t.strictSame([...asked].sort(), Object.keys(paths).sort());
  t.end();
});

t.test('what the cache must not answer depends on the unseen network', (t) => {
  const isUnseen = MIX.filter(
    ({ ask }) => JSON.stringify(ask(0, '10.0.0.1/32')) !== JSON.stringify(ask(0, '10.0.0.2/32')),
  );
  t.strictSame(
    isUnseen.map(({ method, weight }) => `${method} ${weight}`),
    ['GET 10', 'POST 10', 'POST 30'],
  );
  t.end();
});
