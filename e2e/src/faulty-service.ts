// What an image of a drill runs: a service with the ports and probes of ours, and the faults that fault.json beside it
// names. Each fault is an image of its own, as a bad release is.
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Fault {
  /** Ends with code 1 before it listens. */
  readonly crash?: boolean;
  /** How long it takes until it listens. */
  readonly startSeconds?: number;
  /** Memory that it takes each tenth of a second and never gives back. */
  readonly leakMebibytes?: number;
  /** How long it is ready. */
  readonly readySeconds?: number;
}

async function serve({ crash, startSeconds, leakMebibytes, readySeconds }: Fault): Promise<void> {
  const { HOST: host, PORT: port = '8080', ADMIN_PORT: adminPort = '9090' } = process.env;
  process.once('SIGTERM', () => process.exit(0));
  process.stdout.write(`faulty-service ${process.pid} starts\n`);
  if (crash === true) throw new Error('this release crashes');
  await sleep((startSeconds ?? 0) * 1000);
  const start = Date.now();
  const isReady = (): boolean => Date.now() - start < (readySeconds ?? Infinity) * 1000;
  const admin: RequestListener = (request, response) => {
    response.writeHead(request.url === '/readyz' && !isReady() ? 503 : 200).end();
  };
  createServer((_, response) => response.end(`${process.pid}\n`)).listen(Number(port), host);
  createServer(admin).listen(Number(adminPort), host);
  const leak: Buffer[] = [];
  if (leakMebibytes !== undefined) setInterval(() => leak.push(Buffer.alloc(leakMebibytes * 2 ** 20, 1)), 100);
}

if (import.meta.main) await serve(JSON.parse(readFileSync(join(import.meta.dirname, 'fault.json'), 'utf8')) as Fault);
