// Requests on a schedule, whatever is outstanding: as a crowd of clients that do not know of each other.
// Usage: node open-loop.ts '<OpenLoop as JSON>'   prints an OpenLoopResult as JSON
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { type RequestKind, requestKinds } from './requests.ts';

export interface OpenLoop {
  readonly url: string;
  readonly kind: RequestKind;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  /** At most so many connections, all kept alive; as many as there are requests outstanding where left out. */
  readonly connections?: number;
  /** Connections that are open already when the load begins, as those of earlier requests are; none where left out. */
  readonly opened?: number;
}

/** Times in milliseconds, from when a request was due. */
export interface OpenLoopResult {
  readonly sent: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests given up at the deadline. */
  readonly missed: number;
  /** Connections that broke, by error code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of answers with status 200; NaN where there was none. */
  readonly p50: number;
  readonly p99: number;
  /** The latest that a request was sent after it was due: how far the load itself fell behind. */
  readonly lag: number;
}

/** What a client waits for its answer, in milliseconds. */
const DEADLINE = 1000;

const { url, kind, rate, seconds, connections = Infinity, opened = 0 } = JSON.parse(process.argv[2] ?? '') as OpenLoop;
const { hostname, port } = new URL(url);
const make = requestKinds[kind];
// Every connection in turn: each stands for other clients.
const agent = new Agent({ keepAlive: true, scheduling: 'fifo', maxSockets: connections, maxFreeSockets: Infinity });
// Somewhere else each time, so that no request of this run equals one of the run before.
const first = Math.floor(Math.random() * 2 ** 31);
const total = Math.round(rate * seconds);
const statuses: Record<string, number> = {};
const errors: Record<string, number> = {};
const latencies: number[] = [];
let [sent, over, missed, lag] = [0, 0, 0, 0];

function send(number: number, due: number): void {
  const { method, path, body } = make(number);
  const headers =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  let settled = false;
  const settle = (): boolean => {
    if (settled) return false;
    settled = true;
    clearTimeout(timer);
    over += 1;
    return true;
  };
  const fail = (error: NodeJS.ErrnoException): void => {
    if (!settle()) return;
    const name = error.code ?? error.message;
    errors[name] = (errors[name] ?? 0) + 1;
  };
  const outgoing = request({ hostname, port, agent, method, path, headers }, (response) => {
    response.on('error', fail).on('end', () => {
      if (!settle()) return;
      const status = response.statusCode ?? 0;
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status === 200) latencies.push(performance.now() - due);
    });
    response.resume();
  });
  const timer = setTimeout(
    () => {
      if (settle()) missed += 1;
      outgoing.destroy();
    },
    due + DEADLINE - performance.now(),
  );
  outgoing.on('error', fail).end(body);
}

/** The smallest value that a share of all does not exceed. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

/** Opens connections with a cheap request on each. */
async function open(count: number): Promise<void> {
  const { method, path } = requestKinds.network();
  const answered = Array.from({ length: count }, async () => {
    const [response] = (await once(request({ hostname, port, agent, method, path }).end(), 'response')) as [
      IncomingMessage,
    ];
    await once(response.resume(), 'end');
  });
  await Promise.all(answered);
}

await open(opened);
const start = performance.now();
const ticker = setInterval(() => {
  for (
    let due = start + (sent * 1000) / rate;
    sent < total && due <= performance.now();
    due = start + (sent * 1000) / rate
  ) {
    lag = Math.max(lag, performance.now() - due);
    send(first + sent, due);
    sent += 1;
  }
  if (over < total) return;
  clearInterval(ticker);
  agent.destroy();
  latencies.sort((a, b) => a - b);
  process.stdout.write(
    JSON.stringify({
      sent,
      statuses,
      missed,
      errors,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      lag,
    } satisfies OpenLoopResult),
  );
}, 1);
