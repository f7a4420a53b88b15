import { CommandError } from '@gitops/report/errors';
import { CI, commitToMain, type Draft, type Publication, type Remote } from './commit.ts';
import { type Git } from './git.ts';
import { ranImage, readImageChanges } from './image-changes.ts';
import { type Image, imageFile, ImageFileError, isImageFile, readImage, setImage } from './image-file.ts';
import { imageReference, messageWith } from './message.ts';
import { clusterBefore } from './pipeline.ts';
import { type Age, compareBuilds, requireMerged, sourceOf } from './sources.ts';

/** An image for an application of a cluster, both named as in `clusters/<cluster>/<app>.image.yaml`. */
export interface Bump extends Image {
  readonly cluster: string;
  readonly app: string;
  /**
   * The commit of main that the image was built from. Without it (where no build is known, as on the local machine) the
   * image is not compared with the one before.
   */
  readonly source?: string | undefined;
  /** Whoever started the command. */
  readonly requestedBy?: string | undefined;
  /** Deploys an older build than the present one as well. */
  readonly allowOlder?: boolean;
  /** Refuses to replace the present image by throwing; asked again where another push came first. */
  readonly mayReplace?: (present: Image) => void;
}

/** What a bump came to. */
export interface BumpResult extends Publication {
  /** How the build stands to the one that the cluster had before. */
  readonly age: Age;
}

/**
 * CI's part of a deployment: one commit that sets tag, digest and platforms in one image file and changes no other byte.
 * The image that main has already is no commit.
 * Throws CommandError when main has no such file, when the build is older than the present one or not of main, and what
 * commitToMain throws; ImageFileError when the file or the image breaks a rule.
 */
export async function bump(remote: Remote, change: Bump): Promise<BumpResult> {
  const { cluster, app, tag, digest, platforms, source, requestedBy } = change;
  const file = imageFile(cluster, app);
  let age: Age = 'unknown';
  let last: { readonly present: TreeFile; readonly blob: string } | undefined;
  const publication = await commitToMain(remote, {
    author: CI,
    message: messageWith(`Deploy ${app} ${tag} to ${cluster}`, [], {
      image: imageReference(app, { tag, digest }),
      source,
      requestedBy,
    }),
    compose: async (draft) => {
      const main = requireMain(draft, remote);
      const present = await imageFileAt(draft.git, main, file, last?.present);
      // After a lost race, only another image is compared and written again.
      if (present !== last?.present) {
        const text = setImage(present.text, { tag, digest, platforms }, file);
        if (text !== present.text) {
          change.mayReplace?.(readImage(present.text, file));
          await refuseUnpromoted(draft.git, remote, main, change);
          age = await refuseOlder(draft.git, main, change, readImage(present.text, file));
        }
        last = { present, blob: await writeBlob(draft.git, text) };
      }
      await setFile(draft, main, { file, mode: present.mode, blob: last.blob });
    },
  });
  return { ...publication, age };
}

/** Main's commit. Throws CommandError when there is none. */
export function requireMain({ parent }: Pick<Draft, 'parent'>, remote: Remote): string {
  if (parent === undefined) throw new CommandError(`${remote.url} has no branch main`, remote.advice);
  return parent;
}

/** A file as a commit has it. */
interface TreeEntry {
  /** 100644, or 100755 */
  readonly mode: string;
  readonly blob: string;
}

interface TreeFile extends TreeEntry {
  readonly text: string;
}

/**
 * An image file of a commit. Throws CommandError when there is none, and ImageFileError when it is no text file.
 * @param known the file of another commit, given back when this commit has the same
 */
export async function imageFileAt(git: Git, commit: string, file: string, known?: TreeFile): Promise<TreeFile> {
  const entry = (await git(['ls-tree', commit, '--', file])).trim();
  const [mode = '', , blob = ''] = entry.split(/\s/);
  if (mode === known?.mode && blob === known.blob) return known;
  if (entry === '')
    throw new CommandError(await whatIsMissing(git, commit, file), 'name a cluster and an application of it');
  if (!mode.startsWith('100')) throw new ImageFileError(file, 1, 'the file', 'must be a regular file');
  const text = await git(['cat-file', 'blob', blob]);
  if (text.includes('\uFFFD')) throw new ImageFileError(file, 1, 'the file', 'must be UTF-8');
  return { mode, blob, text };
}

async function whatIsMissing(git: Git, commit: string, file: string): Promise<string> {
  const files = (await git(['ls-tree', '-r', '-z', '--name-only', commit, '--', 'clusters/'])).split('\0');
  const known = files.filter(isImageFile);
  return `main has no ${file}; it has ${known.length === 0 ? 'no image files' : known.join(', ')}`;
}

/** Stores a text and gives the name of its blob. */
export const writeBlob = async (git: Git, text: string): Promise<string> =>
  (await git(['hash-object', '-w', '--stdin'], { input: text })).trim();

/** Makes the index the tree of a commit with one other file. */
export async function setFile(
  { git, index }: Draft,
  commit: string,
  { file, mode, blob }: TreeEntry & { readonly file: string },
): Promise<void> {
  await git(['read-tree', commit], { index });
  await git(['update-index', '--cacheinfo', `${mode},${blob},${file}`], { index });
}

/** Throws CommandError for a build that main does not have, or that is not newer than the present one. */
async function refuseOlder(git: Git, main: string, change: Bump, present: Image): Promise<Age> {
  const { cluster, app, tag, source, allowOlder = false } = change;
  if (source === undefined) return 'unknown';
  await requireMerged(git, main, source);
  const presentSource = await sourceOf(git, main, app, present.digest);
  const age = await compareBuilds(git, main, { present: presentSource, next: source });
  if (allowOlder || (age !== 'older' && age !== 'unrelated')) return age;
  const than = `${app} ${present.tag}, which ${cluster} has, was built from ${presentSource?.slice(0, 12) ?? ''}`;
  const how = age === 'older' ? 'is an older build' : 'is neither an older nor a newer build';
  throw new CommandError(
    `${app} ${tag} of ${source.slice(0, 12)} ${how}: ${than}; nothing was changed`,
    'to deploy it all the same, add --allow-older (make: ALLOW_OLDER=yes)',
  );
}

/** Throws CommandError for a cluster that only gets what another one ran, where that one never had this image. */
async function refuseUnpromoted(
  git: Git,
  { store }: Remote,
  main: string,
  { cluster, app, digest }: Bump,
): Promise<void> {
  const before = clusterBefore(cluster);
  if (before === undefined) return;
  const changes = await readImageChanges(git, store, main, { app, cluster: before });
  if (ranImage(changes, digest) !== undefined) return;
  throw new CommandError(
    `${cluster} only gets what ${before} ran, and ${before} never ran ${digest.slice(0, 19)}; nothing was changed`,
    `deploy it to ${before} first; in an emergency, promote it with --emergency REASON`,
  );
}
