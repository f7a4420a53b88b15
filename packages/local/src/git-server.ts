// The local Git server: git's own http-backend behind HTTP on loopback, and the webhook that a push sends to Argo CD,
// as GitHub would. A program of its own: node git-server.ts REPOSITORY PORT WEBHOOK_URL...
import { spawn, spawnSync } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename, dirname } from 'node:path';
import { pushPayload } from './webhook.ts';

const [repository = '', portText = '', ...webhooks] = process.argv.slice(2);
const port = Number(portText);
const repositoryURL = `http://127.0.0.1:${port}/${basename(repository)}`;

const log = (text: string): void => {
  console.log(`${new Date().toISOString()} ${text}`);
};

function branches(): Map<string, string> {
  const { stdout } = spawnSync(
    'git',
    ['--git-dir', repository, 'for-each-ref', '--format=%(refname) %(objectname)', 'refs/heads'],
    { encoding: 'utf8' },
  );
  return new Map(
    stdout
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ') as [string, string]),
  );
}

async function deliver(ref: string, before: string | undefined, after: string): Promise<void> {
  const body = JSON.stringify(pushPayload({ repository, repositoryURL, ref, before, after }));
  await Promise.all(
    webhooks.map(async (url) => {
      try {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', 'X-GitHub-Event': 'push' },
          body,
        });
        await response.arrayBuffer();
        log(`webhook ${url} ${ref} ${after.slice(0, 7)}: ${response.status}`);
      } catch (error) {
        // As with GitHub: the push stands, the delivery failed, and Argo CD's own polling finds the commit later.
        log(`webhook ${url} ${ref} ${after.slice(0, 7)} failed: ${String(error)}`);
      }
    }),
  );
}

/** One request by the CGI protocol (RFC 3875). */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', repositoryURL);
  if (url.pathname === '/healthz') {
    response.end('ok\n');
    return;
  }
  const pushes = url.pathname.endsWith('/git-receive-pack') && request.method === 'POST';
  const before = pushes ? branches() : new Map<string, string>();
  const header = (name: string): string => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : '';
  };
  const backend = spawn('git', ['http-backend'], {
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
      ...(header('content-length') === '' ? {} : { CONTENT_LENGTH: header('content-length') }),
    },
  });
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
    let status = 200;
    for (const line of head.subarray(0, end).toString('latin1').split('\r\n')) {
      const [name = '', ...value] = line.split(': ');
      if (name.toLowerCase() === 'status') status = parseInt(value.join(': '), 10);
      else response.setHeader(name, value.join(': '));
    }
    response.writeHead(status);
    response.write(head.subarray(end + 4));
    backend.stdout.pipe(response);
  };
  backend.stdout.on('data', readHead);
  backend.on('close', () => {
    if (!response.headersSent) response.writeHead(502).end();
    if (!pushes) return;
    for (const [ref, after] of branches()) {
      if (before.get(ref) !== after) void deliver(ref, before.get(ref), after);
    }
  });
}

createServer(serve).listen(port, '127.0.0.1', () => {
  log(`serving ${repositoryURL}`);
});
