import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '@gitops/tools/tools';
import { root } from './repository.ts';

const requirements = join(root, 'packages/tools/python/zizmor-requirements.txt');
const canRun = 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))';

/** Why zizmor cannot run on this machine; undefined where it can. */
export const zizmorProblem: string | undefined =
  spawnSync('python3', ['-c', canRun]).status === 0
    ? undefined
    : 'unchecked: zizmor needs Python 3.10 or later with venv, and this machine has none';

/** The program, in an environment of its own that all clones share. Throws Error where it cannot be installed. */
export function zizmor(): string {
  const key = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const folder = join(cacheFolder(), `zizmor-${key}`);
  if (!existsSync(folder)) {
    // Under another name until it is whole.
    const made = `${folder}.${process.pid}`;
    run('python3', ['-m', 'venv', made]);
    const options = ['--quiet', '--disable-pip-version-check', '--only-binary=:all:', '--require-hashes'];
    run(join(made, 'bin/python'), ['-m', 'pip', 'install', ...options, '--requirement', requirements]);
    if (existsSync(folder)) rmSync(made, { recursive: true });
    else renameSync(made, folder);
  }
  return join(folder, 'bin/zizmor');
}

function run(program: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`}`);
}
