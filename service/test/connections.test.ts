import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Case, cases, ports } from './fixtures/connection-cases.ts';
import { type Answer, answersIn, build, exchange, type LogLine, metric } from './helper.ts';

for (const port of ports)
  t.test(`${port.name}: whatever arrives has its answer, its line in the log and its metric, in order`, async (t) => {
    const service = await build(t, { LOG_LEVEL: 'debug' });
    const address = (await service.listen())[port.name];
    for (const one of cases) {
      service.lines.length = 0;
      service.metrics.connectionErrors.reset();
      const { text, closed } = await exchange(address, Buffer.from(one.bytes(port), 'latin1'), {
        silence: one.open ? 300 : 5_000,
      });
      const answers = answersIn(text);
      t.same(
        answers.map(({ status }) => status),
        one.statuses,
        one.name,
      );
      t.equal(closed, one.open !== true, `${one.name}: closed`);
      const last = one.statuses.at(-1) ?? 0;
      await checkLog(t, one, service.lines, answers);
      t.equal(
        (await metric(service, `http_connection_errors_total{status_code="${last}"}`)) ?? 0,
        one.unreadable ? 1 : 0,
        `${one.name}: connection errors`,
      );
    }
  });

/** One line for each answer; a problem names the trace of its line. */
async function checkLog(
  t: Test,
  { name, statuses, unreadable }: Case,
  lines: LogLine[],
  answers: Answer[],
): Promise<void> {
  const wanted = statuses.filter((status) => status >= 200);
  for (let look = 0; look < 100 && told(lines).length < wanted.length; look += 1) await sleep(10);
  t.same(
    told(lines)
      .map(({ status }) => status)
      .sort(),
    [...wanted].sort(),
    `${name}: lines`,
  );
  t.equal(lines.filter(({ msg }) => msg === 'unreadable request').length, unreadable ? 1 : 0, name);
  for (const { status, headers, body } of answers) {
    if (status < 200) continue;
    t.equal(headers['x-content-type-options'], 'nosniff', name);
    if (status < 400) continue;
    t.match(headers['content-type'], /^application\/problem\+json/, name);
    const { instance, ...problem } = JSON.parse(body) as { instance: string };
    t.match(problem, { type: String, title: String, status, detail: String }, name);
    t.ok(
      lines.some((line) => instance === `urn:trace:${String(line.trace_id)}` && line.status === status),
      `${name}: the trace of a line`,
    );
  }
}

const told = (lines: readonly LogLine[]): LogLine[] =>
  lines.filter(({ msg }) => msg === 'request' || msg === 'unreadable request');

t.test('requests on the API are counted by their status, also those that Node.js would have answered', async (t) => {
  const service = await build(t);
  const { api } = await service.listen();
  await exchange(api, 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n');
  await exchange(api, 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n');
  await exchange(
    api,
    'POST /v1/plans HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  );
  await exchange(api, 'GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n');
  for (const [method, route, status] of [
    ['other', 'unmatched', 501],
    ['GET', '/v1/networks/{cidr}', 417],
    ['POST', '/v1/plans', 400],
    ['GET', 'unmatched', 400],
  ] as const)
    t.equal(
      await metric(
        service,
        `http_request_duration_seconds_count{method="${method}",route="${route}",status_code="${status}"}`,
      ),
      1,
      `${method} ${route} ${status}`,
    );
  t.equal(await metric(service, 'http_requests_in_flight'), 0);
});

t.test('an answer that is being streamed stays whole, whatever comes behind its request', async (t) => {
  const service = await build(t, { LOG_LEVEL: 'debug' });
  const { admin } = await service.listen();
  const file = await (await fetch(`${admin}/docs/swagger-ui-bundle.js`)).text();
  for (const [behind, status] of [
    ['garbage\r\n\r\n', 400],
    ['CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n', 501],
  ] as const) {
    service.lines.length = 0;
    // HTTP/1.0 with keep-alive would need a length; so the file comes in chunks.
    const { text } = await exchange(admin, `GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n${behind}`, {
      silence: 5_000,
    });
    const end = text.lastIndexOf('HTTP/1.1 ');
    t.equal(Number(text.slice(end + 9, end + 12)), status);
    t.match(text.slice(0, end), /\r\n0\r\n\r\n$/);
    t.equal(withoutChunks(text.slice(text.indexOf('\r\n\r\n') + 4, end)), Buffer.from(file).toString('latin1'));
    t.same(
      told(service.lines).map((line) => line.status),
      // The second line of garbage is written when it arrives, which is before the file is sent.
      status === 400 ? [400, 200] : [200, 501],
    );
  }
});

function withoutChunks(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length;) {
    const line = text.indexOf('\r\n', at);
    const length = Number.parseInt(text.slice(at, line), 16);
    parts.push(text.slice(line + 2, line + 2 + length));
    at = line + 4 + length;
  }
  return parts.join('');
}

t.test('a client that leaves before a CONNECT behind another request is answered is counted once', async (t) => {
  const service = await build(t);
  const arrived = Promise.withResolvers<undefined>();
  service.api.get('/slow', async ({ raw }) => {
    arrived.resolve(undefined);
    await once(raw.socket, 'close');
    return 'late';
  });
  const { port } = new URL((await service.listen()).api);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\nCONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n');
  await arrived.promise;
  socket.destroy();
  await once(socket, 'close');
  while (service.requests().length === 0) await sleep(10);
  await sleep(50); // for a second line, which there must not be
  t.match(service.requests(), [{ route: '/slow', status: 499 }]);
  t.equal(service.requests().length, 1);
  t.equal(await metric(service, 'http_requests_in_flight'), 0);
});

t.test('no limit of Node.js drops a connection or a request without a word', async (t) => {
  const service = await build(t);
  const address = (await service.listen()).api;
  for (const { server } of [service.api, service.admin]) {
    t.equal(server.maxRequestsPerSocket, 0);
    t.notOk(server.maxConnections);
    t.equal(server.timeout, 0);
    t.equal(server.listenerCount('clientError'), 1);
  }
  const get = 'GET /v1/networks/10.0.0.0/8 HTTP/1.1\r\nHost: x\r\n';
  const requests = `${get}\r\n`.repeat(1_999) + `${get}Connection: close\r\n\r\n`;
  const { text } = await exchange(address, requests, { silence: 10_000 });
  t.equal(answersIn(text).filter(({ status }) => status === 200).length, 2_000);
});

t.test('localhost is one address, with the same answers', async (t) => {
  const service = await build(t, { HOST: 'localhost' });
  const addresses = await service.listen();
  for (const [name, address] of Object.entries(addresses)) {
    const { port } = new URL(address);
    t.match(answersIn((await exchange(`http://localhost:${port}`, 'garbage\r\n\r\n')).text), [
      { status: 400, headers: { 'content-type': /^application\/problem\+json/ } },
    ]);
    t.equal(service[name as 'api' | 'admin'].addresses().length, 1, name);
  }
});
