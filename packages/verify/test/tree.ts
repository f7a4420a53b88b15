import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../../..');

export const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** The files of the work tree that Git tracks or would add, by their paths from the root. */
export function filesOfTree(): string[] {
  const { stdout } = spawnSync('git', ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    encoding: 'utf8',
  });
  return stdout.split('\0').filter((file) => file !== '');
}
