import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import { type Git, gitIn } from './git.ts';

/** A repository to push to, and where its commits are built. */
export interface Remote {
  readonly url: string;
  /** Folder of a bare repository, created when missing; several commands may use it at the same time. */
  readonly store: string;
  /** What a person should do when the remote does not answer or has no main. */
  readonly advice: string;
}

export interface Author {
  readonly name: string;
  readonly email: string;
}

/** Where a commit is put together. */
export interface Draft {
  readonly git: Git;
  /** An index file, not there yet: whatever it holds in the end is the commit's tree. */
  readonly index: string;
  /** The remote's main now; undefined before its first commit. */
  readonly parent: string | undefined;
}

export interface Change {
  readonly author: Author;
  /** The commit's message, ending with a line feed. */
  readonly message: string;
  /** A folder whose files `compose` adds. */
  readonly workTree?: string;
  /** Fills the index. Called again for another parent when a race was lost, so it must start from the parent's tree. */
  readonly compose: (draft: Draft) => Promise<void>;
}

/** One commit on a remote's main. */
export interface Publication {
  readonly commit: string;
  /** main before; undefined for the first commit. */
  readonly parent: string | undefined;
  /** The changed files; empty when main already had this tree and no commit was created. */
  readonly files: readonly string[];
}

export const MAIN = 'refs/heads/main';
const ATTEMPTS = 10;

/**
 * Makes one commit on top of the remote's main and pushes it. When another push comes first, the commit is built again
 * on top of that one, so that neither is lost.
 * Throws CommandError when the remote does not answer, when it refuses the push, and when ten races were lost; main is
 * unchanged then.
 */
export async function commitToMain(remote: Remote, change: Change): Promise<Publication> {
  await createStore(remote.store);
  const git = gitIn(remote.store, change.workTree);
  const scratch = mkdtempSync(join(remote.store, 'index-'));
  const index = join(scratch, 'index');
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const parent = await fetchMain(git, remote);
      rmSync(index, { force: true });
      await change.compose({ git, index, parent });
      const publication = await writeCommit({ git, index, parent }, change);
      const isUnchanged = publication.commit === parent;
      if (isUnchanged || (await pushOver(git, remote, publication))) return publication;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  throw new CommandError(
    `another push came first ${ATTEMPTS} times in a row; nothing was changed`,
    'run the command again',
  );
}

/** Creates the bare repository beside its place and moves it there: several commands may do so at the same time. */
async function createStore(store: string): Promise<void> {
  if (existsSync(join(store, 'HEAD'))) return;
  mkdirSync(dirname(store), { recursive: true });
  const fresh = mkdtempSync(`${store}.new-`);
  try {
    await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', '--template=', fresh]);
    renameSync(fresh, store);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(join(store, 'HEAD'))) throw error;
  }
}

/** The remote's main, with its objects fetched; undefined when there is none. */
async function fetchMain(git: Git, { url, advice }: Remote): Promise<string | undefined> {
  try {
    const [line = ''] = (await git(['ls-remote', url, MAIN])).split('\t');
    const commit = line.trim();
    if (commit === '') return undefined;
    await git(['fetch', '--quiet', '--no-write-fetch-head', url, commit]);
    return commit;
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw new CommandError(`Git does not answer at ${url}: ${error.stderr.trim()}`, advice);
  }
}

/** A commit of the index, or the parent itself when its tree is the same. */
async function writeCommit({ git, index, parent }: Draft, { author, message }: Change): Promise<Publication> {
  const tree = (await git(['write-tree'], { index })).trim();
  if (parent !== undefined && tree === (await git(['rev-parse', `${parent}^{tree}`])).trim())
    return { commit: parent, parent, files: [] };

  const onParent = parent === undefined ? [] : ['-p', parent];
  const commit = await git(['commit-tree', tree, ...onParent, '-F', '-'], {
    input: message,
    env: {
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_COMMITTER_NAME: author.name,
      GIT_COMMITTER_EMAIL: author.email,
    },
  });
  const changed =
    parent === undefined
      ? await git(['ls-tree', '-r', '-z', '--name-only', tree])
      : await git(['diff-tree', '-r', '-z', '--no-renames', '--name-only', parent, tree]);
  return { commit: commit.trim(), parent, files: changed.split('\0').filter((file) => file !== '') };
}

// Main moved before the push, or while the remote took it. A remote's rules refuse with other words.
const LOST_RACE = /\[rejected\]|stale info|cannot lock ref|failed to (lock|update) ref|incorrect old value/;

/** Pushes the commit if main is still its parent; false when another push came first. */
async function pushOver(git: Git, { url }: Remote, { commit, parent = '' }: Publication): Promise<boolean> {
  try {
    await git(['push', '--quiet', `--force-with-lease=${MAIN}:${parent}`, url, `${commit}:${MAIN}`]);
    return true;
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    if (LOST_RACE.test(error.stderr)) return false;
    throw new CommandError(
      `${url} refuses the push: ${error.stderr.trim()}`,
      "nothing was changed; check the branch's rules and the rights of this account",
    );
  }
}
