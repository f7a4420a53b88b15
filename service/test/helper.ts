import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { readConfig } from '../src/config.ts';
import { createLogger } from '../src/request-log.ts';
import { buildService, type Service } from '../src/service.ts';

/** The shipped bundle; `pnpm --filter service test` builds it first. */
export const bundle = resolve(import.meta.dirname, '../dist/main.js');

export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

/** The service within the test's process, with its log in memory; closed with the test. */
export async function build(
  t: Test,
  env: Readonly<Record<string, string>> = {},
  { now = Date.now }: { now?: () => number } = {},
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
    config,
    now,
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

  /** What stands after the beginning of a line of the log, once it is there. */
  async function logged(beginning: string): Promise<string> {
    for (;;) {
      const found = log.find(({ msg }) => msg.startsWith(beginning));
      if (found !== undefined) return found.msg.slice(beginning.length);
      const line = await Promise.race([once(lines, 'line', { signal: AbortSignal.timeout(10_000) }), ended]);
      if (child.exitCode !== null && line.length > 1)
        throw new Error(`it ended with ${child.exitCode} before it logged "${beginning}": ${await complaints}`);
    }
  }

  return {
    child,
    log,
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
