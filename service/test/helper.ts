import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { readConfig } from '../src/config.ts';
import { networksApi } from '../src/networks.ts';
import { createLogger } from '../src/request-log.ts';
import { buildService, type Service, type ServiceOptions } from '../src/service.ts';

/** The shipped bundle; `pnpm --filter service test` builds it first. */
export const bundle = resolve(import.meta.dirname, '../dist/main.js');

export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

/** The service within the test's process, with its log in memory; closed with the test. */
export async function build(
  t: Test,
  env: Readonly<Record<string, string>> = {},
  options: Pick<ServiceOptions, 'now' | 'measures'> = {},
): Promise<Service & { lines: LogLine[]; requests: () => LogLine[] }> {
  const lines: LogLine[] = [];
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: '0',
    ADMIN_PORT: '0',
    DRAIN_SECONDS: '0',
    LOAD_SHEDDING: 'off',
    ...env,
  });
  const service = await buildService({
    api: networksApi,
    config,
    ...options,
    log: createLogger(config.LOG_LEVEL, { write: (line: string) => lines.push(JSON.parse(line) as LogLine) }),
  });
  t.teardown(async () => service.close({ drainSeconds: 0 }));
  return { ...service, lines, requests: () => lines.filter(({ msg }) => msg === 'request') };
}

/** The value of a series in the metrics, such as `cache_entries` or `a_total{b="c"}`; undefined where there is none. */
export async function metric({ metrics }: Service, series: string): Promise<number | undefined> {
  const line = (await metrics.registry.metrics()).split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** The bundle as a process of its own, with no environment but this; ended with the test at the latest. */
export function start(
  t: Test,
  env: Readonly<Record<string, string>> = {},
  { flags = [], file = bundle }: { flags?: readonly string[]; file?: string } = {},
) {
  // No shedding where it is not the point: a machine that runs many tests at once is overloaded.
  const settings = Object.entries({ HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', LOAD_SHEDDING: 'off', ...env }).map(
    ([name, value]) => `${name}=${value}`,
  );
  // By way of env -i, which becomes what it starts: tap would else measure the coverage of the bundle, and slow it
  // down.
  const child = spawn('env', ['-i', ...settings, process.execPath, ...flags, file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const complaints = text(child.stderr);
  const log: LogLine[] = [];
  const lines = createInterface({ input: child.stdout }).on('line', (line) => log.push(JSON.parse(line) as LogLine));

  /** The first line that is as asked, once it is there. */
  async function line(matches: (line: LogLine) => boolean): Promise<LogLine> {
    for (let over = false; ;) {
      const found = log.find(matches);
      if (found !== undefined) return found;
      if (over) throw new Error(`it ended with ${String(child.exitCode)} before it logged that: ${await complaints}`);
      // A line is one value, an end two. Long, for a machine that runs many tests at once.
      const next = await Promise.race([once(lines, 'line', { signal: AbortSignal.timeout(30_000) }), ended]);
      over = next.length > 1;
    }
  }

  /** What stands after the beginning of a line of the log, once it is there. */
  async function logged(beginning: string): Promise<string> {
    return (await line(({ msg }) => msg.startsWith(beginning))).msg.slice(beginning.length);
  }

  return {
    child,
    log,
    line,
    logged,
    /** Both addresses, once it listens. */
    async listening() {
      const admin = await logged('admin port at ');
      return { admin, api: await logged('API at ') };
    },
    complaints,
    ended,
  };
}

/**
 * Sends bytes to a port and gives everything that comes back until the other side closes, or until it has been silent
 * for `silence` milliseconds.
 */
export async function exchange(
  url: string,
  bytes: string | Buffer,
  { silence = 300 }: { silence?: number } = {},
): Promise<{ text: string; closed: boolean }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let received = '';
  return await new Promise((done, fail) => {
    const finish = (closed: boolean): void => {
      socket.destroy();
      done({ text: received, closed });
    };
    socket.setTimeout(silence, () => {
      finish(false);
    });
    socket.on('data', (chunk) => (received += chunk.toString('latin1')));
    socket.on('end', () => {
      finish(true);
    });
    // A reset after an answer is how a server ends a connection on which more is still coming.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') finish(true);
      else fail(error);
    });
    socket.write(bytes);
  });
}

/** An answer as it came over the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The answers in what a server sent. */
export function answersIn(text: string): Answer[] {
  return text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((part) => part !== '')
    .map((part) => {
      const end = part.indexOf('\r\n\r\n');
      const [first = '', ...lines] = part.slice(0, end).split('\r\n');
      const headers = lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      });
      return { status: Number(first.slice(9, 12)), headers: Object.fromEntries(headers), body: part.slice(end + 4) };
    });
}

/** Sends so many requests, in thousands, over kept connections: a line of some 200 bytes each. */
export async function sendMany(api: string, requests: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const ask = async (): Promise<void> =>
    new Promise((done, fail) => {
      get(`${api}/v1/networks/10.0.0.0/8`, { agent }, (response) => response.resume().on('end', done)).on(
        'error',
        fail,
      );
    });
  for (let sent = 0; sent < requests; sent += 1_000) await Promise.all(Array.from({ length: 1_000 }, ask));
  agent.destroy();
}
