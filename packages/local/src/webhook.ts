import { spawnSync } from 'node:child_process';

/** The fields of GitHub's push event that Argo CD reads. */
export interface PushPayload {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly repository: { readonly html_url: string; readonly default_branch: string };
  readonly commits: readonly {
    readonly id: string;
    readonly added: string[];
    readonly modified: string[];
    readonly removed: string[];
  }[];
}

const NO_COMMIT = '0'.repeat(40);
// Stands for the commit before the first: git knows the empty tree by this name although it is stored nowhere.
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** A branch of a repository that moved. */
interface Push {
  /** The repository's folder. */
  readonly repository: string;
  readonly repositoryURL: string;
  readonly ref: string;
  /** undefined for a new branch. */
  readonly before: string | undefined;
  readonly after: string;
}

/**
 * What GitHub would send for a push. Argo CD looks only at which files changed, so one entry in `commits` holds all of
 * them.
 */
export function pushPayload({ repository, repositoryURL, ref, before, after }: Push): PushPayload {
  const range = [before ?? EMPTY_TREE, after];
  const args = ['--git-dir', repository, 'diff-tree', '-r', '-z', '--no-renames', '--name-status', ...range];
  const { stdout } = spawnSync('git', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  const commit = { id: after, added: [] as string[], modified: [] as string[], removed: [] as string[] };
  // A letter, a file, a letter, a file…
  const fields = stdout.split('\0');
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const file = fields[index + 1] ?? '';
    if (fields[index] === 'A') commit.added.push(file);
    else if (fields[index] === 'D') commit.removed.push(file);
    else commit.modified.push(file);
  }
  return {
    ref,
    before: before ?? NO_COMMIT,
    after,
    repository: { html_url: repositoryURL.replace(/\.git$/, ''), default_branch: 'main' },
    commits: [commit],
  };
}
