// Stands for the one call that Argo CD's generator of pull requests makes to GitHub: the list of the open ones.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

/** An open pull request, as far as the generator reads it. */
export interface PullRequest {
  readonly number: number;
  readonly branch: string;
  /** Its newest commit. */
  readonly commit: string;
  readonly labels: readonly string[];
}

export interface PullRequestsStandIn {
  /** http://127.0.0.1:PORT/, for `api` of the generator. */
  readonly url: string;
  /** The open pull requests from now on; a number is the status of an answer that fails. */
  answer: readonly PullRequest[] | number;
  /** How many lists it has given out. */
  readonly lists: number;
}

/**
 * Starts it on loopback; it ends with the test.
 * @param repository owner/name, of which it has pull requests
 * @param token without which it answers 401
 */
export async function standInPullRequests(t: Test, repository: string, token: string): Promise<PullRequestsStandIn> {
  const state = { url: '', answer: [] as PullRequestsStandIn['answer'], lists: 0 };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const { answer } = state;
    const status = (): number => {
      if (request.headers.authorization !== `Bearer ${token}`) return 401;
      if (pathname !== `/api/v3/repos/${repository}/pulls`) return 404;
      return typeof answer === 'number' ? answer : 200;
    };
    const code = status();
    response.writeHead(code, { 'content-type': 'application/json' });
    if (code !== 200 || typeof answer === 'number') {
      response.end(JSON.stringify({ message: `stand-in: ${code}` }));
      return;
    }
    state.lists += 1;
    response.end(JSON.stringify(answer.map(described)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return state;
}

const described = ({ number, branch, commit, labels }: PullRequest): object => ({
  number,
  title: `Pull request ${number}`,
  state: 'open',
  user: { login: 'developer' },
  labels: labels.map((name) => ({ name })),
  head: { ref: branch, sha: commit },
  base: { ref: 'main', sha: '0'.repeat(40) },
});

/** A pull request with the label of previews, and another one. */
export const labelled = (number: number, branch: string, commit: string): PullRequest => ({
  ...{ number, branch, commit },
  labels: ['bug', 'preview'],
});

/** The image of a preview on this machine; nobody pushes it. */
export const imageOf = (commit: string): string => `registry.internal/preview/fastify-service:${commit}`;
