import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '@gitops/report/errors';

export const pathExists = (root: string, path: string): boolean => existsSync(join(root, path));

/** The text of a file; undefined where there is none. */
export const textOf = (root: string, file: string): string | undefined =>
  pathExists(root, file) ? readFileSync(join(root, file), 'utf8') : undefined;

/** All files below a folder, by their paths from the root, without installed packages and what tests leave. */
export function filesBelow(root: string, folder: string): string[] {
  if (!pathExists(root, folder)) return [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const files = entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (['node_modules', '.tap', 'dist'].includes(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(root, path) : [path];
  });
  return files.sort();
}

function git(root: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync('git', ['-C', root, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0)
    throw new CommandError(
      `git ${args[0] ?? ''}: ${error?.message ?? stderr.trim()}`,
      'run it in a clone of the repository',
    );
  return stdout;
}

/** The clone that a folder is in. Throws CommandError outside of one. */
export const cloneAbove = (folder: string): string => git(folder, 'rev-parse', '--show-toplevel').trim();

/** The files among these paths that differ from HEAD, or that Git does not know. */
export function uncommitted(root: string, paths: readonly string[]): string[] {
  const entries = git(root, 'status', '--porcelain', '-z', '--no-renames', '--untracked-files=all', '--', ...paths);
  return entries
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => entry.slice(3));
}

/** The text of a file at HEAD; undefined where HEAD does not have it. */
export function committedText(root: string, file: string): string | undefined {
  const known = git(root, 'ls-tree', '--name-only', 'HEAD', '--', file).trim() !== '';
  return known ? git(root, 'show', `HEAD:${file}`) : undefined;
}

/** What a file is to hold; undefined deletes it. */
export interface Write {
  readonly file: string;
  readonly text: string | undefined;
}

/**
 * Writes all files, or, where one cannot be written, leaves all as they were. Texts are first written beside the files, where
 * most of what can hinder it shows. Throws what hindered it.
 */
export function writeAll(root: string, writes: readonly Write[]): void {
  const drafts: string[] = [];
  const before: Write[] = [];
  try {
    for (const { file, text } of writes) {
      if (text === undefined) continue;
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, draftOf(file)), text, { flag: 'wx' });
      drafts.push(draftOf(file));
    }
    for (const { file, text } of writes) {
      const was = textOf(root, file);
      if (text === undefined) rmSync(join(root, file));
      else renameSync(join(root, draftOf(file)), join(root, file));
      before.push({ file, text: was });
    }
  } catch (error) {
    for (const draft of drafts) rmSync(join(root, draft), { force: true });
    for (const { file, text } of before)
      if (text === undefined) rmSync(join(root, file));
      else writeFileSync(join(root, file), text);
    throw error;
  } finally {
    for (const { file } of writes) removeEmptyFolders(root, dirname(file));
  }
}

const draftOf = (file: string): string => `${file}.new`;

function removeEmptyFolders(root: string, folder: string): void {
  const path = join(root, folder);
  if (folder === '.' || !existsSync(path) || readdirSync(path).length > 0) return;
  rmdirSync(path);
  removeEmptyFolders(root, dirname(folder));
}
