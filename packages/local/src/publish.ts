import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { type Image, readImage, setImage } from '@gitops/settings/image-file';
import { run, RunError } from '@gitops/tools/run';
import { type Instance, statePath } from './instance.ts';

/** One commit on the local Git server's main. */
export interface Publication {
  readonly commit: string;
  /** main before; undefined for the first commit. */
  readonly parent: string | undefined;
  /** The changed files; empty where main already held all of it and no commit was made. */
  readonly files: readonly string[];
}

const MAIN = 'refs/heads/main';
const IMAGE_FILES = /^clusters\/[^/]+\/[^/]+\.image\.yaml$/;

/** The served repository. */
export const servedRepository = (instance: Instance): string => join(instance.dir, 'git/gitops-platform.git');

/** Where it is served. */
export const repositoryURL = (port: number): string => `http://127.0.0.1:${port}/gitops-platform.git`;

type Git = (
  args: readonly string[],
  options?: { index?: string; input?: string; env?: Record<string, string> },
) => Promise<string>;

/** git on a folder of its own: the user's configuration, index and branches are neither read nor written. */
function gitIn(gitDir: string, workTree?: string): Git {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  return async (args, options = {}) =>
    run('git', ['--git-dir', gitDir, ...(workTree === undefined ? [] : ['--work-tree', workTree]), ...args], {
      ...(options.input === undefined ? {} : { input: options.input }),
      // Paths such as `.` are meant from the work tree's top, wherever the command was given.
      ...(workTree === undefined ? {} : { cwd: workTree }),
      env: {
        ...inherited,
        GIT_TERMINAL_PROMPT: '0',
        ...(options.index === undefined ? {} : { GIT_INDEX_FILE: options.index }),
        ...options.env,
      },
    });
}

/** Makes the served repository where there is none. */
export async function createRepository(instance: Instance): Promise<void> {
  const path = statePath(instance, 'git/gitops-platform.git');
  if (existsSync(join(path, 'created'))) return;
  rmSync(path, { recursive: true, force: true });
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  const git = gitIn(path);
  await git(['config', 'http.receivepack', 'true']);
  // What a protected branch does: nobody rewrites or deletes what Argo CD deployed.
  await git(['config', 'receive.denyNonFastForwards', 'true']);
  await git(['config', 'receive.denyDeletes', 'true']);
  writeFileSync(join(path, 'created'), '');
}

/** A client's repository, in which commits are put together before they are pushed like anybody's. */
async function openClient(instance: Instance): Promise<string> {
  const path = statePath(instance, 'git/client.git');
  if (!existsSync(join(path, 'HEAD'))) await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  return path;
}

async function serverMain(git: Git, url: string): Promise<string | undefined> {
  const line = await git(['ls-remote', url, MAIN]).catch((error: unknown) => {
    throw error instanceof RunError
      ? new CommandError(`the local Git server does not answer: ${error.stderr.trim()}`, 'run `make up`')
      : error;
  });
  const commit = line.split('\t')[0]?.trim();
  if (commit === undefined || commit === '') return undefined;
  await git(['fetch', '--quiet', '--no-write-fetch-head', url, commit]);
  return commit;
}

/**
 * Makes one commit on top of the server's main and pushes it. When somebody else's push came first, it is put together
 * anew on top of theirs, so that neither gets lost.
 * @param compose puts the new tree together in the index that it is given
 */
async function commitToMain(
  instance: Instance,
  url: string,
  author: { name: string; email: string },
  message: string,
  workTree: string | undefined,
  compose: (git: Git, index: string, parent: string | undefined) => Promise<void>,
): Promise<Publication> {
  const client = await openClient(instance);
  const git = gitIn(client, workTree);
  const scratch = mkdtempSync(join(client, 'index-'));
  const index = join(scratch, 'index');
  const identity = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  };
  try {
    for (let attempt = 1; ; attempt += 1) {
      const parent = await serverMain(git, url);
      rmSync(index, { force: true });
      await compose(git, index, parent);
      const tree = (await git(['write-tree'], { index })).trim();
      if (parent !== undefined && tree === (await git(['rev-parse', `${parent}^{tree}`])).trim())
        return { commit: parent, parent, files: [] };

      const commit = (
        await git(['commit-tree', tree, ...(parent === undefined ? [] : ['-p', parent]), '-F', '-'], {
          input: message,
          env: identity,
        })
      ).trim();
      const changes =
        parent === undefined
          ? ['ls-tree', '-r', '-z', '--name-only', commit]
          : ['diff-tree', '-r', '-z', '--no-renames', '--name-only', parent, commit];
      const files = (await git(changes)).split('\0').filter((file) => file !== '');
      try {
        // The lease is what makes a lost update impossible: main must still be the parent.
        await git(['push', '--quiet', `--force-with-lease=${MAIN}:${parent ?? ''}`, url, `${commit}:${MAIN}`]);
        return { commit, parent, files };
      } catch (error) {
        if (
          !(error instanceof RunError) ||
          !/stale info|rejected|cannot lock ref|failed to update ref/.test(error.stderr)
        )
          throw error;
        if (attempt === 10)
          throw new CommandError(
            'main moved ten times while this commit was put together; nothing was changed',
            'run the command again',
          );
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Publishes the work tree as it is, committed or not, without what .gitignore names. The image files are CI's: those
 * that the server has stay as they are there.
 */
export async function publishWorkTree(instance: Instance, url: string): Promise<Publication> {
  const user = async (key: string, otherwise: string): Promise<string> =>
    (await run('git', ['-C', instance.root, 'config', key]).catch(() => '')).trim() || otherwise;
  const author = { name: await user('user.name', 'Developer'), email: await user('user.email', 'developer@localhost') };
  const client = await openClient(instance);
  // The clone's own list of files to leave out counts as much as .gitignore does.
  const exclude = (
    await run('git', ['-C', instance.root, 'rev-parse', '--path-format=absolute', '--git-path', 'info/exclude']).catch(
      () => '',
    )
  ).trim();
  if (exclude !== '' && existsSync(exclude)) copyFileSync(exclude, statePath(instance, 'git/client.git/info/exclude'));

  return commitToMain(instance, url, author, 'Publish the work tree\n', instance.root, async (git, index, parent) => {
    // From the last publication's index, which knows the files' times, so that only changed ones are read.
    const last = join(client, 'published-index');
    if (existsSync(last)) copyFileSync(last, index);
    await git(['add', '--all', '--', '.'], { index });
    copyFileSync(index, last);
    if (parent === undefined) return;
    const listing = await git(['ls-tree', '-r', '-z', parent, '--', 'clusters/']);
    const kept = listing.split('\0').filter((entry) => IMAGE_FILES.test(entry.split('\t')[1] ?? ''));
    await git(['update-index', '--add', '-z', '--index-info'], {
      index,
      input: kept.map((entry) => `${entry}\0`).join(''),
    });
  });
}

/** Where CI writes an application's image for one cluster. */
export const imageFile = (cluster: string, application: string): string =>
  `clusters/${cluster}/${application}.image.yaml`;

/**
 * CI's part of a deployment: one commit that sets tag and digest in one image file, comments and formatting kept.
 * Throws CommandError where main has no such file.
 */
export async function publishImage(
  instance: Instance,
  url: string,
  application: string,
  image: Image,
): Promise<Publication> {
  const file = imageFile(instance.cluster, application);
  const author = { name: 'CI', email: 'ci@localhost' };
  return commitToMain(
    instance,
    url,
    author,
    `Deploy ${application} ${image.tag} to ${instance.cluster}\n`,
    undefined,
    async (git, index, parent) => {
      if (parent === undefined) throw new CommandError('the local Git server has no main yet', 'run `make up`');
      const entry = (await git(['ls-tree', parent, '--', file])).trim();
      if (entry === '')
        throw new CommandError(
          `main has no ${file}`,
          'APP names an application that has an image file; `make status` lists them',
        );
      const text = setImage(await git(['cat-file', 'blob', `${parent}:${file}`]), image, file);
      const blob = (await git(['hash-object', '-w', '--stdin'], { input: text })).trim();
      await git(['read-tree', parent], { index });
      await git(['update-index', '--cacheinfo', `100644,${blob},${file}`], { index });
    },
  );
}

/** The image that main holds for an application of this cluster; undefined where it has no image file. */
export async function publishedImage(instance: Instance, application: string): Promise<Image | undefined> {
  const file = imageFile(instance.cluster, application);
  const text = await gitIn(servedRepository(instance))(['cat-file', 'blob', `${MAIN}:${file}`]).catch(
    (error: unknown) => {
      if (error instanceof RunError) return undefined;
      throw error;
    },
  );
  return text === undefined ? undefined : readImage(text, file);
}

/** The server's main; undefined before the first commit. */
export async function publishedCommit(instance: Instance): Promise<string | undefined> {
  const line = await gitIn(servedRepository(instance))(['for-each-ref', '--format=%(objectname)', MAIN]);
  return line.trim() === '' ? undefined : line.trim();
}

/** Whether `ancestor` is `commit` or stands somewhere before it on the server. */
export async function isAncestor(instance: Instance, ancestor: string, commit: string): Promise<boolean> {
  try {
    await gitIn(servedRepository(instance))(['merge-base', '--is-ancestor', ancestor, commit]);
    return true;
  } catch (error) {
    if (error instanceof RunError) return false;
    throw error;
  }
}
