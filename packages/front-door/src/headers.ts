import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** They are for one connection and not passed on (RFC 9110 §7.6.1), nor is an upgrade. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // Answered by the front door itself.
  'expect',
]);

const REPLACED = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-amzn-trace-id']);

/** What `routing.http.drop_invalid_header_fields.enabled` lets through: letters, digits and hyphens. */
const VALID_NAME = /^[A-Za-z0-9-]+$/;

/** Random once: random digits for each request would be a good part of its work. */
const instance = randomBytes(8).toString('hex');
let count = 0;

function identifier(): string {
  count = (count + 1) % 2 ** 32;
  return `1-${Math.floor(Date.now() / 1000).toString(16)}-${instance}${count.toString(16).padStart(8, '0')}`;
}

/** X-Amzn-Trace-Id ("Request tracing"): a new Root, or a new Self before what the client sent. */
export function traceHeader(given: string | undefined): string {
  if (given === undefined || !/(^|;)Root=/.test(given)) return `Root=${identifier()}`;
  const others = given.split(';').filter((field) => !field.startsWith('Self='));
  return [`Self=${identifier()}`, ...others].join(';');
}

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value;

/** The addresses that a client's X-Forwarded-For names. */
export const forwardedAddresses = ({ headers }: IncomingMessage): number =>
  single(headers['x-forwarded-for'])?.split(',').length ?? 0;

/**
 * The headers of the request to the target, names and values by turns: those of the client, and the ones that an ALB adds
 * ("HTTP headers and Application Load Balancers").
 */
export function requestHeaders(request: IncomingMessage, dropsInvalid: boolean): string[] {
  const { rawHeaders, headers: given, socket } = request;
  const headers: string[] = [];
  const named = (single(given.connection) ?? '').toLowerCase();
  const others = named === '' || named === 'keep-alive' || named === 'close' ? [] : named.split(/\s*,\s*/);
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || REPLACED.has(key) || others.includes(key)) continue;
    if (dropsInvalid && !VALID_NAME.test(name)) continue;
    headers.push(name, rawHeaders[index + 1] ?? '');
  }
  const client = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const forwarded = single(given['x-forwarded-for']);
  headers.push('X-Forwarded-For', forwarded === undefined ? client : `${forwarded}, ${client}`);
  headers.push('X-Forwarded-Proto', 'http', 'X-Forwarded-Port', String(socket.localPort));
  headers.push('X-Amzn-Trace-Id', traceHeader(single(given['x-amzn-trace-id'])));
  return headers;
}

/**
 * The headers of the answer to the client, from those of the target, names and values by turns. Connection is said in so
 * many words, or Node.js would add a Keep-Alive with a timeout, which an ALB does not send.
 */
export function responseHeaders(raw: readonly (Buffer | string)[], isKept: boolean): string[] {
  const headers = ['Connection', isKept ? 'keep-alive' : 'close'];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index]?.toString('latin1') ?? '';
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers.push(name, raw[index + 1]?.toString('latin1') ?? '');
  }
  return headers;
}
