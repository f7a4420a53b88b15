import { join } from 'node:path';
import type { Test } from 'tap';
import { run } from '@gitops/tools/run';
import { type Change, commitToMain, type Remote } from '../src/commit.ts';

export const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

export const imageText = (tag: string, letter: string): string =>
  `# Written by CI.\nimage:\n  tag: "${tag}" # people read this\n  digest: ${digest(letter)}\n`;

/** A commit that writes these files and leaves all others as they are. */
export const writing = (files: Readonly<Record<string, string>>): Change => ({
  author: { name: 'Developer', email: 'developer@localhost' },
  message: `Write ${Object.keys(files).join(', ')}\n`,
  compose: async ({ git, index, parent }) => {
    if (parent !== undefined) await git(['read-tree', parent], { index });
    for (const [file, text] of Object.entries(files)) {
      const blob = (await git(['hash-object', '-w', '--stdin'], { input: text })).trim();
      await git(['update-index', '--add', '--cacheinfo', `100644,${blob},${file}`], { index });
    }
  },
});

export interface Fixture {
  readonly remote: Remote;
  /** Another client of the same repository. */
  readonly other: Remote;
  /** git on the repository itself. */
  readonly git: (...args: string[]) => Promise<string>;
  /** Moves main by a commit without a change, as another push does, and gives the commit. */
  readonly moveMain: () => Promise<string>;
}

/** An empty bare repository, protected as main is on the local machine, and two clients of it. */
export async function serve(t: Test): Promise<Fixture> {
  const folder = t.testdir({});
  const url = join(folder, 'served.git');
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', url]);
  const git = async (...args: string[]): Promise<string> => (await run('git', ['--git-dir', url, ...args])).trim();
  await git('config', 'receive.denyNonFastForwards', 'true');
  const client = (name: string): Remote => ({ url, store: join(folder, name, 'client.git'), advice: 'start it' });
  const moveMain = async (): Promise<string> => {
    const identity = ['-c', 'user.name=Other', '-c', 'user.email=other@localhost'];
    const commit = await git(...identity, 'commit-tree', '-p', 'main', '-m', 'Another push', 'main^{tree}');
    await git('update-ref', 'refs/heads/main', commit);
    return commit;
  };
  return { remote: client('one'), other: client('two'), git, moveMain };
}

/** The same with an image file for each of two applications in every cluster. */
export async function serveImages(t: Test): Promise<Fixture> {
  const fixture = await serve(t);
  const files: Record<string, string> = {};
  for (const cluster of ['local', 'dev', 'staging', 'production'])
    for (const app of ['app', 'other']) files[`clusters/${cluster}/${app}.image.yaml`] = imageText('0', '0');
  await commitToMain(fixture.remote, writing(files));
  return fixture;
}
