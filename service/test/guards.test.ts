// Which check comes first, where a request fails two. What HTTP says of it:
// - RFC 9112, 2.2 and 3.2: what cannot be read as a request, or has no right Host, is 400, whatever else it says
// - RFC 9110, 10.1.1: the answer to an expectation comes from the header section alone
// - RFC 9110, 13.2.1: preconditions are ignored where the answer without them is neither 2xx nor 412, and they come
//   before the request's work is done
// The rest is ours: what needs no look at the body comes before what does; load is shed before any body is read, and
// after what is refused anyway and cheaply, since 404 says more than 503.
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { ShedReason } from '../src/plugins/load-shedding.ts';
import { answersIn, build, exchange, metric } from './helper.ts';

/** A request in the making. */
interface Draft {
  method: string;
  path: string;
  readonly headers: Record<string, string>;
  /** The body's fields; none for a GET. */
  readonly plan: Record<string, unknown> | undefined;
  /** What comes behind the fields. */
  behind: string;
}

interface Guard {
  readonly name: string;
  readonly status: number;
  /** What the answer's document has, where more than one guard has the status. */
  readonly says?: RegExp;
  /** Makes a request fail this guard; absent where the process does. */
  readonly fail?: (draft: Draft) => void;
  readonly pressure?: ShedReason;
  /** Only for requests of this method. */
  readonly only?: 'GET' | 'POST';
}

/** In the order in which they must win. */
const guards: readonly Guard[] = [
  {
    name: 'message syntax',
    status: 400,
    says: /not valid HTTP/,
    fail: ({ headers }) => (headers.x = 'a\0b'),
  },
  { name: 'Host', status: 400, says: /Host header/, fail: ({ headers }) => (headers.host = 'me@x') },
  { name: 'expectation', status: 417, fail: ({ headers }) => (headers.expect = 'tea') },
  { name: 'path encoding', status: 400, says: /percent-encoded/, fail: (draft) => (draft.path += '/%zz') },
  { name: 'route', status: 404, fail: (draft) => (draft.path = `/nothing${draft.path}`) },
  { name: 'method', status: 405, fail: (draft) => (draft.method = 'DELETE') },
  { name: 'heap', status: 503, pressure: 'heap' },
  { name: 'memory', status: 503, pressure: 'memory' },
  { name: 'event loop delay', status: 503, pressure: 'event-loop-delay' },
  { name: 'event loop utilization', status: 503, pressure: 'event-loop-utilization' },
  {
    name: 'content coding',
    status: 415,
    says: /Content-Encoding/,
    fail: ({ headers }) => (headers['content-encoding'] = 'gzip'),
    only: 'POST',
  },
  {
    name: 'media type',
    status: 415,
    says: /application\/json\./,
    fail: ({ headers }) => (headers['content-type'] = 'text/plain'),
    only: 'POST',
  },
  { name: 'size', status: 413, fail: (draft) => (draft.behind += ' '.repeat(40_000)), only: 'POST' },
  { name: 'JSON', status: 400, says: /not valid JSON/, fail: (draft) => (draft.behind += 'x'), only: 'POST' },
  {
    name: 'schema of the body',
    status: 400,
    says: /invalid-request/,
    fail: ({ plan = {} }) => (plan.zones = 5),
    only: 'POST',
  },
  {
    name: 'schema of the path',
    status: 400,
    says: /invalid-request/,
    fail: (draft) => (draft.path = draft.path.replace('10.0.0.0', '10.0.0.999')),
    only: 'GET',
  },
  { name: 'If-Match', status: 412, fail: ({ headers }) => (headers['if-match'] = '"x"') },
  { name: 'If-None-Match', status: 304, fail: ({ headers }) => (headers['if-none-match'] = '*'), only: 'GET' },
  {
    name: 'the work itself',
    status: 422,
    fail: ({ plan = {} }) => (plan.cidr = '10.0.0.0/30'),
    only: 'POST',
  },
];

const drafts: Readonly<Record<'GET' | 'POST', () => Draft>> = {
  GET: () => ({ method: 'GET', path: '/v1/networks/10.0.0.0/8', headers: { host: 'x' }, plan: undefined, behind: '' }),
  POST: () => ({
    method: 'POST',
    path: '/v1/plans',
    headers: { host: 'x', 'content-type': 'application/json' },
    plan: { cidr: '10.0.0.0/16', zones: ['a'], tiers: [{ name: 'x', prefixLength: 20 }] },
    behind: '',
  }),
};

function bytesOf({ method, path, headers, plan, behind }: Draft): string {
  const body = plan === undefined ? '' : JSON.stringify(plan) + behind;
  const lines = Object.entries({
    ...headers,
    ...(plan !== undefined && { 'content-length': String(body.length) }),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** A service that is short of what a test says. */
async function buildUnderPressure(t: Test, env: Record<string, string> = {}) {
  const under = new Set<ShedReason>();
  const service = await build(
    t,
    { LOAD_SHEDDING: 'on', ...env },
    {
      measures: {
        memory: () => ({ heap: under.has('heap') ? 2 : 0, resident: under.has('memory') ? 2 : 0 }),
        memoryLimits: { heap: 1, resident: 1 },
        eventLoop: () => ({
          delay: under.has('event-loop-delay') ? 1 : 0,
          utilization: under.has('event-loop-utilization') ? 1 : 0,
          turn: () => 1,
        }),
      },
    },
  );
  const { api, admin } = await service.listen();
  return {
    service,
    api,
    /** Puts the service under pressure, and waits until it knows. */
    press: async (reasons: readonly ShedReason[]): Promise<void> => {
      const until = async (status: number): Promise<void> => {
        while ((await fetch(`${admin}/readyz`)).status !== status) await sleep(20);
      };
      if (reasons.length === under.size && reasons.every((reason) => under.has(reason))) return;
      under.clear();
      await until(200);
      for (const reason of reasons) under.add(reason);
      await until(reasons.some((reason) => reason === 'heap' || reason === 'memory') ? 503 : 200);
    },
  };
}

async function answerTo(t: Test, url: string, draft: Draft, guard: Guard | undefined, name: string): Promise<void> {
  const [answer, more] = answersIn((await exchange(url, bytesOf(draft), { silence: 5_000 })).text);
  t.equal(answer?.status, guard?.status ?? 200, name);
  t.equal(more, undefined, name);
  if (guard?.says !== undefined) t.match(answer?.body, guard.says, name);
}

for (const method of ['GET', 'POST'] as const) {
  const own = guards.filter(({ only }) => only === undefined || only === method);
  t.test(`${method}: of two guards, the first one wins`, async (t) => {
    const { service, api, press } = await buildUnderPressure(t);
    const pairs = own.flatMap((first, index) => [[first], ...own.slice(index + 1).map((second) => [first, second])]);
    await answerTo(t, api, drafts[method](), undefined, 'a good request');
    // Those without pressure first, then each kind of pressure in turn.
    const pressures = [undefined, ...own.flatMap(({ pressure }) => pressure ?? [])];
    for (const pressure of pressures) {
      const these = pairs.filter((pair) => pair.find((guard) => guard.pressure !== undefined)?.pressure === pressure);
      for (const pair of these) {
        await press(pair.flatMap((guard) => guard.pressure ?? []));
        const draft = drafts[method]();
        for (const { fail } of pair) fail?.(draft);
        const [first] = pair;
        service.metrics.shed.reset();
        await answerTo(t, api, draft, first, pair.map(({ name }) => name).join(' before '));
        if (first?.pressure !== undefined)
          t.equal(await metric(service, `http_requests_shed_total{reason="${first.pressure}"}`), 1, first.name);
      }
    }
  });
}

t.test('during the drain, answers are as usual, and end their connections', async (t) => {
  const { service, api } = await buildUnderPressure(t);
  const closed = service.close({ drainSeconds: 2 });
  for (const guard of [undefined, ...guards.filter(({ fail }) => fail !== undefined)]) {
    const method = guard?.only ?? 'POST';
    const draft = drafts[method]();
    guard?.fail?.(draft);
    const text = bytesOf(draft).replace('connection: close\r\n', '');
    const [answer] = answersIn((await exchange(api, text, { silence: 2_000 })).text);
    t.equal(answer?.status, guard?.status ?? 200, guard?.name ?? 'a good request');
    t.equal(answer?.headers.connection, 'close', guard?.name ?? 'a good request');
  }
  await closed;
});

t.test('overload is refused while it drains as well, and says so', async (t) => {
  const { service, api, press } = await buildUnderPressure(t);
  await press(['heap']);
  const closed = service.close({ drainSeconds: 1 });
  const [answer] = answersIn((await exchange(api, bytesOf(drafts.GET()))).text);
  t.match(answer, { status: 503, headers: { connection: 'close', 'retry-after': '1' } });
  await closed;
});
