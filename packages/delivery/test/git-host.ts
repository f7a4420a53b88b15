import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname } from 'node:path';
import type { Test } from 'tap';
import { answerByGit } from '../src/http-backend.ts';

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
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://127.0.0.1').pathname);
    void answerByGit(request, response, { root: dirname(backend.repository), path });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/${basename(backend.repository)}`, logins };
}
