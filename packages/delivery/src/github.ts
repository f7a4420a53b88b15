import { CommandError, messageOf } from '@gitops/report/errors';
import { githubToken, repositoryOf } from './clone.ts';
import { oneLine } from './message.ts';
import { shownURL } from './remote.ts';

// The few calls of GitHub's REST API that this package needs (version 2022-11-28).

export interface PullRequest {
  readonly number: number;
  readonly html_url: string;
  readonly title: string;
  readonly body: string | null;
  readonly head: { readonly ref: string; readonly repo: { readonly full_name: string } | null };
}

export interface Comment {
  readonly id: number;
  readonly body: string;
  readonly user: { readonly login: string; readonly type: string } | null;
}

export interface GitHub {
  /** owner/name */
  readonly repository: string;
  /** The name of the token's user; undefined for a token of an app, such as that of a workflow. */
  login(): Promise<string | undefined>;
  /** Open pull requests into main, from forks as well. */
  pullRequests(): Promise<PullRequest[]>;
  createPullRequest(pull: { title: string; body: string; branch: string }): Promise<PullRequest>;
  updatePullRequest(number: number, change: { title?: string; body?: string; state?: 'closed' }): Promise<void>;
  comments(number: number): Promise<Comment[]>;
  createComment(number: number, body: string): Promise<{ readonly html_url: string }>;
  updateComment(id: number, body: string): Promise<{ readonly html_url: string }>;
  deleteComment(id: number): Promise<void>;
}

/** GitHub refused a call. */
export class GitHubError extends CommandError {
  readonly status: number;

  constructor(status: number, problem: string) {
    super(
      problem,
      status === 404 || status === 403 ? 'check the permissions of GITHUB_TOKEN' : 'run the command again',
    );
    this.name = 'GitHubError';
    this.status = status;
  }
}

/**
 * GitHub for the repository of a remote, by GITHUB_TOKEN, GITHUB_API_URL and GITHUB_REPOSITORY.
 * @param url the remote's address, which names the repository where GITHUB_REPOSITORY does not
 * @returns undefined without a token
 * Throws UsageError for an empty token, and CommandError where the repository's name is not known.
 */
export function openGitHub(url: string): GitHub | undefined {
  const token = githubToken();
  if (token === undefined) return undefined;
  const { GITHUB_API_URL: api = 'https://api.github.com' } = process.env;
  const repository = process.env.GITHUB_REPOSITORY ?? repositoryOf(url);
  if (repository === undefined || !/^[\w.-]+\/[\w.-]+$/.test(repository))
    throw new CommandError(
      `${shownURL(url)} does not say which repository of GitHub it is`,
      'set GITHUB_REPOSITORY to owner/name',
    );
  return clientOf(api.replace(/\/$/, ''), token, repository);
}

const PAGE = 100;
const PATIENCE = 30_000;

function clientOf(api: string, token: string, repository: string): GitHub {
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${api}${path}`, {
        method,
        headers: {
          Accept: 'application/vnd.github+json',
          Authorization: `Bearer ${token}`,
          'User-Agent': 'gitops-platform-delivery',
          'X-GitHub-Api-Version': '2022-11-28',
        },
        signal: AbortSignal.timeout(PATIENCE),
        redirect: 'error',
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (error) {
      throw new CommandError(`GitHub does not answer at ${api}: ${messageOf(error)}`, 'run the command again');
    }
    if (!response.ok) throw new GitHubError(response.status, refusal(method, path, response.status, text));
    try {
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch {
      throw new CommandError(`${api} answers ${method} ${path} with what is no JSON`, 'check GITHUB_API_URL');
    }
  };
  const all = async <T>(path: string): Promise<T[]> => {
    const items: T[] = [];
    for (let page = 1; ; page += 1) {
      const more = await call<T[]>('GET', `${path}${path.includes('?') ? '&' : '?'}per_page=${PAGE}&page=${page}`);
      items.push(...more);
      if (more.length < PAGE) return items;
    }
  };
  const at = `/repos/${repository}`;

  return {
    repository,
    login: async () => {
      try {
        return (await call<{ login: string }>('GET', '/user')).login;
      } catch (error) {
        if (error instanceof GitHubError && error.status === 403) return undefined;
        throw error;
      }
    },
    pullRequests: async () => all(`${at}/pulls?state=open&base=main`),
    createPullRequest: async ({ title, body, branch }) =>
      call('POST', `${at}/pulls`, { title, body, head: branch, base: 'main', maintainer_can_modify: false }),
    updatePullRequest: async (number, change) => {
      await call('PATCH', `${at}/pulls/${number}`, change);
    },
    comments: async (number) => all(`${at}/issues/${number}/comments`),
    createComment: async (number, body) => call('POST', `${at}/issues/${number}/comments`, { body }),
    updateComment: async (id, body) => call('PATCH', `${at}/issues/comments/${id}`, { body }),
    deleteComment: async (id) => {
      await call('DELETE', `${at}/issues/comments/${id}`);
    },
  };
}

/** What GitHub says about a refused call, as one line. */
function refusal(method: string, path: string, status: number, text: string): string {
  let why = text;
  try {
    const { message, errors = [] } = JSON.parse(text) as { message?: string; errors?: { message?: string }[] };
    why = [message, ...errors.map((error) => error.message)].filter((each) => each !== undefined).join('; ');
  } catch {
    // An answer of a proxy in between.
  }
  return `GitHub answers ${method} ${path.split('?')[0] ?? ''} with ${status}: ${oneLine(why).slice(0, 300)}`;
}
