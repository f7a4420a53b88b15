import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cacheFolder, fillFolder } from './cache.ts';

const canRun = 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))';

/** Why programs written in Python cannot run on this machine; undefined where they can. */
export const pythonProblem: string | undefined =
  spawnSync('python3', ['-c', canRun]).status === 0
    ? undefined
    : 'unchecked: this needs Python 3.10 or later with venv, and this machine has none';

/**
 * A program from PyPI, in an environment of its own that all clones share: `python/<name>-requirements.txt` pins it and
 * all that it needs by their hashes. Throws Error where it cannot be installed.
 * @returns the folder of its programs. Those written in Python name a folder that was moved: start them as modules of
 *   its `python`.
 */
export function pythonEnvironment(name: string): string {
  const requirements = resolve(import.meta.dirname, `../python/${name}-requirements.txt`);
  const key = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const folder = join(cacheFolder(), `${name}-${key}`);
  if (!existsSync(folder))
    fillFolder(folder, (scratch) => {
      run('python3', ['-m', 'venv', scratch]);
      const options = ['--quiet', '--disable-pip-version-check', '--require-hashes'];
      run(join(scratch, 'bin/python'), ['-m', 'pip', 'install', ...options, '--requirement', requirements]);
    });
  return join(folder, 'bin');
}

function run(program: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`);
}
