import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { CommandError } from '@gitops/report/errors';
import { run } from '@gitops/tools/run';
import { bump } from '../src/bump.ts';
import { type Change, commitToMain, type Remote } from '../src/commit.ts';
import { ImageFileError } from '../src/image-file.ts';

const author = { name: 'Developer', email: 'developer@localhost' };
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const imageText = (tag: string, letter: string): string =>
  `# Written by CI.\nimage:\n  tag: "${tag}" # people read this\n  digest: ${digest(letter)}\n`;

/** A commit that writes one file and leaves all others as they are. */
const writing = (file: string, text: string): Change => ({
  author,
  message: `Write ${file}\n`,
  compose: async ({ git, index, parent }) => {
    if (parent !== undefined) await git(['read-tree', parent], { index });
    const blob = (await git(['hash-object', '-w', '--stdin'], { input: text })).trim();
    await git(['update-index', '--add', '--cacheinfo', `100644,${blob},${file}`], { index });
  },
});

interface Fixture {
  readonly remote: Remote;
  /** Another client of the same repository. */
  readonly other: Remote;
  /** git on the repository itself. */
  readonly git: (...args: string[]) => Promise<string>;
}

/** An empty bare repository, protected as main is on the local machine, and two clients of it. */
async function serve(t: Test): Promise<Fixture> {
  const folder = t.testdir({});
  const url = join(folder, 'served.git');
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', url]);
  const git = async (...args: string[]): Promise<string> => (await run('git', ['--git-dir', url, ...args])).trim();
  await git('config', 'receive.denyNonFastForwards', 'true');
  const client = (name: string): Remote => ({ url, store: join(folder, name, 'client.git'), advice: 'start it' });
  return { remote: client('one'), other: client('two'), git };
}

/** The same with an image file for two applications of two clusters. */
async function serveImages(t: Test): Promise<Fixture> {
  const fixture = await serve(t);
  for (const cluster of ['dev', 'staging'])
    for (const app of ['app', 'other'])
      await commitToMain(fixture.remote, writing(`clusters/${cluster}/${app}.image.yaml`, imageText('0', '0')));
  return fixture;
}

t.test('a bump is one commit that changes tag and digest in one image file', async (t) => {
  const { remote, git } = await serveImages(t);
  const before = await git('rev-parse', 'main');
  const image = { tag: '1.10', digest: digest('a') };
  const { commit, parent, files } = await bump(remote, { cluster: 'dev', app: 'app', ...image });
  t.equal(parent, before);
  t.equal(await git('rev-parse', 'main'), commit);
  t.same(files, ['clusters/dev/app.image.yaml']);
  t.equal(await git('show', 'main:clusters/dev/app.image.yaml'), imageText('1.10', 'a').trim());
  t.equal(await git('diff', '--numstat', `${before}..main`), '2\t2\tclusters/dev/app.image.yaml');
  t.equal(await git('log', '-1', '--format=%s|%an|%ae|%cn'), 'Deploy app 1.10 to dev|CI|ci@localhost|CI');

  const again = await bump(remote, { cluster: 'dev', app: 'app', ...image });
  t.same(again, { commit, parent: commit, files: [] }, 'the same image again is no commit');
  t.equal(await git('rev-parse', 'main'), commit);
});

t.test('bumps and other commits that race all land, and none undoes another', async (t) => {
  const { remote, other, git } = await serveImages(t);
  const before = await git('rev-parse', 'main');
  const bumps = ['a', 'b', 'c', 'd', 'e'].map(async (letter, index) =>
    bump(index % 2 === 0 ? remote : other, {
      ...{ cluster: letter < 'c' ? 'dev' : 'staging', app: letter < 'e' ? 'app' : 'other' },
      ...{ tag: `1.${letter}`, digest: digest(letter) },
    }),
  );
  const results = await Promise.all([...bumps, commitToMain(other, writing('README.md', 'in between\n'))]);
  for (const { commit } of results) await git('merge-base', '--is-ancestor', commit, 'main');
  t.equal(await git('rev-list', '--count', `${before}..main`), '6');
  t.equal(await git('rev-list', '--count', '--merges', 'main'), '0', 'history is linear');
  t.match(await git('show', 'main:clusters/dev/app.image.yaml'), /tag: "1\.[ab]"/);
  t.match(await git('show', 'main:clusters/staging/app.image.yaml'), /tag: "1\.[cd]"/);
  t.match(await git('show', 'main:clusters/staging/other.image.yaml'), /tag: "1\.e"/);
  t.match(await git('show', 'main:clusters/dev/other.image.yaml'), /tag: "0"/);
  t.equal(await git('show', 'main:README.md'), 'in between');
  for (const { commit } of results.slice(0, 5))
    t.match(await git('show', '--numstat', '--format=', commit), /^2\t2\tclusters\/\S+\.image\.yaml$/);
  for (const { store } of [remote, other])
    t.same(
      readdirSync(store).filter((name) => name.startsWith('index-')),
      [],
      'no scratch file stays',
    );
});

t.test('a lost race builds the commit again on top of the other push', async (t) => {
  const { remote, other, git } = await serveImages(t);
  const parents: (string | undefined)[] = [];
  const change = writing('README.md', 'mine\n');
  const { parent } = await commitToMain(remote, {
    ...change,
    compose: async (draft) => {
      parents.push(draft.parent);
      await change.compose(draft);
      if (parents.length === 1) await commitToMain(other, writing('NOTES.md', 'theirs\n'));
    },
  });
  t.equal(parents.length, 2);
  t.equal(parent, parents[1]);
  t.not(parents[0], parents[1]);
  t.same([await git('show', 'main:README.md'), await git('show', 'main:NOTES.md')], ['mine', 'theirs']);
});

t.test('ten lost races in a row are an error, and nothing was pushed', async (t) => {
  const { remote, other, git } = await serveImages(t);
  const change = writing('README.md', 'mine\n');
  let attempts = 0;
  const error = await commitToMain(remote, {
    ...change,
    compose: async (draft) => {
      attempts += 1;
      await change.compose(draft);
      await commitToMain(other, writing('NOTES.md', `${attempts}\n`));
    },
  }).catch((reason: unknown) => reason);
  t.ok(error instanceof CommandError);
  t.match((error as CommandError).message, 'another push came first 10 times in a row; nothing was changed');
  t.equal(attempts, 10);
  t.equal(await git('ls-tree', '--name-only', 'main', 'README.md'), '');
});

t.test('what cannot be pushed is an error with the next step, and main stays', async (t) => {
  const empty = await serve(t);
  const image = { cluster: 'dev', app: 'app', tag: '1', digest: digest('1') };
  const fails = async (remote: Remote, change: Partial<typeof image> = {}): Promise<unknown> =>
    bump(remote, { ...image, ...change }).catch((error: unknown) => error);
  t.match(await fails(empty.remote), { message: `${empty.remote.url} has no main`, next: 'start it' });

  const { remote, git } = await serveImages(t);
  const before = await git('rev-parse', 'main');
  t.match(await fails(remote, { app: 'nope' }), { message: 'main has no clusters/dev/nope.image.yaml' });
  t.match(await fails(remote, { cluster: 'nope' }), { message: 'main has no clusters/nope/app.image.yaml' });
  const away = await fails({ ...remote, url: 'http://127.0.0.1:1/x.git' });
  t.ok(away instanceof CommandError);
  t.match(away, { message: /^Git does not answer at http:\/\/127\.0\.0\.1:1\/x\.git: /, next: 'start it' });
  t.ok((await fails(remote, { tag: 'latest' })) instanceof ImageFileError);
  t.ok((await fails(remote, { digest: 'sha256:abc' })) instanceof ImageFileError);
  t.equal(await git('rev-parse', 'main'), before);

  await git('config', 'receive.maxInputSize', '10');
  const refused = await fails(remote);
  t.ok(refused instanceof CommandError);
  t.match(refused, { message: /refuses the push: [^]*maximum allowed size/, next: /^nothing was changed/ });
  t.equal(await git('rev-parse', 'main'), before);
});

t.test("the caller's GIT_* variables have no effect", async (t) => {
  const { remote, git } = await serveImages(t);
  const elsewhere = join(t.testdirName, 'elsewhere');
  process.env.GIT_DIR = elsewhere;
  process.env.GIT_INDEX_FILE = join(elsewhere, 'index');
  t.teardown(() => {
    delete process.env.GIT_DIR;
    delete process.env.GIT_INDEX_FILE;
  });
  const { commit } = await bump(remote, { cluster: 'dev', app: 'app', tag: '1', digest: digest('1') });
  t.equal(await git('rev-parse', 'main'), commit);
  t.notOk(existsSync(elsewhere));
});
