import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** How git's http-backend answers a request. */
export interface BackendOptions {
  /** The folder that paths are relative to: of bare repositories, or one of them. */
  readonly root: string;
  /** What is asked for below it, such as /repository.git/info/refs. */
  readonly path: string;
  /** The name of who asks, where it is known. */
  readonly user?: string;
  /** Gets what git says on standard error. */
  readonly onError?: (text: string) => void;
}

/**
 * Answers a request by git's own http-backend, by the CGI protocol (RFC 3875): a real Git server. Where git cannot be
 * started, the answer is 500, and where it says nothing, 502.
 * @returns when git has ended
 */
export async function answerByGit(
  request: IncomingMessage,
  response: ServerResponse,
  { root, path, user, onError = () => undefined }: BackendOptions,
): Promise<void> {
  const header = (name: string): string => String(request.headers[name] ?? '');
  const length = header('content-length');
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      HOME: root,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: path,
      QUERY_STRING: new URL(request.url ?? '/', 'http://127.0.0.1').search.slice(1),
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      HTTP_GIT_PROTOCOL: header('git-protocol'),
      REMOTE_ADDR: '127.0.0.1',
      ...(user === undefined ? {} : { REMOTE_USER: user }),
      ...(length === '' ? {} : { CONTENT_LENGTH: length }),
    },
  });
  backend.on('error', (error) => {
    onError(`git http-backend cannot be started: ${error.message}`);
    response.writeHead(500).end();
  });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => undefined);
  backend.stderr.setEncoding('utf8').on('data', onError);

  let head = Buffer.alloc(0);
  const readHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    backend.stdout.off('data', readHead);
    writeHead(response, head.subarray(0, end).toString('latin1'));
    response.write(head.subarray(end + 4));
    backend.stdout.pipe(response);
  };
  backend.stdout.on('data', readHead);
  await new Promise<void>((resolve) => {
    backend.on('close', () => {
      if (!response.headersSent) response.writeHead(502).end();
      resolve();
    });
  });
}

/** Turns the header of a CGI answer into that of an HTTP response. */
function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split('\r\n')) {
    const [name = '', ...value] = line.split(': ');
    if (name.toLowerCase() === 'status') status = parseInt(value.join(': '), 10);
    else response.setHeader(name, value.join(': '));
  }
  response.writeHead(status);
}
