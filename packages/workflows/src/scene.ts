import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type Call, openRunner, type Runner } from './act.ts';
import { type GitHubEvent, startedBy } from './events.ts';
import { type GitHubStandIn, REPOSITORY, serveFolder, serveOrigin, startGitHub, type Trust } from './github.ts';
import type { Owner } from './owner.ts';
import { type Job, readWorkflows, type Workflow } from './read.ts';
import { type Route, startRegistries } from './registries.ts';
import { cloneRepository, commitFiles, type Edit, type Git, openRepository } from './repository.ts';
import { nameOf } from './rules.ts';

// The workflows of the work tree, run by act on a repository of their own: a Git server, events as GitHub sends them, and
// stand-ins for what needs GitHub or AWS.

export type { Owner } from './owner.ts';

/** What came of an event. */
export interface Outcome {
  /** The workflows that GitHub starts, each with act's exit code. */
  readonly codes: Readonly<Record<string, number | null>>;
  readonly calls: readonly Call[];
  /** What act printed. */
  readonly log: string;
  /** When the event happened, in milliseconds since 1970. */
  readonly happenedAt: number;
}

export interface Scene {
  readonly github: GitHubStandIn;
  /** Hosts that jobs asked for over TLS, and that are none of the scene's registries. */
  readonly unreachable: readonly string[];
  /** Runs git in a clone that pushes with everybody's rights, as a person does. */
  readonly git: Git;
  /** The text of a file in the clone. */
  read(file: string): string;
  /** Writes files in the clone and commits them on the branch that it is on; gives the commit. */
  commit(files: Readonly<Record<string, string>>, message?: string): string;
  /** Pushes the clone's branch, and runs what GitHub starts for it. */
  push(): Promise<Outcome>;
  /** Runs what GitHub starts for a pull request of the clone's branch into main. */
  pullRequest(options?: PullRequestOptions): Promise<Outcome>;
  /** The workflows that a push to main of a range of commits would start. */
  startedBy(base: string, head: string): string[];
  /** Starts a workflow by hand, on the branch that the clone is on. */
  dispatch(workflow: string, inputs?: Readonly<Record<string, string>>): Promise<Outcome>;
  schedule(): Promise<Outcome>;
  /** What stand-ins of make's targets do from now on. */
  readonly answer: Runner['answer'];
}

export interface PullRequestOptions {
  readonly isFork?: boolean;
  readonly title?: string;
  /** What happened to it: `opened` by default. */
  readonly action?: string;
  readonly labels?: readonly string[];
}

export interface SceneOptions {
  /** The targets of make that really run. */
  readonly real: readonly string[];
  /** The variables of the repository and its environments. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly edits?: readonly Edit[];
  readonly trusts?: readonly Trust[];
  /** A Git server's repository, which is GitHub's then; by default one of the scene's own, with the work tree. */
  readonly origin?: string;
  /** The workflows that run; all by default. */
  readonly only?: readonly string[];
  /** Registries that jobs reach over TLS. */
  readonly registries?: readonly Route[];
  /** host:port of the registry that has ECR's images. */
  readonly registry?: string;
}

/** What GitHub says of a repository. */
const described = {
  full_name: REPOSITORY,
  name: 'gitops-platform',
  default_branch: 'main',
  owner: { login: 'example' },
};
const PULL_REQUEST = 7;

/** A repository on GitHub, what happens there, and the runs of its workflows. It ends with its owner. */
export async function openScene(owner: Owner, options: SceneOptions): Promise<Scene> {
  const { real, variables = {}, edits = [], trusts = [], origin, only, registries = [], registry } = options;
  const folder = mkdtempSync(join(tmpdir(), 'workflows-'));
  owner.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const { git: served, repository } = openGit(folder, origin, edits);
  const github = await startGitHub(owner, { git: served, trusts, registry });
  const isReached = registries.length > 0;
  const { env, refused } = isReached ? await startRegistries(owner, folder, registries) : { env: {}, refused: [] };
  const { clone, git } = repository;
  const runner = await openRunner({ clone, folder, url: github.url, real, variables, env });

  /** Runs the workflows that GitHub starts for an event, on the commit that is checked out. */
  const happen = async (event: GitHubEvent, payload: object, ref: string, isFork = false): Promise<Outcome> => {
    const workflows = readWorkflows(clone);
    github.run = { event: event.name, ref, isFork, jobs: jobsOf(workflows) };
    const happenedAt = Date.now();
    const codes: Record<string, number | null> = {};
    const calls: Call[] = [];
    let log = '';
    for (const workflow of startedBy(event, workflows)) {
      if (only?.includes(nameOf(workflow)) === false) continue;
      const order = { workflow: workflow.file, event: event.name, payload, ref, commit: git('rev-parse', 'HEAD') };
      const result = await runner.run(order);
      codes[nameOf(workflow)] = result.code;
      calls.push(...result.calls);
      log += result.output;
    }
    return { codes, calls, log, happenedAt };
  };
  const changedSince = (base: string, head = 'HEAD'): string[] =>
    git('diff', '--name-only', `${base}...${head}`).split('\n');

  return {
    github,
    unreachable: refused,
    git,
    answer: runner.answer,
    read: (file) => readFileSync(join(clone, file), 'utf8'),
    commit: (files, message = 'A change') => commitFiles(repository, files, message),
    push: async () => {
      const branch = git('branch', '--show-current');
      const ref = `refs/heads/${branch}`;
      const before = git('rev-parse', branch === 'main' ? 'origin/main' : 'main');
      git('push', '--quiet', 'origin', branch);
      const event: GitHubEvent = { name: 'push', branch, files: changedSince(before) };
      return happen(event, { ref, before, after: git('rev-parse', 'HEAD'), repository: described }, ref);
    },
    pullRequest: async ({ isFork = false, title = 'A change', action = 'opened', labels = [] } = {}) => {
      const branch = git('branch', '--show-current');
      const [base, sha] = [git('rev-parse', 'origin/main'), git('rev-parse', 'HEAD')];
      const event: GitHubEvent = {
        name: 'pull_request',
        branch: 'main',
        files: changedSince('origin/main'),
        action,
      };
      const repo = isFork ? { full_name: 'stranger/gitops-platform', fork: true } : described;
      const pull_request = {
        number: PULL_REQUEST,
        title,
        labels: labels.map((name) => ({ name })),
        head: { ref: branch, sha, repo },
        base: { ref: 'main', sha: base },
      };
      // GitHub merges a pull request into main as it is now, and runs workflows on the result.
      const ref = `refs/pull/${PULL_REQUEST}/merge`;
      git('checkout', '--quiet', '--detach', 'origin/main');
      git('merge', '--quiet', '--no-ff', '--message', 'Merge', sha);
      git('push', '--quiet', '--force', 'origin', `HEAD:${ref}`, `${sha}:refs/pull/${PULL_REQUEST}/head`);
      const payload = { action, number: PULL_REQUEST, pull_request, repository: described };
      const outcome = await happen(event, payload, ref, isFork);
      git('checkout', '--quiet', branch);
      return outcome;
    },
    startedBy: (base, head) =>
      startedBy({ name: 'push', branch: 'main', files: changedSince(base, head) }, readWorkflows(clone)).map(nameOf),
    dispatch: async (workflow, inputs = {}) => {
      const branch = git('branch', '--show-current');
      const event: GitHubEvent = { name: 'workflow_dispatch', branch, workflow };
      return happen(event, { inputs, repository: described }, `refs/heads/${branch}`);
    },
    schedule: async () => {
      const event: GitHubEvent = { name: 'schedule', branch: 'main' };
      return happen(event, { schedule: '0 0 * * *', repository: described }, 'refs/heads/main');
    },
  };
}

/** The repository, and how GitHub serves it. */
function openGit(folder: string, origin: string | undefined, edits: readonly Edit[]) {
  if (origin !== undefined) return { repository: cloneRepository(folder, origin), git: serveOrigin(origin) };
  const repository = openRepository(folder, edits);
  return { repository, git: serveFolder(repository.bare) };
}

function jobsOf(workflows: readonly Workflow[]): Map<string, Job> {
  const jobs = new Map<string, Job>();
  for (const workflow of workflows)
    for (const [id, job] of Object.entries(workflow.jobs)) jobs.set(`${nameOf(workflow)}/${id}`, job);
  return jobs;
}

/** A repository whose AWS is set up. */
export const AWS_ENABLED: Pick<SceneOptions, 'variables' | 'edits'> = {
  variables: { AWS_ENABLED: 'true', SERVICE_URL: 'https://service.dev.example.com' },
  edits: [['clusters/shared/cluster.yaml', 'state: local', 'state: s3']],
};

/** The calls of a target of make, in the order of their ends. */
export const callsOf = ({ calls }: Outcome, target: string): Call[] => calls.filter(({ make }) => make === target);

/** The targets of make that the jobs of a workflow called, as `job target`, without those that set a job up. */
export const madeIn = ({ calls }: Outcome, workflow: string): string[] =>
  calls
    .filter(({ make = 'install', workflow: its }) => its === workflow && !['install', 'ci-role'].includes(make))
    .map(({ job, make = '' }) => `${job} ${make}`);

/** The variable that a target of make was given, in each of its calls, sorted. */
export const variablesOf = (outcome: Outcome, target: string, name: string): string[] =>
  callsOf(outcome, target)
    .map(({ variables }) => variables?.[name] ?? '')
    .sort();

/** Asserts what came of each workflow that was started, and shows what act printed where it is something else. */
export function ended(t: Test, { codes, log }: Outcome, expected: Outcome['codes']): void {
  if (!t.strictSame(codes, expected, 'the workflows that start, and their exit codes')) t.comment(log);
}
