// The local Git server: git's own http-backend behind HTTP on loopback, and the webhook that a push sends to Argo CD,
// as GitHub would. A separate program: node git-server.ts REPOSITORY PORT WEBHOOK_URL...
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename, dirname } from 'node:path';
import { pushPayload } from './webhook.ts';

const [repository = '', portText = '', ...webhooks] = process.argv.slice(2);
const port = Number(portText);
const repositoryURL = `http://127.0.0.1:${port}/${basename(repository)}`;

const log = (text: string): void => {
  console.log(`${new Date().toISOString()} ${text}`);
};

/** The commit of each branch, by its full name. */
function readBranches(): Map<string, string> {
  const args = ['--git-dir', repository, 'for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads'];
  const { stdout } = spawnSync('git', args, { encoding: 'utf8' });
  const branches = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const [name = '', commit = ''] = line.split(' ');
    if (commit !== '') branches.set(name, commit);
  }
  return branches;
}

/** Sends one webhook. As with GitHub, a push succeeds even if this fails, and Argo CD's polling finds it later. */
async function sendWebhook(url: string, body: string, push: string): Promise<void> {
  const headers = { 'Content-Type': 'application/json', 'X-GitHub-Event': 'push' };
  try {
    const response = await fetch(url, { method: 'POST', headers, body });
    await response.arrayBuffer();
    log(`webhook ${url} ${push}: ${response.status}`);
  } catch (error) {
    log(`webhook ${url} ${push} failed: ${String(error)}`);
  }
}

/** Sends the webhooks of every branch that is not as it was. */
function announce(before: ReadonlyMap<string, string>): void {
  for (const [ref, after] of readBranches()) {
    if (before.get(ref) === after) continue;
    const body = JSON.stringify(pushPayload({ repository, repositoryURL, ref, before: before.get(ref), after }));
    for (const url of webhooks) void sendWebhook(url, body, `${ref} ${after.slice(0, 7)}`);
  }
}

/** Starts git's http-backend for a request, by the CGI protocol (RFC 3875). */
function startBackend(request: IncomingMessage, url: URL): ChildProcessWithoutNullStreams {
  const header = (name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  const length = header('content-length');
  return spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      HOME: dirname(repository),
      GIT_PROJECT_ROOT: dirname(repository),
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: header('content-type'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      HTTP_GIT_PROTOCOL: header('git-protocol'),
      REMOTE_ADDR: '127.0.0.1',
      ...(length === '' ? {} : { CONTENT_LENGTH: length }),
    },
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

function serve(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', repositoryURL);
  if (url.pathname === '/healthz') {
    response.end('ok\n');
    return;
  }
  const isPush = url.pathname.endsWith('/git-receive-pack') && request.method === 'POST';
  const before = isPush ? readBranches() : new Map<string, string>();
  const backend = startBackend(request, url);
  backend.on('error', (error) => {
    log(`git http-backend cannot be started: ${error.message}`);
    response.writeHead(500).end();
  });
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => undefined);
  backend.stderr.setEncoding('utf8').on('data', (text: string) => {
    log(text.trim());
  });

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
  backend.on('close', () => {
    if (!response.headersSent) response.writeHead(502).end();
    if (isPush) announce(before);
  });
}

createServer(serve).listen(port, '127.0.0.1', () => {
  log(`serving ${repositoryURL}`);
});
