import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { answerByGit } from '@gitops/delivery/http-backend';
import { answerAws, type EcrStandIn, type Ended } from './ecr.ts';
import { forward } from './forward.ts';
import type { Owner } from './owner.ts';
import { environmentOf, type Job } from './read.ts';

// The stand-in of GitHub and AWS for jobs that act runs. Git is real (git's own http-backend, or another Git server). Its
// API knows pull requests and comments, and gives each job the permissions of its workflow file, which act does not. AWS
// gives keys of a role to a job whose OIDC token the role's trust policy allows, and answers `aws ecr` (ecr.ts). npm's
// registry answers only what it is asked about vulnerabilities.

export const REPOSITORY = 'example/gitops-platform';

/** A run of a workflow, as its tokens know it. */
export interface Run {
  readonly event: string;
  /** refs/heads/main */
  readonly ref: string;
  readonly isFork: boolean;
  /** By `workflow/job`. */
  readonly jobs: ReadonlyMap<string, Job>;
}

/** What a role's trust policy and its own policies allow. */
export interface Trust {
  readonly arn: string;
  /** Conditions of its statement: claim to its allowed values. */
  readonly equals: Readonly<Record<string, string | readonly string[]>>;
  /** The actions that its own policies allow, ecr:PutImage. */
  readonly actions: readonly string[];
}

export interface PullRequest {
  readonly number: number;
  title: string;
  body: string;
  readonly head: string;
  readonly by: string;
}

export interface Comment {
  readonly id: number;
  readonly pullRequest: number;
  body: string;
  readonly by: string;
}

export interface GitHubStandIn {
  url: string;
  /** The run that jobs belong to from now on. */
  run: Run;
  readonly pullRequests: PullRequest[];
  readonly comments: Comment[];
  /** Who pushed: `workflow/job`. */
  readonly pushes: string[];
  /** Who took a role, and which: `workflow/job arn`. */
  readonly assumed: string[];
  /** Everything that was refused, with the reason. */
  readonly refused: string[];
  /** What npm's registry knows about vulnerabilities: by package, in the form of its bulk endpoint. */
  advisories: Readonly<Record<string, readonly object[]>>;
  readonly ecr: EcrStandIn;
}

interface Refusal {
  readonly status: number;
  readonly message: string;
}

/** Answers git's requests to the repository. */
export type GitServer = (
  request: IncomingMessage,
  response: ServerResponse,
  /** What is asked for below the repository, /info/refs?service=git-upload-pack */
  path: string,
  /** The job, `workflow/job`; empty for a person. */
  user: string,
) => void;

/** git's own http-backend for a bare repository, in a folder that has nothing else. */
export const serveFolder =
  (repository: string): GitServer =>
  (request, response, path, user) =>
    void answerByGit(request, response, {
      root: repository,
      path: path.replace(/\?.*$/, ''),
      user,
      onError: (text) => process.stderr.write(text),
    });

/** Another Git server, by the address of its repository. */
export const serveOrigin =
  (origin: string): GitServer =>
  (request, response, path) => {
    forward(request, response, `${origin}${path}`, { host: new URL(origin).host });
  };

export interface GitHubOptions {
  /** What it serves as REPOSITORY. */
  readonly git: GitServer;
  readonly trusts: readonly Trust[];
  /** host:port of the registry in ECR's place; see EcrStandIn. */
  readonly registry?: string | undefined;
}

/** Starts it; it ends with its owner. */
export async function startGitHub(owner: Owner, { git, trusts, registry }: GitHubOptions): Promise<GitHubStandIn> {
  const state = {
    url: '',
    run: { event: '', ref: '', isFork: false, jobs: new Map<string, Job>() } as Run,
    pullRequests: [],
    comments: [],
    pushes: [],
    assumed: [],
    refused: [],
    advisories: {},
    ecr: { registry, scan: { status: 'COMPLETE' }, calls: [] },
  } satisfies GitHubStandIn as GitHubStandIn;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path.startsWith(`/${REPOSITORY}`)) serveGit(state, git, request, response);
    else void answer(state, trusts, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  owner.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

/** The job of a request, by its token; a fork's job may only read. */
function jobOf({ run }: GitHubStandIn, { headers: { authorization = '' } }: IncomingMessage): string {
  const [scheme = '', value = ''] = authorization.split(' ');
  const token = scheme.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString().replace(/^.*:/, '') : value;
  return run.jobs.has(token) ? token : '';
}

function mayWrite({ run }: GitHubStandIn, job: string, scope: string): boolean {
  const { permissions } = run.jobs.get(job) ?? {};
  return !run.isFork && typeof permissions === 'object' && permissions[scope] === 'write';
}

function serveGit(github: GitHubStandIn, git: GitServer, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const isPush = `${url.pathname}${url.search}`.includes('git-receive-pack');
  const job = jobOf(github, request);
  if (isPush && !mayWrite(github, job, 'contents')) {
    if (job !== '') github.refused.push(`${job} pushes`);
    response.writeHead(job === '' ? 401 : 403, { 'WWW-Authenticate': 'Basic realm="GitHub"' }).end();
    return;
  }
  if (isPush && request.method === 'POST') github.pushes.push(job);
  git(request, response, `${url.pathname.replace(/^\/[^/]+\/[^/]+/, '')}${url.search}`, job);
}

async function answer(
  github: GitHubStandIn,
  trusts: readonly Trust[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const isNpm = url.pathname.startsWith('/npm/');
  const body = JSON.parse((isNpm ? '' : await text(request)) || '{}') as Record<string, string>;
  const job = jobOf(github, request);
  const result = await respond(github, trusts, { method: request.method ?? '', url, body, job });
  const isRefusal = typeof result === 'object' && 'status' in result;
  if (isRefusal) github.refused.push(`${job} ${request.method ?? ''} ${url.pathname}: ${result.message}`);
  response.writeHead(isRefusal ? result.status : 200, { 'Content-Type': 'application/json' });
  response.end(typeof result === 'string' ? result : JSON.stringify(result));
}

interface Call {
  readonly method: string;
  readonly url: URL;
  readonly body: Readonly<Record<string, string>>;
  /** `workflow/job`; empty for a token of none. */
  readonly job: string;
}

/** A call of the AWS CLI: its arguments, and AWS_ACCESS_KEY_ID. */
interface AwsCall {
  readonly args: readonly string[];
  readonly key: string;
}

const aws = async (github: GitHubStandIn, trusts: readonly Trust[], { args, key }: AwsCall): Promise<Ended> =>
  answerAws(github.ecr, args, trusts.find(({ arn }) => key === `${KEYS_OF}${nameOf(arn)}`)?.actions ?? []);

async function respond(
  github: GitHubStandIn,
  trusts: readonly Trust[],
  call: Call,
): Promise<string | object | Refusal> {
  const { pathname } = call.url;
  if (pathname === '/oidc') return oidcToken(github.run, call.url.searchParams.get('job') ?? '');
  if (pathname.startsWith('/npm/')) return github.advisories;
  if (pathname === '/sts') return keysOf(github, trusts, call.body);
  if (pathname === '/aws') return aws(github, trusts, call.body as unknown as AwsCall);
  const path = pathname.replace(`/api/repos/${REPOSITORY}`, '');
  if (call.job === '') return { status: 401, message: 'Bad credentials' };
  const isWrite = call.method !== 'GET';
  // A comment on a pull request is one on an issue, and either permission will do.
  if (isWrite && !mayWrite(github, call.job, 'pull-requests'))
    return { status: 403, message: 'Resource not accessible by integration' };
  if (path.startsWith('/pulls')) return pulls(github, call, path);
  if (path.startsWith('/issues')) return comments(github, call, path);
  return { status: path === '/api/user' ? 403 : 404, message: 'Not Found' };
}

function pulls({ pullRequests, url }: GitHubStandIn, { method, body, job }: Call, path: string): object | Refusal {
  const shown = (pull: PullRequest): object => ({
    ...pull,
    html_url: `${url}/${REPOSITORY}/pull/${pull.number}`,
    head: { ref: pull.head, repo: { full_name: REPOSITORY } },
    base: { ref: 'main' },
    user: { login: 'github-actions[bot]', type: 'Bot' },
    state: 'open',
  });
  const number = Number(/^\/pulls\/(\d+)$/.exec(path)?.[1]);
  const known = pullRequests.find((pull) => pull.number === number);
  if (known !== undefined) return shown(Object.assign(known, method === 'PATCH' ? body : {}));
  if (path !== '/pulls') return { status: 404, message: 'Not Found' };
  if (method === 'GET') return pullRequests.map(shown);
  const { title = '', body: words = '', head = '' } = body;
  const opened: PullRequest = { number: 100 + pullRequests.length, title, body: words, head, by: job };
  pullRequests.push(opened);
  return shown(opened);
}

function comments({ comments: all, url }: GitHubStandIn, { method, body, job }: Call, path: string): object | Refusal {
  const shown = (comment: Comment): object => ({
    ...comment,
    html_url: `${url}/${REPOSITORY}/pull/${comment.pullRequest}#${comment.id}`,
    user: { login: 'github-actions[bot]', type: 'Bot' },
  });
  const known = all.find(({ id }) => path === `/issues/comments/${id}`);
  if (known !== undefined) return shown(Object.assign(known, body));
  const number = Number(/^\/issues\/(\d+)\/comments$/.exec(path)?.[1]);
  if (Number.isNaN(number)) return { status: 404, message: 'Not Found' };
  if (method === 'GET') return all.filter(({ pullRequest }) => pullRequest === number).map(shown);
  const written: Comment = { id: 1000 + all.length, pullRequest: number, body: body.body ?? '', by: job };
  all.push(written);
  return shown(written);
}

/** The claims of a job's OIDC token; none without `id-token: write`, and none for a fork. */
function oidcToken(run: Run, id: string): object | Refusal {
  const job = run.jobs.get(id);
  const permissions = typeof job?.permissions === 'object' ? job.permissions : {};
  if (job === undefined || run.isFork || permissions['id-token'] !== 'write')
    return { status: 403, message: `${id} gets no OIDC token` };
  const environment = environmentOf(job);
  const context =
    environment !== undefined
      ? `environment:${environment}`
      : run.event === 'pull_request'
        ? run.event
        : `ref:${run.ref}`;
  return { job: id, sub: `repo:${REPOSITORY}:${context}`, aud: 'sts.amazonaws.com' };
}

/** The access key of a role: this, and its name. */
const KEYS_OF = 'keys-of-';
const nameOf = (arn: string): string => arn.replace(/^.*\//, '');

const ISSUER = 'token.actions.githubusercontent.com';

function keysOf(
  github: GitHubStandIn,
  trusts: readonly Trust[],
  { role = '', token = '{}' }: Readonly<Record<string, string>>,
): string | Refusal {
  const claims = JSON.parse(token) as Readonly<Record<string, string>>;
  const trust = trusts.find(({ arn }) => arn === role);
  const allows = Object.entries(trust?.equals ?? {}).every(([key, values]) =>
    [values].flat().includes(claims[key.replace(`${ISSUER}:`, '')] ?? ''),
  );
  if (trust === undefined || !allows)
    return {
      status: 403,
      message: `Not authorized to perform sts:AssumeRoleWithWebIdentity: ${role} for ${claims.sub ?? ''}`,
    };
  github.assumed.push(`${claims.job ?? ''} ${role}`);
  return `${KEYS_OF}${nameOf(role)}`;
}
