import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Test } from 'tap';

/** The repository itself. */
export const root = resolve(import.meta.dirname, '../../..');

function run(folder: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', ['-C', folder, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** What no test here reads. */
const UNUSED = /^(docs|e2e|platform|packages\/(?!services\/))/;

export interface Clone {
  readonly folder: string;
  readonly git: (...args: string[]) => string;
  /** What differs from the last commit, a line each; empty where nothing does. */
  readonly changes: () => string;
  readonly commit: () => void;
}

/** A clone with one commit, of the work tree as it is without further services, and this one's packages. */
export function cloneOf(t: Test): Clone {
  const folder = mkdtempSync(join(tmpdir(), 'services-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const files = run(root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0');
  for (const file of globSync(
    files.filter((each) => each !== '' && !UNUSED.test(each)),
    { cwd: root },
  )) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  run(folder, 'init', '--quiet', '--initial-branch=main');
  cpSync(join(root, '.gitignore'), join(folder, '.git/info/exclude'));
  for (const path of globSync('{.,service,packages/services}/node_modules', { cwd: root }))
    symlinkSync(join(root, path), join(folder, path));
  run(folder, 'config', 'user.name', 'Test');
  run(folder, 'config', 'user.email', 'test@localhost');
  run(folder, 'config', 'core.excludesFile', join(folder, '.git/info/links'));
  spawnSync('sh', ['-c', 'echo node_modules > .git/info/links'], { cwd: folder });
  const git = (...args: string[]): string => run(folder, ...args);
  const commit = (): void => {
    git('add', '--all');
    git('commit', '--quiet', '--allow-empty', '-m', 'x');
  };
  commit();
  return { folder, git, commit, changes: () => git('status', '--porcelain', '--untracked-files=all') };
}
