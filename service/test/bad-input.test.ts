import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Answer, answersIn, build, exchange, metric, start } from './helper.ts';

/** Checks that an answer is a problem document with its status, and tells nothing of our inside. */
function checkProblem(t: Test, answer: Answer | undefined, status: number, name: string): void {
  t.equal(answer?.status, status, name);
  if (answer === undefined) return;
  t.match(answer.headers['content-type'], /^application\/problem\+json/, name);
  t.match(JSON.parse(answer.body), { type: String, title: String, status, detail: String }, name);
  t.notMatch(answer.body, /node_modules|\bat .*:\d+:\d+|\.ts\b/, name);
}

const plan = '{"cidr":"10.0.0.0/16","zones":["a"],"tiers":[{"name":"x","prefixLength":20}]}';
const post = (body: string | Buffer, headers = ''): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST /v1/plans HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n`,
    ),
    Buffer.from(body),
  ]);

t.test('bodies: each bad one is a problem document with the right status', async (t) => {
  const { api } = await build(t);
  const address = await api.listen({ host: '127.0.0.1', port: 0 });
  const cases: [name: string, bytes: Buffer | string, status: number][] = [
    ['a good one', post(plan), 200],
    ['malformed JSON', post('{"cidr": '), 400],
    ['JSON and more', post(`${plan}x`), 400],
    ['nothing', post(''), 400],
    ['a BOM', post(`\ufeff${plan}`), 200],
    [
      'invalid UTF-8',
      post(Buffer.concat([Buffer.from('{"cidr":"'), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from('"}')])),
      400,
    ],
    ['UTF-16', post(Buffer.from(plan, 'utf16le')), 400],
    ['prototype poisoning', post('{"__proto__":{"a":1}}'), 400],
    ['constructor poisoning', post('{"constructor":{"prototype":{"a":1}}}'), 400],
    ['deep nesting', post(`${'['.repeat(15_000)}${']'.repeat(15_000)}`), 400],
    ['a number like no other', post('{"cidr":1e999}'), 400],
    ['40 KB', post(`{"x":"${'x'.repeat(40_000)}"}`), 413],
    [
      '40 KB in chunks',
      `POST /v1/plans HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n9c40\r\n${'x'.repeat(40_000)}\r\n0\r\n\r\n`,
      413,
    ],
    [
      '1 TB announced',
      'POST /v1/plans HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 1000000000000\r\n\r\n',
      413,
    ],
    ['another type', post(plan).toString().replace('application/json', 'text/plain'), 415],
    ['no type', post(plan).toString().replace('Content-Type: application/json\r\n', ''), 415],
    ['a form', post(plan).toString().replace('application/json', 'application/x-www-form-urlencoded'), 415],
    ['XML by another name', post(plan).toString().replace('application/json', 'application/json+xml'), 415],
    ['a compressed body', post(plan, 'Content-Encoding: gzip\r\n'), 415],
  ];
  for (const [name, bytes, status] of cases) {
    const { text, closed } = await exchange(address, bytes, { silence: 3000 });
    const [answer] = answersIn(text);
    if (status === 200) t.equal(answer?.status, 200, name);
    else checkProblem(t, answer, status, name);
    t.ok(closed, `${name}: closed as asked`);
  }
});

t.test('requests that are not HTTP, or two requests in one: refused, and the connection is closed', async (t) => {
  const service = await build(t);
  const address = await service.api.listen({ host: '127.0.0.1', port: 0 });
  const inner = 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\nHost: x\r\n\r\n';
  const cases: [name: string, bytes: string | Buffer, status: number][] = [
    [
      'Content-Length and Transfer-Encoding',
      `POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
      400,
    ],
    [
      'Transfer-Encoding and Content-Length',
      `POST /v1/plans HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${inner}`,
      400,
    ],
    [
      'Content-Length twice',
      `POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${inner}`,
      400,
    ],
    ['a list of Content-Lengths', `POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 0\r\n\r\n${inner}`, 400],
    ['a negative Content-Length', 'POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
    ['a signed Content-Length', 'POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nabcd', 400],
    [
      'an unknown Transfer-Encoding',
      `POST /v1/plans HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`,
      400,
    ],
    [
      'a disguised Transfer-Encoding',
      `POST /v1/plans HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${inner}`,
      400,
    ],
    ['a folded header', `GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\n\r\n`, 400],
    ['a bare line feed in a header', `GET / HTTP/1.1\r\nHost: x\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n`, 400],
    ['a NUL in a header', `GET / HTTP/1.1\r\nHost: x\r\nA: \0b\r\n\r\n`, 400],
    [
      'a broken chunk',
      `POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
    ],
    ['no Host', 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n', 400],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['a version to come', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n', 400],
    ['an unknown method', 'BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n', 501],
    [
      'a header flood',
      `GET / HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 2_000 }, (_, index) => `X-${index}: 0123456789\r\n`).join('')}\r\n`,
      431,
    ],
    ['a huge header', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
    ['a huge path', `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
  ];
  for (const [name, bytes, status] of cases) {
    const { text, closed } = await exchange(address, bytes, { silence: 3000 });
    const answers = answersIn(text);
    checkProblem(t, answers[0], status, name);
    t.equal(answers.length, 1, `${name}: nothing behind it is answered`);
    t.ok(closed, `${name}: closed`);
  }
  t.ok(Number(await metric(service, 'http_connection_errors_total{status_code="431"}')) >= 3);
  t.equal(await metric(service, 'http_connection_errors_total{status_code="501"}'), 1);
});

t.test('a route is chosen before anything is read of the body', async (t) => {
  const { api } = await build(t);
  const post = async (method: 'POST' | 'PUT', url: string) =>
    api.inject({ method, url, headers: { 'content-type': 'text/plain' }, payload: 'x'.repeat(50_000) });
  t.equal((await post('POST', '/nothing')).statusCode, 404);
  t.equal((await post('PUT', '/v1/plans')).statusCode, 405);
});

t.test('405 tells what there is', async (t) => {
  const { api } = await build(t);
  for (const [method, url, allow] of [
    ['DELETE', '/v1/networks/10.0.0.0/8', 'GET, HEAD'],
    ['DELETE', '/v1/networks/10.0.0.0%2F8', 'GET, HEAD'],
    ['GET', '/v1/plans', 'POST'],
    ['PATCH', '/v1/overlaps', 'POST'],
    ['OPTIONS', '/v1/reserved-ranges', 'GET, HEAD'],
  ] as const) {
    const response = await api.inject({ method, url });
    t.equal(response.statusCode, 405, `${method} ${url}`);
    t.equal(response.headers.allow, allow);
    t.match(response.json(), { type: 'about:blank', status: 405 });
  }
});

t.test(
  'a slow request is cut with 408, whether its headers or its body never end; others are served meanwhile',
  { timeout: 60_000 },
  async (t) => {
    const service = start(t, { LOG_LEVEL: 'debug' });
    const { api, admin } = await service.listening();
    const good = 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\nHost: x\r\n\r\n';
    const head = 'HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{';
    const cases = [
      { name: 'headers', url: api, bytes: 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\nHost: x\r\nX: ', seconds: 10 },
      { name: 'headers behind a good request', url: api, bytes: `${good}GET / HTTP/1.1\r\nX: `, good: 1, seconds: 10 },
      { name: 'body', url: api, bytes: `POST /v1/plans ${head}`, route: '/v1/plans', seconds: 30 },
      {
        name: 'body behind a good request',
        url: api,
        bytes: `${good}POST /v1/overlaps ${head}`,
        good: 1,
        route: '/v1/overlaps',
        seconds: 30,
      },
      { name: 'headers on the admin port', url: admin, bytes: 'GET /livez HTTP/1.1\r\nX: ', seconds: 10 },
      { name: 'body on the admin port', url: admin, bytes: `PUT /log-level ${head}`, route: '/log-level', seconds: 30 },
    ];
    const began = performance.now();
    const slow = cases.map(async (one) => {
      const { hostname, port } = new URL(one.url);
      const socket = connect(Number(port), hostname);
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString('latin1')));
      socket.on('error', () => undefined); // cut while a byte was on its way
      socket.write(one.bytes);
      // A byte now and then, so that the connection is never idle.
      const drip = setInterval(() => socket.write('x'), 500);
      await new Promise((done) => socket.on('close', done));
      clearInterval(drip);
      return { ...one, text, took: (performance.now() - began) / 1000 };
    });
    for (let round = 0; round < 10; round += 1) {
      t.equal((await fetch(`${api}/v1/networks/10.0.0.0/8`)).status, 200);
      await sleep(100);
    }
    for (const { name, text, took, good = 0, route, seconds } of await Promise.all(slow)) {
      const answers = answersIn(text);
      t.equal(answers.length, good + 1, name);
      if (good > 0) t.equal(answers[0]?.status, 200, name);
      checkProblem(t, answers.at(-1), 408, name);
      t.ok(took >= seconds && took < seconds + 5, `${name} after ${took} s`);
      const { instance } = JSON.parse(answers.at(-1)?.body ?? '{}') as { instance?: string };
      const trace = instance?.replace('urn:trace:', '');
      const line = await service.line(({ trace_id: id }) => id === trace);
      t.match(
        line,
        route === undefined
          ? { msg: 'unreadable request', status: 408, reason: 'ERR_HTTP_REQUEST_TIMEOUT' }
          : { msg: 'request', status: 408, route },
        name,
      );
    }
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    t.match(metrics, /^http_connection_errors_total\{status_code="408"\} 3$/m);
    for (const route of ['plans', 'overlaps'])
      t.match(
        metrics,
        new RegExp(
          `^http_request_duration_seconds_count\\{method="POST",route="/v1/${route}",status_code="408"\\} 1$`,
          'm',
        ),
      );
  },
);

t.test('ten thousand bad requests leave the memory flat', { timeout: 300_000 }, async (t) => {
  // Garbage is collected before each look, on a signal: when V8 does so by itself depends on how busy the machine is.
  const service = start(
    t,
    {},
    {
      flags: [
        '--max-old-space-size=166',
        '--expose-gc',
        '--import',
        'data:text/javascript,process.on("SIGUSR2",()=>globalThis.gc())',
      ],
    },
  );
  const { api, admin } = await service.listening();
  const heap = async (): Promise<number> => {
    service.child.kill('SIGUSR2');
    await sleep(300);
    return used();
  };
  const used = async (): Promise<number> =>
    Number(/^nodejs_heap_size_used_bytes (.*)$/m.exec(await (await fetch(`${admin}/metrics`)).text())?.[1]);
  const bad = [
    async (index: number) =>
      fetch(`${api}/v1/plans`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"x${index}":`,
      }),
    async (index: number) =>
      fetch(`${api}/v1/plans`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ cidr: `10.0.0.0/16 ${index}`, ['x'.repeat(1_000) + String(index)]: 1 }),
      }),
    async (index: number) => fetch(`${api}/${index}/${'x'.repeat(1_000)}`),
    async (index: number) => fetch(`${api}/v1/networks/10.0.0.0/${index + 33}`),
  ];
  const round = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 20) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, async (_, offset) => bad[offset % bad.length]?.(index + offset)),
      );
      for (const answer of answers) {
        if (answer === undefined || answer.status < 400 || answer.status >= 500)
          throw new Error(`an answer of ${String(answer?.status)}`);
        await answer.arrayBuffer();
      }
    }
  };
  // What is made once, such as compiled code and connections, is made before the first look.
  await round(4_000);
  const before = await heap();
  await round(10_000);
  const after = await heap();
  t.ok(after < before + 3e6, `${Math.round(before / 1e6)} MB before, ${Math.round(after / 1e6)} MB after`);
});
