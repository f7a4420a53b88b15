import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../../..');

// bootstrap.mjs keeps pnpm below the name that package.json gives it.
const { packageManager } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
  packageManager: string;
};
/** The folder of the repository's pnpm, for a PATH. */
export const pnpmFolder = resolve(root, '.local', packageManager, 'node_modules/.bin');

/** Runs the repository's pnpm on the packages of the service that its image holds. */
export function pnpmOfService(command: string, ...args: readonly string[]) {
  const { status, stdout, stderr, error } = spawnSync(
    resolve(pnpmFolder, 'pnpm'),
    ['--filter', '@gitops/service', command, '--prod', ...args],
    { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  return { code: status, stdout, stderr: error?.message ?? stderr };
}
