// As many requests as a server answers: each connection sends its next one when it has the answer to the last.
// Usage: node closed-loop.ts '<ClosedLoop as JSON>'   prints a ClosedLoopResult as JSON
import autocannon from 'autocannon';
import { type RequestKind, requestKinds } from './requests.ts';

export interface ClosedLoop {
  readonly url: string;
  readonly kind: RequestKind;
  readonly connections: number;
  readonly seconds: number;
}

export interface ClosedLoopResult {
  readonly perSecond: number;
  readonly requests: number;
  /** Answers other than 2xx, and connections that broke. */
  readonly failed: number;
}

const { url, kind, connections, seconds } = JSON.parse(process.argv[2] ?? '') as ClosedLoop;
const make = requestKinds[kind];
// Somewhere else each time, so that no request of this run equals one of the run before.
let number = Math.floor(Math.random() * 2 ** 31);
// Only where requests differ: making one each time is the load's work, of which it has little to spare.
const request =
  make.length === 0
    ? { ...make(0) }
    : { setupRequest: () => ({ headers: { 'content-type': 'application/json' }, ...make(number++) }) };
const { requests, non2xx, errors } = await autocannon({ url, connections, duration: seconds, requests: [request] });
process.stdout.write(
  JSON.stringify({
    perSecond: requests.average,
    requests: requests.total,
    failed: non2xx + errors,
  } satisfies ClosedLoopResult),
);
