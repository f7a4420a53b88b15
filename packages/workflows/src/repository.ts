import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../../..');

/** Runs git and gives its output without the last line feed. Throws Error where it fails. */
export type Git = (...args: readonly string[]) => string;

/** A developer's clone of the repository, on main. */
export interface Repository {
  readonly clone: string;
  /** git in the clone. */
  readonly git: Git;
}

/** A replacement in a file. */
export type Edit = readonly [file: string, from: string, to: string];

/**
 * A repository of its own, as GitHub has it, whose main is the work tree, committed or not.
 * @param folder an empty folder, in which it stands
 * @param edits made before the first commit
 */
export function openRepository(folder: string, edits: readonly Edit[]): Repository & { readonly bare: string } {
  const [clone, bare] = [join(folder, 'clone'), join(folder, 'github', 'repository.git')];
  const files = gitIn(root)('ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0');
  for (const file of files.filter((each) => each !== '' && existsSync(join(root, each))))
    cpSync(join(root, file), join(clone, file), { verbatimSymlinks: true });
  for (const [file, from, to] of edits) {
    const content = readFileSync(join(clone, file), 'utf8');
    if (!content.includes(from)) throw new Error(`${file} has no ${from}`);
    writeFileSync(join(clone, file), content.replace(from, to));
  }
  const git = gitIn(clone);
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'The work tree');
  git('clone', '--quiet', '--bare', clone, bare);
  gitIn(bare)('config', 'http.receivepack', 'true');
  // As GitHub: a commit may be fetched by its name.
  gitIn(bare)('config', 'uploadpack.allowReachableSHA1InWant', 'true');
  git('remote', 'add', 'origin', bare);
  git('fetch', '--quiet');
  return { bare, clone, git };
}

/** A clone of what a Git server has. */
export function cloneRepository(folder: string, origin: string): Repository {
  const clone = join(folder, 'clone');
  gitIn(folder)('clone', '--quiet', origin, clone);
  return { clone, git: gitIn(clone) };
}

/** Writes files and commits them; gives the commit. */
export function commitFiles(
  { clone, git }: Repository,
  files: Readonly<Record<string, string>>,
  message: string,
): string {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    writeFileSync(join(clone, file), content);
  }
  git('add', '--all');
  git('commit', '--quiet', '--message', message);
  return git('rev-parse', 'HEAD');
}

const gitIn =
  (folder: string): Git =>
  (...args) => {
    const identity = [
      '-c',
      'user.name=Developer',
      '-c',
      'user.email=developer@localhost',
      '-c',
      'commit.gpgsign=false',
    ];
    const { status, stdout, stderr } = spawnSync('git', [...identity, ...args], { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
