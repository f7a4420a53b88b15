import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bump } from '@gitops/delivery/bump';
import { commitToMain, type Draft, MAIN, type Publication, type Remote } from '@gitops/delivery/commit';
import { askClone, gitIn } from '@gitops/delivery/git';
import { type Image, imageFile, isImageFile, readImage, setImage } from '@gitops/delivery/image-file';
import { run, RunError } from '@gitops/tools/run';
import { type Instance, statePath } from './instance.ts';

const NAME = 'gitops-platform.git';

/** The folder of the repository that the local Git server serves. */
export const servedRepository = (instance: Instance): string => join(instance.dir, 'git', NAME);

/** Where it is served. */
export const repositoryURL = (port: number): string => `http://127.0.0.1:${port}/${NAME}`;

/** The same for packages/delivery, with a folder for the commits that this machine makes. */
const remoteOf = (instance: Instance, url: string): Remote => ({
  url,
  store: statePath(instance, 'git/client.git'),
  advice: 'run `make up`',
});

/** Creates the served repository when it is missing. */
export async function createRepository(instance: Instance): Promise<void> {
  const path = servedRepository(instance);
  const complete = join(path, 'created');
  if (existsSync(complete)) return;
  rmSync(path, { recursive: true, force: true });
  mkdirSync(dirname(path), { recursive: true });
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  const git = gitIn(path);
  await git(['config', 'http.receivepack', 'true']);
  // As on a protected branch: no forced push and no deletion of what Argo CD deployed.
  await git(['config', 'receive.denyNonFastForwards', 'true']);
  await git(['config', 'receive.denyDeletes', 'true']);
  writeFileSync(complete, '');
}

/**
 * Publishes the work tree as it is, committed or not, without the files that .gitignore and the clone's info/exclude
 * name. Image files belong to CI: those on the server stay as they are, unless the work tree has none of that name.
 * @param first images of services that the server does not have yet, by their names
 */
export async function publishWorkTree(
  instance: Instance,
  url: string,
  first: ReadonlyMap<string, Image> = new Map(),
): Promise<Publication> {
  const author = {
    name: ((await askClone(instance.root, 'config', 'user.name')) ?? '') || 'Developer',
    email: ((await askClone(instance.root, 'config', 'user.email')) ?? '') || 'developer@localhost',
  };
  const exclude =
    (await askClone(instance.root, 'rev-parse', '--path-format=absolute', '--git-path', 'info/exclude')) ?? '';
  const remote = remoteOf(instance, url);
  // The index of the last publication knows the files' times, so that only changed files are read.
  const lastIndex = join(remote.store, 'published-index');

  const compose = async ({ git, index, parent }: Draft): Promise<void> => {
    mkdirSync(join(remote.store, 'info'), { recursive: true });
    if (existsSync(exclude)) copyFileSync(exclude, join(remote.store, 'info/exclude'));
    if (existsSync(lastIndex)) copyFileSync(lastIndex, index);
    await git(['add', '--all', '--', '.'], { index });
    copyFileSync(index, `${index}.last`);
    renameSync(`${index}.last`, lastIndex);
    for (const [service, image] of first) {
      const file = imageFile(instance.cluster, service);
      const input = setImage(readFileSync(join(instance.root, file), 'utf8'), image, file);
      const blob = (await git(['hash-object', '-w', '--stdin'], { input })).trim();
      await git(['update-index', '--add', '--cacheinfo', `100644,${blob},${file}`], { index });
    }
    if (parent === undefined) return;
    const entries = (await git(['ls-tree', '-r', '-z', parent, '--', 'clusters/'])).split('\0');
    const kept = entries.filter((entry) => {
      const file = entry.split('\t')[1] ?? '';
      return isImageFile(file) && existsSync(join(instance.root, file));
    });
    const input = kept.map((entry) => `${entry}\0`).join('');
    await git(['update-index', '--add', '-z', '--index-info'], { index, input });
  };
  const message = 'Publish the work tree\n';
  return commitToMain(remote, { author, message, workTree: instance.root, compose });
}

/**
 * Sets an application's image in the local cluster, as CI does. Throws as `bump` does.
 * @param mayReplace refuses to replace the image that main has by throwing
 */
export async function publishImage(
  instance: Instance,
  url: string,
  app: string,
  image: Image,
  mayReplace: (present: Image) => void = () => undefined,
): Promise<Publication> {
  // Not whatever else the image has: a `source` would be taken for the commit that it was built from.
  const { tag, digest, platforms } = image;
  return bump(remoteOf(instance, url), { cluster: instance.cluster, app, tag, digest, platforms, mayReplace });
}

/** The image of an application on the server's main; undefined when it has no image file. */
export async function publishedImage(instance: Instance, app: string): Promise<Image | undefined> {
  const file = imageFile(instance.cluster, app);
  try {
    return readImage(await gitIn(servedRepository(instance))(['cat-file', 'blob', `${MAIN}:${file}`]), file);
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

/** The server's main; undefined before the first commit. */
export async function publishedCommit(instance: Instance): Promise<string | undefined> {
  const line = (await gitIn(servedRepository(instance))(['for-each-ref', '--format=%(objectname)', MAIN])).trim();
  return line === '' ? undefined : line;
}
