import t from 'tap';
import { registriesAsOf, reservedRanges } from '@gitops/subnets/reserved-ranges';
import { build } from './helper.ts';

interface Page {
  readonly ranges: readonly object[];
  readonly asOf: string;
  readonly total: number;
  readonly next: string | null;
}

t.test('page by page, every range comes once and in order', async (t) => {
  const { api } = await build(t);
  for (const [first, expected] of [
    ['/v1/reserved-ranges', reservedRanges],
    ['/v1/reserved-ranges?limit=7', reservedRanges],
    ['/v1/reserved-ranges?limit=50', reservedRanges],
    ['/v1/reserved-ranges?family=6&limit=13', reservedRanges.filter(({ family }) => family === 6)],
    ['/v1/reserved-ranges?family=4&limit=1', reservedRanges.filter(({ family }) => family === 4)],
  ] as const) {
    const seen: object[] = [];
    for (let next: string | null = first; next !== null;) {
      const response = await api.inject(next);
      t.equal(response.statusCode, 200, next);
      const page: Page = response.json<Page>();
      t.equal(page.total, expected.length);
      t.equal(page.asOf, registriesAsOf);
      seen.push(...page.ranges);
      next = page.next;
    }
    t.strictSame(seen, expected, first);
  }
});

t.test('what is no page is refused', async (t) => {
  const { api } = await build(t);
  for (const [query, pointer] of [
    ['limit=0', '#/limit'],
    ['limit=51', '#/limit'],
    ['limit=ten', '#/limit'],
    ['limit=2.5', '#/limit'],
    ['family=5', '#/family'],
    ['after=10.0.0.0/9', '#/after'],
    ['after=x', '#/after'],
    ['page=2', '#/page'],
    ['family=6&after=10.0.0.0/8', '#/after'],
  ] as const) {
    const response = await api.inject(`/v1/reserved-ranges?${query}`);
    t.match(response.json(), { status: 400, errors: [{ in: 'query', pointer }] }, query);
  }
});

t.test('a page begins after a range, however the client writes it', async (t) => {
  const { api } = await build(t);
  for (const after of ['::ffff:0.0.0.0/96', '::ffff:0:0/96', '::FFFF:1.2.3.4/96']) {
    const response = await api.inject(`/v1/reserved-ranges?limit=1&after=${encodeURIComponent(after)}`);
    t.match(response.json(), { ranges: [{ cidr: '64:ff9b::/96' }] }, after);
  }
});
