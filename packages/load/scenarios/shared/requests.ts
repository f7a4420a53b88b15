import exec from 'k6/execution';
import http, { type RefinedParams, type ResponseType } from 'k6/http';
import { Rate } from 'k6/metrics';
import { type Kind, schedule } from './mix.ts';
import { settings } from './settings.ts';

// Requests that failed and were not refused in order, by 503 with Retry-After.
const lost = new Rate('http_req_lost');

/**
 * A network that no other request names: counted from the millisecond in which the phase began, which is ahead of all
 * earlier phases and runs as long as less than a thousand requests are sent in a second.
 */
const unseen = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}/32`;

/**
 * What each iteration does: one request. Which one follows from its number alone, so that two runs ask the same.
 * @param newConnectionEvery every so many requests ask to close their connection, so that the next opens one
 */
export function requestsOf(kinds: readonly Kind[], newConnectionEvery = Infinity): () => void {
  const order = schedule(kinds);
  const expected = new Map(kinds.map(({ status }) => [status, http.expectedStatuses(status)]));
  return () => {
    const n = exec.scenario.iterationInTest;
    const kind = order[n % order.length];
    if (kind === undefined) throw new Error('there are no requests to send');
    const { path, body } = kind.ask(n, unseen(exec.scenario.startTime + n));
    const headers: Record<string, string> = {};
    if (settings.host !== undefined) headers.Host = settings.host;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (n % newConnectionEvery === newConnectionEvery - 1) headers.Connection = 'close';
    const params: RefinedParams<ResponseType> = { headers };
    const responseCallback = expected.get(kind.status);
    if (responseCallback !== undefined) params.responseCallback = responseCallback;
    // In the samples, and no part of what k6 sums up by.
    exec.vu.metrics.metadata.path = path;
    const text = body === undefined ? null : JSON.stringify(body);
    const { status, headers: answer } = http.request(kind.method, `${settings.address}${path}`, text, params);
    lost.add(status !== kind.status && !(status === 503 && answer['Retry-After'] !== undefined));
  };
}

/** The summary at the end goes to a file; what people read is made from that and from the samples. */
export function handleSummary(data: unknown): Record<string, string> {
  const { SUMMARY = 'stdout' } = __ENV;
  return { [SUMMARY]: JSON.stringify(data) };
}
