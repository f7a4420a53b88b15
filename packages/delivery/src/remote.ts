import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import { complaint, type Git } from './git.ts';

/** A repository to push to, and where its commits are built. */
export interface Remote {
  readonly url: string;
  /** Folder of a bare repository, created when missing; several commands may use it at the same time. */
  readonly store: string;
  /** What a person should do when the remote does not answer or has no main. */
  readonly advice: string;
  /** Variables by which git logs in; without them it does as for the user. */
  readonly credentials?: Readonly<Record<string, string>>;
}

export const MAIN = 'refs/heads/main';

/** Creates the bare repository beside its place and moves it there: several commands may do so at the same time. */
export async function createStore(store: string): Promise<void> {
  if (existsSync(`${store}/HEAD`)) return;
  mkdirSync(dirname(store), { recursive: true });
  const fresh = mkdtempSync(`${store}.new-`);
  try {
    await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', '--template=', fresh]);
    renameSync(fresh, store);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(`${store}/HEAD`)) throw error;
  }
}

/** An address as messages show it: without a user's name and password. */
export const shownURL = (url: string): string => url.replace(/^([a-z+]+:\/\/)[^/@]*@/, '$1');

/** git's complaint, in which the remote's address has no password either. */
const complaintOf = (error: RunError, { url }: Remote): string => complaint(error).replaceAll(url, shownURL(url));

// Housekeeping in the middle of a race would lose it; the store is a cache, which may be deleted at any time.
const FETCH = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance'];

// Another command on this store holds the ref, or one was killed while it did.
const LOCKED = /cannot lock ref|unable to update local ref/;

/** Where main is. */
export interface Tip {
  readonly commit: string;
  readonly tree: string;
}

/** The remote's main, with its whole history fetched; undefined when there is none. Throws CommandError. */
export async function fetchMain(git: Git, remote: Remote): Promise<Tip | undefined> {
  // A ref of its own for each remote: the next fetch transfers only what is new.
  const seen = `refs/seen/${createHash('sha256').update(remote.url).digest('hex').slice(0, 16)}`;
  for (const ref of [seen, `${seen}-${randomUUID()}`]) {
    try {
      await git([...FETCH, remote.url, `+${MAIN}:${ref}`], {
        env: { ...remote.credentials },
      });
      const [commit = '', tree = ''] = (await git(['rev-parse', ref, `${ref}^{tree}`])).split('\n');
      return { commit, tree };
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      if (error.stderr.includes(`couldn't find remote ref ${MAIN}`)) return undefined;
      if (ref !== seen || !LOCKED.test(error.stderr)) throw unanswered(remote, error);
    }
  }
  return undefined;
}

/** The branches of the remote that match a pattern, by their full names, each with its commit. Throws CommandError. */
export async function remoteBranches(git: Git, remote: Remote, pattern: string): Promise<Map<string, string>> {
  const lines = await asking(remote, async (env) => git(['ls-remote', remote.url, pattern], { env }));
  const branches = new Map<string, string>();
  for (const line of lines.split('\n')) {
    const [commit = '', name = ''] = line.split('\t');
    if (name !== '') branches.set(name, commit);
  }
  return branches;
}

/** Fetches a commit of the remote with its whole history. Throws CommandError. */
export async function fetchCommit(git: Git, remote: Remote, commit: string): Promise<void> {
  await asking(remote, async (env) => git([...FETCH, remote.url, commit], { env }));
}

async function asking<T>(remote: Remote, action: (env: Record<string, string>) => Promise<T>): Promise<T> {
  try {
    return await action({ ...remote.credentials });
  } catch (error) {
    if (error instanceof RunError) throw unanswered(remote, error);
    throw error;
  }
}

const unanswered = (remote: Remote, error: RunError): CommandError =>
  new CommandError(`Git does not answer at ${shownURL(remote.url)}: ${complaintOf(error, remote)}`, remote.advice);

// The branch moved before the push, or while the remote took it. A remote's rules refuse with other words.
const LOST_RACE = /\[rejected\]|stale info|cannot lock ref|failed to (lock|update) ref|incorrect old value/;

/**
 * Sets a branch of the remote to a commit, if it is where it is expected. Throws CommandError when the remote refuses.
 * @param expected the commit of the branch now; empty when it must not exist
 * @returns what git said, when another push came first; undefined when the branch is set
 */
export async function push(
  git: Git,
  remote: Remote,
  { branch, commit, expected }: { branch: string; commit: string; expected: string },
): Promise<string | undefined> {
  try {
    await git(['push', '--quiet', `--force-with-lease=${branch}:${expected}`, remote.url, `${commit}:${branch}`], {
      env: { ...remote.credentials },
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    if (LOST_RACE.test(error.stderr)) return complaintOf(error, remote);
    throw new CommandError(
      `${shownURL(remote.url)} refuses the push: ${complaintOf(error, remote)}`,
      "nothing was changed; check the branch's rules and the rights of this account",
    );
  }
}
