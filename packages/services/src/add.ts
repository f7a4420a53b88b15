import { CommandError } from '@gitops/report/errors';
import { listFiles, ownFiles } from './files.ts';
import { LISTS } from './lists.ts';
import { requireFree } from './name.ts';
import { pathExists, textOf, uncommitted, writeAll } from './work-tree.ts';

/** What was done to a file, for people. */
export interface Change {
  readonly file: string;
  readonly change: 'new' | 'changed' | 'deleted';
  readonly why: string;
}

/**
 * Adds a service to the work tree: all of its files, or none.
 * @param root the repository's folder
 * @param name a name without a problem of form
 * Throws CommandError, with nothing written, where the name is taken, a file of that name exists, or a file to change has
 * uncommitted changes.
 */
export function addService(root: string, name: string): Change[] {
  requireFree(root, name);
  const own = ownFiles(root, name);
  const existing = own.filter(({ file }) => pathExists(root, file)).map(({ file }) => file);
  if (existing.length > 0)
    throw new CommandError(`${existing.join(', ')} exists already`, 'choose another NAME; nothing was written');
  const dirty = uncommitted(root, listFiles);
  if (dirty.length > 0)
    throw new CommandError(
      `uncommitted changes in ${dirty.join(', ')}, where the service is to be added`,
      'commit or stash them; nothing was written',
    );
  const lists = LISTS.map(({ file, why, add }) => ({ file, why, text: add(textOf(root, file) ?? '', name) }));
  writeAll(root, [...own, ...lists]);
  return [
    ...own.map(({ file, why }): Change => ({ file, change: 'new', why })),
    ...lists.map(({ file, why }): Change => ({ file, change: 'changed', why })),
  ];
}
