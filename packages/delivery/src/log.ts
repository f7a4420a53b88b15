import type { Git } from './git.ts';

// How main moved: only first parents count, so that a merge is one step, with all that its branch brought.
const WALK = ['log', '-z', '--reverse', '--first-parent', '--diff-merges=first-parent', '--no-renames'];

/** A file that one step of main changed. */
export interface ChangedFile {
  readonly commit: string;
  readonly file: string;
  /** The blobs before and after; zeros where there is none. */
  readonly before: string;
  readonly after: string;
}

/** One step of main. */
export interface Commit {
  readonly commit: string;
  /** When it was committed, ISO 8601. */
  readonly date: string;
  readonly author: string;
  /** Its message; for a merge, the messages of its branch as well. */
  readonly message: string;
}

/**
 * What each step changed, oldest first.
 * @param range a revision, or two with dots in between
 * @param paths as git's pathspecs; all by default
 */
export async function changedFiles(git: Git, range: string, paths: readonly string[] = []): Promise<ChangedFile[]> {
  const output = await git([...WALK, '--format=%H', '--raw', '--no-abbrev', '--end-of-options', range, '--', ...paths]);
  const changes: ChangedFile[] = [];
  let commit = '';
  const fields = output.split('\0');
  for (let at = 0; at < fields.length; at += 1) {
    const field = (fields[at] ?? '').trim();
    if (/^[0-9a-f]{40,64}$/.test(field)) commit = field;
    if (!field.startsWith(':')) continue;
    const [, , before = '', after = ''] = field.split(' ');
    at += 1;
    changes.push({ commit, before, after, file: fields[at] ?? '' });
  }
  return changes;
}

/** The steps that touch some paths, oldest first. */
export async function commitsOf(git: Git, range: string, paths: readonly string[] = []): Promise<Commit[]> {
  const format = '--format=%H%n%P%n%cI%n%an%n%B';
  const output = await git([...WALK, format, '--no-patch', '--end-of-options', range, '--', ...paths]);
  const commits: Commit[] = [];
  for (const record of output.split('\0')) {
    const [commit = '', parents = '', date = '', author = '', ...lines] = record.split('\n');
    if (commit === '') continue;
    let message = lines.join('\n');
    if (parents.includes(' '))
      message += await git(['log', '--format=%n%B', `${commit}^1..${commit}^2`, '--', ...paths]);
    commits.push({ commit, date, author, message });
  }
  return commits;
}
