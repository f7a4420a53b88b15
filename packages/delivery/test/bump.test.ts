import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CommandError } from '@gitops/report/errors';
import { bump } from '../src/bump.ts';
import type { Remote } from '../src/commit.ts';
import { ImageFileError } from '../src/image-file.ts';
import { digest, imageText, serve, serveImages } from './served-repository.ts';

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
  t.same(again, { commit, parent: commit, files: [] }, 'the same image again makes no commit');
  t.equal(await git('rev-parse', 'main'), commit);
});

t.test('what cannot be pushed is an error with the next step, and main stays', async (t) => {
  const empty = await serve(t);
  const image = { cluster: 'dev', app: 'app', tag: '1', digest: digest('1') };
  const fails = async (remote: Remote, change: Partial<typeof image> = {}): Promise<unknown> =>
    bump(remote, { ...image, ...change }).catch((error: unknown) => error);
  t.match(await fails(empty.remote), { message: `${empty.remote.url} has no branch main`, next: 'start it' });

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
