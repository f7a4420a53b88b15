import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';

export const root = resolve(import.meta.dirname, '../../..');

/** The folder of k6 and hey. */
export async function programs(): Promise<string> {
  const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false, builds: ['load'] });
  return bin;
}

/** The real service on loopback; its address. It sheds no load, since tests share a busy machine. */
export async function service(t: Test): Promise<string> {
  const settings = ['HOST=127.0.0.1', 'PORT=0', 'ADMIN_PORT=0', 'LOAD_SHEDDING=off', 'DRAIN_SECONDS=0'];
  // By way of env -i, so that tap does not measure its coverage, which slows it down.
  const child = spawn('env', ['-i', ...settings, process.execPath, join(root, 'service/src/main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const beginning = 'API at ';
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg } = JSON.parse(line) as { msg: string };
    if (!msg.startsWith(beginning)) continue;
    child.stdout.resume();
    return msg.slice(beginning.length);
  }
  throw new Error('the service ended before it listened');
}

/** A server on loopback; its address. */
export async function server(t: Test, listener: RequestListener): Promise<string> {
  const made = createServer(listener).listen(0, '127.0.0.1');
  t.teardown(() => {
    made.closeAllConnections();
    made.close();
  });
  await once(made, 'listening');
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

/** The program as make runs it, with a state folder of its own. */
export async function load(
  folder: string,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(root, 'packages/load/src/main.ts'), 'load', ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PLATFORM_LOCAL_DIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, stdout, stderr };
}
