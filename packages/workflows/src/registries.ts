import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { forward } from './forward.ts';
import type { Owner } from './owner.ts';

// Registries that a job reaches by their own names, over TLS: a proxy that answers for these hosts and leads them to a
// registry on this machine. A program that heeds HTTPS_PROXY and SSL_CERT_FILE notices nothing, so no setting is needed.

/** A registry by its name, and what stands in its place. */
export interface Route {
  /** 111111111111.dkr.ecr.us-east-1.amazonaws.com */
  readonly host: string;
  /** host:port of the registry here. */
  readonly address: string;
  /** A repository that has another name here. */
  readonly renamed?: { readonly from: string; readonly to: string };
  /** `user:password`; anybody where undefined. */
  readonly account?: string;
}

export interface Registries {
  /** The environment by which programs find them. */
  readonly env: Readonly<Record<string, string>>;
  /** Hosts that were asked for and are not among them. */
  readonly refused: string[];
}

/**
 * Starts the proxy; it ends with its owner.
 * @param folder for the certificate
 * Throws Error where openssl is missing.
 */
export async function startRegistries(owner: Owner, folder: string, routes: readonly Route[]): Promise<Registries> {
  const { key, cert, file } = certificateOf(
    folder,
    routes.map(({ host }) => host),
  );
  const refused: string[] = [];
  const tls = createTlsServer({ key, cert }, (request, response) => {
    const route = routes.find(({ host }) => host === request.headers.host);
    if (route === undefined) response.writeHead(421).end();
    else answer(route, request, response);
  });
  const proxy = createServer((_, response) => response.writeHead(405).end());
  proxy.on('connect', ({ url = '' }: IncomingMessage, socket) => {
    const host = url.replace(/:443$/, '');
    if (routes.some((route) => route.host === host)) {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      tls.emit('connection', socket);
    } else {
      refused.push(url);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  owner.teardown(() => {
    tls.closeAllConnections();
    proxy.closeAllConnections();
    proxy.close();
  });
  const { port } = proxy.address() as AddressInfo;
  // pnpm takes the proxy for plain HTTP as well, by which it asks for vulnerabilities here.
  return { env: { HTTPS_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: '127.0.0.1', SSL_CERT_FILE: file }, refused };
}

function answer({ address, account, renamed }: Route, request: IncomingMessage, response: ServerResponse): void {
  const { authorization = '', host = '' } = request.headers;
  const isAllowed = account === undefined || authorization === `Basic ${Buffer.from(account).toString('base64')}`;
  if (!isAllowed) {
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="registry"' }).end('{"errors":[]}');
    return;
  }
  const path = request.url ?? '';
  const own = renamed === undefined ? path : path.replace(`/v2/${renamed.from}/`, `/v2/${renamed.to}/`);
  // The registry writes its own address, where an upload goes on, by these.
  forward(request, response, `http://${address}${own}`, { host, 'x-forwarded-proto': 'https' });
}

/** A certificate of a day for some hosts, signed by itself. */
function certificateOf(folder: string, hosts: readonly string[]): { key: string; cert: string; file: string } {
  const [key, file] = [join(folder, 'registries.key'), join(folder, 'registries.crt')];
  const names = hosts.map((host) => `DNS:${host}`).join();
  const { error, status, stderr } = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
      ...['-subj', '/CN=registries of a test', '-addext', `subjectAltName=${names}`, '-keyout', key, '-out', file],
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`openssl makes no certificate: ${error?.message ?? stderr}`);
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(file, 'utf8'), file };
}
