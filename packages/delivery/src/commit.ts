import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import { type Git, gitIn } from './git.ts';
import { createStore, fetchMain, MAIN, push, type Remote } from './remote.ts';

export { MAIN, type Remote } from './remote.ts';

export interface Author {
  readonly name: string;
  readonly email: string;
}

/** Who writes image files. */
export const CI: Author = { name: 'CI', email: 'ci@localhost' };

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
  /** The commit's message, ending with a line feed; a function is called after `compose`. */
  readonly message: string | (() => string);
  /** A folder whose files `compose` adds. */
  readonly workTree?: string;
  /** Fills the index. Called again for another parent when a race was lost, so it must start from the parent's tree. */
  readonly compose: (draft: Draft) => Promise<void>;
  /** How many races may be lost in a row; 50 where left out: of 20 commands at once the last loses about ten. */
  readonly attempts?: number;
}

/** One commit on a remote's main. */
export interface Publication {
  readonly commit: string;
  /** main before; undefined for the first commit. */
  readonly parent: string | undefined;
  /** The changed files; empty when main already had this tree and no commit was created. */
  readonly files: readonly string[];
}

/**
 * Makes one commit on top of the remote's main and pushes it. When another push comes first, the commit is built again
 * on top of that one, so that neither is lost.
 * Throws CommandError when the remote does not answer, when it refuses the push, and when too many races were lost; main
 * is unchanged then.
 */
export async function commitToMain(remote: Remote, change: Change): Promise<Publication> {
  const { attempts = 50 } = change;
  let refusal: string | undefined;
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const start = performance.now();
    const { git, commit, parent } = await draftOnMain(remote, change);
    if (commit === parent) return { commit, parent, files: [] };
    refusal = await push(git, remote, { branch: MAIN, commit, expected: parent ?? '' });
    if (refusal === undefined) return { commit, parent, files: await changedIn(git, parent, commit) };
    if (attempt < attempts) await sleep(pauseAfter(attempt, performance.now() - start));
  }
  throw new CommandError(
    `another push came first ${attempts} times in a row; nothing was changed (${refusal ?? ''})`,
    'run the command again',
  );
}

/**
 * How long to wait after a lost race, in milliseconds: at random, in multiples of what the attempt took, more after each
 * loss. The first pauses are long, since commands that start together slow each other down; they grow slowly, since the
 * last ones would wait for nobody.
 */
const pauseAfter = (losses: number, took: number): number => Math.random() * took * (2 + losses);

/** A commit that is not pushed yet. */
export interface DraftedCommit {
  /** git on the store that has the commit. */
  readonly git: Git;
  /** The parent itself where the tree is the same. */
  readonly commit: string;
  readonly parent: string | undefined;
}

/** Builds a commit on top of the remote's main, and pushes nothing. Throws CommandError and what `compose` throws. */
export async function draftOnMain(remote: Remote, change: Change): Promise<DraftedCommit> {
  await createStore(remote.store);
  const git = gitIn(remote.store, change.workTree);
  const scratch = mkdtempSync(join(remote.store, 'index-'));
  const index = join(scratch, 'index');
  try {
    const tip = await fetchMain(git, remote);
    const draft = { git, index, parent: tip?.commit };
    await change.compose(draft);
    const tree = (await git(['write-tree'], { index })).trim();
    const commit = tip?.tree === tree ? tip.commit : await writeCommit(draft, tree, change);
    return { git, parent: tip?.commit, commit };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function writeCommit({ git, parent }: Draft, tree: string, { author, message }: Change): Promise<string> {
  const onParent = parent === undefined ? [] : ['-p', parent];
  const commit = await git(['commit-tree', tree, ...onParent, '-F', '-'], {
    input: typeof message === 'string' ? message : message(),
    env: {
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_COMMITTER_NAME: author.name,
      GIT_COMMITTER_EMAIL: author.email,
    },
  });
  return commit.trim();
}

async function changedIn(git: Git, parent: string | undefined, commit: string): Promise<string[]> {
  const output =
    parent === undefined
      ? await git(['ls-tree', '-r', '-z', '--name-only', commit])
      : await git(['diff-tree', '-r', '-z', '--no-renames', '--name-only', parent, commit]);
  return output.split('\0').filter((file) => file !== '');
}
