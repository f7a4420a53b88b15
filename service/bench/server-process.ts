import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CORES, startNode } from './children.ts';

/** A server that is measured: a process of its own on the first core. */
export interface ServerProcess {
  readonly url: string;
  readonly adminURL: string;
  /** From the start of the process until it took connections. */
  readonly bootMilliseconds: number;
  /** User and system time so far, in seconds. */
  readonly cpu: () => number;
  /** The most memory that was resident so far, in MB. */
  readonly peakMemory: () => number;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** The exit code; null after a signal. */
  readonly ended: Promise<number | null>;
}

// Ticks of /proc/<pid>/stat in a second; 100 on every Linux that Node runs on.
const TICKS = 100;
const BOOT_LIMIT_MS = 20_000;

/**
 * Starts `node <args>` with PORT and ADMIN_PORT set and waits until it takes connections. Its output is read and thrown
 * away.
 */
export async function startServer(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const start = performance.now();
  const child = startNode(CORES.measured, args, {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      ...env,
      PORT: String(port),
      ADMIN_PORT: String(adminPort),
    },
    // A pipe, as in a container.
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout?.resume();
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const { pid } = child;
  if (pid === undefined) throw new Error('taskset is needed to measure (util-linux)');
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null) throw new Error(`node ${args.join(' ')} ended with ${child.exitCode}`);
    if (performance.now() - start > BOOT_LIMIT_MS)
      throw new Error(`node ${args.join(' ')} does not listen after ${BOOT_LIMIT_MS} ms`);
    await sleep(1);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    adminURL: `http://127.0.0.1:${adminPort}`,
    bootMilliseconds: performance.now() - start,
    cpu() {
      // The name in the second field may hold spaces; user and system time are fields 14 and 15.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) / TICKS;
    },
    peakMemory: () => (Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024) / 1e6,
    kill: (signal) => child.kill(signal),
    ended,
  };
}

/** Ends servers at once and waits until they are gone. */
export async function endServers(servers: Iterable<ServerProcess>): Promise<void> {
  await Promise.all(
    [...servers].map(async (server) => {
      server.kill('SIGKILL');
      await server.ended;
    }),
  );
}

/** A port that nobody has at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
