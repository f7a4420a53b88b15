// The local Git server: git's own http-backend behind HTTP on loopback, and the webhook that a push sends to Argo CD,
// as GitHub would. It also logs what Argo CD's notifications say, in the place of a chat. A separate program: node git-server.ts REPOSITORY PORT WEBHOOK_URL...
import { spawnSync } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { basename, dirname } from 'node:path';
import { json } from 'node:stream/consumers';
import { answerByGit } from '@gitops/delivery/http-backend';
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

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', repositoryURL);
  if (url.pathname === '/healthz') {
    response.end('ok\n');
    return;
  }
  if (url.pathname === '/notifications' && request.method === 'POST') {
    const { text } = (await json(request)) as { text?: string };
    log(`notification: ${text ?? 'without a text'}`);
    response.end();
    return;
  }
  const isPush = url.pathname.endsWith('/git-receive-pack') && request.method === 'POST';
  const before = isPush ? readBranches() : new Map<string, string>();
  await answerByGit(request, response, {
    root: dirname(repository),
    path: decodeURIComponent(url.pathname),
    onError: (text) => {
      log(text.trim());
    },
  });
  if (isPush) announce(before);
}

createServer((request, response) => void serve(request, response)).listen(port, '127.0.0.1', () => {
  log(`serving ${repositoryURL}`);
});
