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
// The commit before the first: git knows the empty tree by this name without its being stored.
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/**
 * What GitHub would send for a branch that moved from `before` (undefined: it is new) to `after`.
 * Argo CD looks at nothing but which files changed, so one entry holds all of them.
 */
export function pushPayload(push: {
  repository: string;
  repositoryURL: string;
  ref: string;
  before: string | undefined;
  after: string;
}): PushPayload {
  const { stdout } = spawnSync(
    'git',
    [
      '--git-dir',
      push.repository,
      'diff-tree',
      '-r',
      '-z',
      '--no-renames',
      '--name-status',
      push.before ?? EMPTY_TREE,
      push.after,
    ],
    { encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  const fields = stdout.split('\0');
  const commit = { id: push.after, added: [] as string[], modified: [] as string[], removed: [] as string[] };
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const file = fields[index + 1] ?? '';
    if (fields[index] === 'A') commit.added.push(file);
    else if (fields[index] === 'D') commit.removed.push(file);
    else commit.modified.push(file);
  }
  return {
    ref: push.ref,
    before: push.before ?? NO_COMMIT,
    after: push.after,
    repository: { html_url: push.repositoryURL.replace(/\.git$/, ''), default_branch: 'main' },
    commits: [commit],
  };
}
