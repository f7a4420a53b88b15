/* eslint max-lines: off -- a table of data */
// What a client may send on a connection, and what it must get: on both ports, whatever Node.js makes of it.

/** One of the two ports, with a request that it answers with 200 and one with a body. */
export interface Port {
  readonly name: 'api' | 'admin';
  readonly target: string;
  readonly method: 'POST' | 'PUT';
  readonly bodyTarget: string;
  readonly body: string;
}

export const ports: readonly Port[] = [
  {
    name: 'api',
    target: '/v1/networks/10.0.0.0/8',
    method: 'POST',
    bodyTarget: '/v1/overlaps',
    body: '{"cidrs":["10.0.0.0/8","10.1.0.0/16"]}',
  },
  { name: 'admin', target: '/livez', method: 'PUT', bodyTarget: '/log-level', body: '{"level":"debug"}' },
];

const get = ({ target }: Port, headers = '', version = '1.1'): string =>
  `GET ${target} HTTP/${version}\r\nHost: x\r\n${headers}\r\n`;
const send = ({ method, bodyTarget, body }: Port, headers = ''): string =>
  `${method} ${bodyTarget} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
const sendChunks = ({ method, bodyTarget }: Port, chunks: string): string =>
  `${method} ${bodyTarget} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`;
const withHost = ({ target }: Port, hosts: string, version = '1.1'): string =>
  `GET ${target} HTTP/${version}\r\n${hosts}Connection: close\r\n\r\n`;

export interface Case {
  readonly name: string;
  readonly bytes: (port: Port) => string;
  /** The answers in their order. */
  readonly statuses: readonly number[];
  /** The last answer is to bytes that are no request, so that it has a line and a metric of its own. */
  readonly unreadable?: true;
  /** The connection stays open. */
  readonly open?: true;
}

export const cases: readonly Case[] = [
  // Expectations
  { name: 'an unknown expectation', bytes: (port) => get(port, 'Expect: tea\r\n'), statuses: [417], open: true },
  {
    name: 'an unknown expectation beside a known one',
    bytes: (port) => get(port, 'Expect: 100-continue, tea\r\nConnection: close\r\n'),
    statuses: [417],
  },
  {
    name: 'an expectation of HTTP/1.0, which has none',
    bytes: (port) => get(port, 'Expect: tea\r\n', '1.0'),
    statuses: [200],
  },
  {
    name: '100-continue with a body',
    bytes: (port) => send(port, 'Expect: 100-continue\r\n'),
    statuses: [100, 200],
    open: true,
  },
  {
    name: '100-continue without a body',
    bytes: (port) => get(port, 'Expect: 100-Continue\r\n'),
    statuses: [200],
  },
  {
    name: '100-continue with a body that is too large: no 100',
    bytes: (port) =>
      `${port.method} ${port.bodyTarget} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n`,
    statuses: [413],
  },
  {
    name: '100-continue with a body of another type: no 100',
    bytes: (port) =>
      `${port.method} ${port.bodyTarget} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n`,
    statuses: [415],
  },
  {
    name: '100-continue for nothing: no 100',
    bytes: () => 'POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
    statuses: [404],
  },
  // Other protocols
  {
    name: 'CONNECT',
    bytes: () => 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n',
    statuses: [501],
  },
  {
    name: 'CONNECT with bytes behind it',
    bytes: () => 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
    statuses: [501],
  },
  {
    name: 'CONNECT without a Host',
    bytes: () => 'CONNECT example.com:443 HTTP/1.1\r\n\r\n',
    statuses: [400],
  },
  {
    name: 'CONNECT behind other requests',
    bytes: (port) => `${get(port)}${send(port)}CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n`,
    statuses: [200, 200, 501],
  },
  {
    name: 'Upgrade, which nobody has to follow',
    bytes: (port) =>
      get(port, 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n'),
    statuses: [200],
    open: true,
  },
  {
    name: 'Upgrade with a body',
    bytes: (port) =>
      send(port, 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'),
    statuses: [200],
    open: true,
  },
  { name: 'HTTP/2', bytes: () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', statuses: [400], unreadable: true },
  { name: 'TLS', bytes: () => '\x16\x03\x01\x00\x05hello', statuses: [400], unreadable: true },
  // Order
  { name: 'garbage', bytes: () => 'garbage\r\n\r\n', statuses: [400], unreadable: true },
  {
    name: 'a good request and garbage',
    bytes: (port) => `${get(port)}garbage\r\n\r\n`,
    statuses: [200, 400],
    unreadable: true,
  },
  {
    name: 'good requests, of which one is answered later, and garbage',
    bytes: (port) => `${send(port)}${get(port)}${send(port)}garbage\r\n\r\nmore garbage\r\n\r\n`,
    statuses: [200, 200, 200, 400],
    unreadable: true,
  },
  {
    name: 'a good request and an unknown method',
    bytes: (port) => `${send(port)}BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n`,
    statuses: [200, 501],
    unreadable: true,
  },
  {
    name: 'a good request and headers without an end',
    bytes: (port) => `${send(port)}GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`,
    statuses: [200, 431],
    unreadable: true,
  },
  // Bodies that cannot be read
  { name: 'a broken chunk', bytes: (port) => sendChunks(port, '3\r\n{"a\r\nzz\r\n'), statuses: [400] },
  {
    name: 'a broken chunk behind a good request',
    bytes: (port) => send(port) + sendChunks(port, 'zz\r\n'),
    statuses: [200, 400],
  },
  {
    name: 'chunk extensions without an end',
    bytes: (port) => sendChunks(port, `1;x=${'x'.repeat(20_000)}`),
    statuses: [413],
  },
  {
    name: 'a broken body that nobody reads',
    bytes: (port) => `GET ${port.target} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    statuses: [200],
  },
  // Two lengths of a body
  {
    name: 'Content-Length twice',
    bytes: (port) => `${get(port)}POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\nabcd`,
    statuses: [200, 400],
    unreadable: true,
  },
  {
    name: 'Transfer-Encoding and Content-Length',
    bytes: () => 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n',
    statuses: [400],
    unreadable: true,
  },
  // Host
  { name: 'a Host with a space', bytes: (port) => withHost(port, 'Host: a b\r\n'), statuses: [400] },
  { name: 'a Host with a user', bytes: (port) => withHost(port, 'Host: me@example.com\r\n'), statuses: [400] },
  { name: 'a Host with a path', bytes: (port) => withHost(port, 'Host: example.com/x\r\n'), statuses: [400] },
  { name: 'a Host with two ports', bytes: (port) => withHost(port, 'Host: example.com:1:2\r\n'), statuses: [400] },
  { name: 'a list of Hosts', bytes: (port) => withHost(port, 'Host: a.example, b.example/\r\n'), statuses: [400] },
  { name: 'a Host with half a percent-encoding', bytes: (port) => withHost(port, 'Host: a%2\r\n'), statuses: [400] },
  { name: 'no Host', bytes: (port) => withHost(port, ''), statuses: [400] },
  { name: 'two Hosts', bytes: (port) => withHost(port, 'Host: x\r\nHost: x\r\n'), statuses: [400] },
  {
    name: 'HTTP/1.0 with two Hosts',
    bytes: (port) => withHost(port, 'Host: x\r\nhost: y\r\n', '1.0'),
    statuses: [400],
  },
  { name: 'HTTP/1.0 with a wrong Host', bytes: (port) => withHost(port, 'Host: a b\r\n', '1.0'), statuses: [400] },
  {
    name: 'a second Host behind two thousand headers',
    bytes: (port) => withHost(port, `Host: x\r\n${'a:\r\n'.repeat(2_000)}Host: y\r\n`),
    statuses: [400],
  },
  {
    name: 'a wrong Host and a wrong path',
    bytes: () => 'GET /%zz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
    statuses: [400],
  },
  { name: 'HTTP/1.0 without a Host', bytes: (port) => withHost(port, '', '1.0'), statuses: [200] },
  ...['', 'x', 'EXAMPLE.com:8080', '10.0.0.1', '[2001:db8::1]:80', 'a_b.example', 'x:', 'a%20b'].map((host) => ({
    name: `a Host like ${JSON.stringify(host)}`,
    bytes: (port: Port) => withHost(port, `Host: ${host}\r\n`),
    statuses: [200],
  })),
];
