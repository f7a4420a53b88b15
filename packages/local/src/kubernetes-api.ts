import { readFileSync } from 'node:fs';
import { request as send } from 'node:https';
import { join } from 'node:path';
import { clusterFolder } from './components.ts';
import type { Instance } from './instance.ts';

/**
 * A file that kwokctl made for the cluster: the certificate authority, and the certificate of the administrator, which
 * is also that of every server on loopback.
 */
export const pkiFile = (instance: Instance, name: 'ca.crt' | 'admin.crt' | 'admin.key'): string =>
  join(clusterFolder(instance), 'pki', name);

interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * Asks a server of the cluster on loopback, as the administrator and within two seconds: one kubectl for each look would
 * take longer than the look.
 * @returns status and body of the answer; undefined where there is none
 */
export const ask = async (instance: Instance, port: number, path: string): Promise<Answer | undefined> =>
  exchange(instance, port, path);

/** The same with an object to create. */
export const post = async (
  instance: Instance,
  port: number,
  path: string,
  object: object,
): Promise<Answer | undefined> => exchange(instance, port, path, JSON.stringify(object));

/** @param body sent by POST; without one, the request is a GET */
async function exchange(instance: Instance, port: number, path: string, body?: string): Promise<Answer | undefined> {
  let identity: Readonly<Record<'ca' | 'cert' | 'key', Buffer>>;
  try {
    const [ca, cert, key] = (['ca.crt', 'admin.crt', 'admin.key'] as const).map((name) =>
      readFileSync(pkiFile(instance, name)),
    ) as [Buffer, Buffer, Buffer];
    identity = { ca, cert, key };
  } catch {
    // kwokctl has not made them yet.
    return undefined;
  }
  const method = body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' } };
  return new Promise((resolve) => {
    const request = send({ host: '127.0.0.1', port, path, timeout: 2000, ...identity, ...method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => {
        resolve(undefined);
      });
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => {
      resolve(undefined);
    });
    request.end(body);
  });
}

/** The items of a list of the Kubernetes API; undefined where it does not answer or has no such kind. */
export async function list<T>(instance: Instance, port: number, path: string): Promise<readonly T[] | undefined> {
  const answer = await ask(instance, port, path);
  return answer?.status === 200 ? (JSON.parse(answer.body) as { items: readonly T[] }).items : undefined;
}
