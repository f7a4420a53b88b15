import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname } from 'node:path';
import type { Test } from 'tap';

/** git's own http-backend behind HTTP on loopback, by the CGI protocol (RFC 3875): a real Git server. */
export interface GitHost {
  readonly url: string;
  /** Requests that carried the password, by their Authorization header. */
  readonly logins: string[];
}

interface Backend {
  readonly repository: string;
  /** The Authorization header to ask for; anybody may push without it. */
  readonly authorization?: string | undefined;
}

/** Serves a bare repository until the test ends. */
export async function host(t: Pick<Test, 'teardown'>, backend: Backend): Promise<GitHost> {
  const logins: string[] = [];
  const server = createServer((request, response) => {
    const { authorization = '' } = request.headers;
    if (authorization !== '') logins.push(authorization);
    if (backend.authorization !== undefined && authorization !== backend.authorization) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
      return;
    }
    answer(backend.repository, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/${basename(backend.repository)}`, logins };
}

function answer(repository: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const { headers } = request;
  const program = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      HOME: dirname(repository),
      GIT_PROJECT_ROOT: dirname(repository),
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      HTTP_GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
      ...(headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: headers['content-length'] }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(program.stdin);
  program.stdin.on('error', () => undefined);
  let head = Buffer.alloc(0);
  const readHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    program.stdout.off('data', readHead);
    let status = 200;
    for (const line of head.subarray(0, end).toString('latin1').split('\r\n')) {
      const [name = '', ...value] = line.split(': ');
      if (name.toLowerCase() === 'status') status = parseInt(value.join(': '), 10);
      else response.setHeader(name, value.join(': '));
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
    program.stdout.pipe(response);
  };
  program.stdout.on('data', readHead);
  program.on('close', () => {
    if (!response.headersSent) response.writeHead(502).end();
  });
}
