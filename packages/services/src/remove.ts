import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { FIRST_SERVICE, serviceFolder, serviceNames } from '@gitops/settings/services';
import type { Change } from './add.ts';
import { listFiles, ownFiles } from './files.ts';
import { LISTS } from './lists.ts';
import { committedText, filesBelow, pathExists, textOf, uncommitted, type Write, writeAll } from './work-tree.ts';

/** How far a removal is. */
export interface RemovalStep {
  /** Whether the service is out of the tree; otherwise its protection is, which has to be merged before. */
  readonly isRemoved: boolean;
  readonly changes: readonly Change[];
}

/**
 * Removes a service from the work tree: all of its files, whatever has become of them since, and its lines in others. A
 * service that HEAD has is protected, and the first call removes only that: a deleted ApplicationSet leaves what it deployed
 * (`preserveResourcesOnDeletion`), and the load balancer has a protection of its own.
 * @param root the repository's folder
 * Throws CommandError, with nothing removed, for a name that is no service or the first one, and where Git could not bring
 * back what would go.
 */
export function removeService(root: string, name: string): RemovalStep {
  const services = serviceNames(root).filter((each) => each !== FIRST_SERVICE);
  if (name === FIRST_SERVICE)
    throw new CommandError(
      `${name} cannot be removed: the others use its parts, its chart and its image`,
      'nothing was removed',
    );
  if (!services.includes(name))
    throw new CommandError(
      `${name} is no service`,
      services.length === 0 ? `there is none beside ${FIRST_SERVICE}` : `NAME is one of: ${services.join(', ')}`,
    );
  const protections = protectionsOf(root, name);
  if (protections.length > 0) {
    const dirty = uncommitted(
      root,
      protections.map(({ file }) => file),
    );
    if (dirty.length > 0)
      throw new CommandError(
        `uncommitted changes in ${dirty.join(', ')}`,
        `commit or stash them, then remove ${name}; nothing was removed`,
      );
    writeAll(root, protections);
    const why = 'what it deploys may be deleted';
    return { isRemoved: false, changes: protections.map(({ file }): Change => ({ file, change: 'changed', why })) };
  }
  return { isRemoved: true, changes: removeFiles(root, name) };
}

const PROTECTIONS = [
  { of: /^argocd\/applications\//, on: 'applicationsSync: create-update', off: 'applicationsSync: sync' },
  // Without it, the ApplicationSet controller gives its Application the finalizer that deletes what it deployed.
  { of: /^argocd\/applications\//, on: 'preserveResourcesOnDeletion: true', off: 'preserveResourcesOnDeletion: false' },
  { of: /^clusters\//, on: 'deletionProtection: true', off: 'deletionProtection: false' },
] as const;

/** The files in which HEAD protects what a service deploys, each without that. */
function protectionsOf(root: string, name: string): Write[] {
  const found: Write[] = [];
  for (const { file } of ownFiles(root, name)) {
    const protections = PROTECTIONS.filter(({ of }) => of.test(file));
    const committed = protections.length > 0 ? committedText(root, file) : undefined;
    const text = protections.reduce((all, { on, off }) => all?.replace(on, off), committed);
    if (text !== committed) found.push({ file, text });
  }
  return found;
}

function removeFiles(root: string, name: string): Change[] {
  const fresh = new Map(ownFiles(root, name).map(({ file, text }) => [file, text]));
  const all = new Set([...fresh.keys(), ...filesBelow(root, serviceFolder(name))]);
  const present = [...all].filter((file) => pathExists(root, file));
  const own = new Set(present);
  const lists = LISTS.map(({ file, remove }) => ({ file, text: remove(textOf(root, file) ?? '', name) }));
  requireRecoverable(root, name, { own, fresh, lists });
  writeAll(root, [...[...own].map((file): Write => ({ file, text: undefined })), ...lists]);
  // Installed packages, which Git ignores.
  rmSync(join(root, serviceFolder(name)), { recursive: true, force: true });
  const why = 'it belongs to this service alone';
  return [
    ...present.map((file): Change => ({ file, change: 'deleted', why })),
    ...lists.map(({ file }): Change => ({ file, change: 'changed', why: 'without the lines of this service' })),
  ];
}

interface Removal {
  readonly own: ReadonlySet<string>;
  /** The texts of its files when it was new. */
  readonly fresh: ReadonlyMap<string, string>;
  readonly lists: readonly { readonly file: string; readonly text: string }[];
}

/** Refuses to remove what Git does not have, unless `make service` would write the very same. */
function requireRecoverable(root: string, name: string, { own, fresh, lists }: Removal): void {
  const lost = uncommitted(root, [...own]).filter((file) => textOf(root, file) !== fresh.get(file));
  const changed = uncommitted(root, listFiles).filter((file) => {
    const committed = committedText(root, file);
    const isOnlyOurs = committed === lists.find((each) => each.file === file)?.text;
    return !isOnlyOurs;
  });
  if (lost.length + changed.length > 0)
    throw new CommandError(
      `uncommitted changes in ${[...lost, ...changed].join(', ')}`,
      `commit or stash them, then remove ${name}; nothing was removed`,
    );
}
