import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

interface Pull {
  number: number;
  title: string;
  body: string;
  state: string;
  head: { ref: string; repo: { full_name: string } };
  html_url: string;
}

interface Note {
  id: number;
  issue: number;
  body: string;
  user: { login: string; type: string };
  html_url: string;
}

/** A stand-in for GitHub's REST API: as much of pull requests and comments as packages/delivery calls. */
export interface StandInGitHub {
  readonly api: string;
  readonly pulls: Pull[];
  readonly comments: Note[];
  /** Method and path of each call. */
  readonly calls: string[];
  /** The answer to the next calls, in place of the real one. */
  failure: { status: number; body: string } | undefined;
}

export const TOKEN = 'stand-in-token';
export const REPOSITORY = 'acme/platform';

/** Runs until the test ends. @param login the token's user; undefined for the token of an app, as in a workflow */
export async function standInGitHub(t: Test, login?: string): Promise<StandInGitHub> {
  const state: { -readonly [Key in keyof StandInGitHub]: StandInGitHub[Key] } = {
    ...{ api: '', pulls: [], comments: [], calls: [], failure: undefined },
  };
  const me = login === undefined ? { login: 'github-actions[bot]', type: 'Bot' } : { login, type: 'User' };
  let last = 0;

  const answer = (method: string, url: URL, body: Record<string, string>): [number, unknown] => {
    const page = <T>(items: T[]): T[] => {
      const [size, number] = [Number(url.searchParams.get('per_page')), Number(url.searchParams.get('page'))];
      return items.slice(size * (number - 1), size * number);
    };
    const path = url.pathname.replace(`/repos/${REPOSITORY}`, '');
    const id = Number(/\d+/.exec(path)?.[0]);
    switch (`${method} ${path.replace(/\d+/, 'N')}`) {
      case 'GET /user':
        return login === undefined ? [403, { message: 'Resource not accessible by integration' }] : [200, me];
      case 'GET /pulls':
        return [200, page(state.pulls.filter((pull) => pull.state === 'open'))];
      case 'POST /pulls': {
        const number = (last += 1);
        const { title = '', body: text = '', head = '' } = body;
        const pull = {
          ...{ number, title, body: text, state: 'open', html_url: `https://github.com/${REPOSITORY}/pull/${number}` },
          head: { ref: head, repo: { full_name: REPOSITORY } },
        };
        state.pulls.push(pull);
        return [201, pull];
      }
      case 'PATCH /pulls/N':
        return [200, Object.assign(state.pulls.find(({ number }) => number === id) ?? {}, body)];
      case 'GET /issues/N/comments':
        return [200, page(state.comments.filter(({ issue }) => issue === id))];
      case 'POST /issues/N/comments': {
        const number = (last += 1);
        // GitHub keeps texts with the line ends of forms.
        const text = (body.body ?? '').replaceAll('\n', '\r\n');
        const note = { id: number, issue: id, body: text, user: me, html_url: `https://github.com/comment/${number}` };
        state.comments.push(note);
        return [201, note];
      }
      case 'PATCH /issues/comments/N':
        return [200, Object.assign(state.comments.find((note) => note.id === id) ?? {}, body)];
      case 'DELETE /issues/comments/N':
        state.comments.splice(0, Infinity, ...state.comments.filter((note) => note.id !== id));
        return [204, undefined];
      default:
        return [404, { message: 'Not Found' }];
    }
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    state.calls.push(`${request.method ?? ''} ${url.pathname}`);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      if (state.failure !== undefined) {
        response.writeHead(state.failure.status).end(state.failure.body);
        return;
      }
      const isKnown = request.headers.authorization === `Bearer ${TOKEN}`;
      const [status, result] = isKnown
        ? answer(request.method ?? '', url, (text === '' ? {} : JSON.parse(text)) as Record<string, string>)
        : [401, { message: 'Bad credentials' }];
      response.writeHead(status).end(result === undefined ? '' : JSON.stringify(result));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  state.api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}
