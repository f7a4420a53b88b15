import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '@gitops/report/errors';

/**
 * The nearest folder, this one or above, that holds what this package reads: a command works on the clone that it is
 * given in. Throws CommandError where there is none.
 */
export function repositoryAbove(folder: string): string {
  if (['argocd', 'charts', 'clusters'].every((name) => existsSync(join(folder, name)))) return folder;
  if (dirname(folder) === folder)
    throw new CommandError(
      'no repository with argocd/, charts/ and clusters/ in this folder or above',
      'run the command within a clone',
    );
  return repositoryAbove(dirname(folder));
}
