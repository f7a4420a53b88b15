import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { CommandError } from '@gitops/report/errors';
import { bump } from '../src/bump.ts';
import { commitToMain, type Remote } from '../src/commit.ts';
import { ImageFileError } from '../src/image-file.ts';
import { digest, imageText, serve, serveImages, writing } from './served-repository.ts';

t.test('a bump is one commit that changes tag and digest in one image file', async (t) => {
  const { remote, git } = await serveImages(t);
  const before = await git('rev-parse', 'main');
  const image = { tag: '1.10', digest: digest('a') };
  const { commit, parent, files, age } = await bump(remote, { cluster: 'dev', app: 'app', ...image });
  t.equal(age, 'unknown', 'no commit says what the image was built from');
  t.equal(parent, before);
  t.equal(await git('rev-parse', 'main'), commit);
  t.same(files, ['clusters/dev/app.image.yaml']);
  t.equal(await git('show', 'main:clusters/dev/app.image.yaml'), imageText('1.10', 'a').trim());
  t.equal(await git('diff', '--numstat', `${before}..main`), '2\t2\tclusters/dev/app.image.yaml');
  t.equal(await git('log', '-1', '--format=%s|%an|%ae|%cn'), 'Deploy app 1.10 to dev|CI|ci@localhost|CI');

  const again = await bump(remote, { cluster: 'dev', app: 'app', ...image });
  t.match(again, { commit, parent: commit, files: [] }, 'the same image again makes no commit');
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
  t.match(await fails(remote, { app: 'nope' }), {
    message: /^main has no clusters\/dev\/nope\.image\.yaml; it has clusters\/dev\/app\.image\.yaml, /,
  });
  t.match(await fails(remote, { cluster: 'nope' }), { message: /^main has no clusters\/nope\/app\.image\.yaml; / });
  const away = await fails({ ...remote, url: 'http://127.0.0.1:1/x.git' });
  t.ok(away instanceof CommandError);
  t.match(away, { message: /^Git does not answer at http:\/\/127\.0\.0\.1:1\/x\.git: /, next: 'start it' });
  t.ok((await fails(remote, { tag: 'latest' })) instanceof ImageFileError);
  t.ok((await fails(remote, { digest: 'sha256:abc' })) instanceof ImageFileError);
  t.equal(await git('rev-parse', 'main'), before);

  await git('config', 'receive.maxInputSize', '10');
  const refused = await fails(remote);
  t.ok(refused instanceof CommandError);
  t.match(refused, { message: /^.* refuses the push: .*maximum allowed size.*$/, next: /^nothing was changed/ });
  t.equal(await git('rev-parse', 'main'), before);
});

t.test('an image file that is no regular file, or not UTF-8, is refused', async (t) => {
  const { remote, git } = await serveImages(t);
  const image = { cluster: 'dev', app: 'app', tag: '1', digest: digest('1') };
  const put = async (mode: string, content: string): Promise<void> => {
    const file = join(t.testdirName, 'content');
    writeFileSync(file, content, 'latin1');
    await commitToMain(remote, {
      ...writing({}),
      message: 'Edit by hand\n',
      compose: async ({ git, index, parent = '' }) => {
        const blob = (await git(['hash-object', '-w', file])).trim();
        await git(['read-tree', parent], { index });
        await git(['update-index', '--cacheinfo', `${mode},${blob},clusters/dev/app.image.yaml`], { index });
      },
    });
  };
  await put('120000', imageText('0', '0'));
  await t.rejects(bump(remote, image), { message: 'clusters/dev/app.image.yaml:1: the file: must be a regular file' });
  await put('100755', imageText('0', '0'));
  await bump(remote, image);
  t.match(await git('ls-tree', 'main', 'clusters/dev/app.image.yaml'), /^100755 /, 'its mode stays');
  await put('100644', `${imageText('0', '0')}# caf\xe9\n`);
  const before = await git('rev-parse', 'main');
  await t.rejects(bump(remote, { ...image, tag: '2' }), {
    message: 'clusters/dev/app.image.yaml:1: the file: must be UTF-8',
  });
  t.equal(await git('rev-parse', 'main'), before);
});

t.test('an older build never overwrites a newer one, unless told', async (t) => {
  const { remote, git, moveMain } = await serveImages(t);
  const old = await moveMain();
  const young = await moveMain();
  const image = (letter: string, source: string | undefined) => ({
    ...{ cluster: 'dev', app: 'app', tag: `1.${letter}`, digest: digest(letter), source },
  });
  t.match(await bump(remote, image('b', old)), { age: 'unknown' }, 'nobody knows what image 0 was built from');
  t.match(await bump(remote, image('c', young)), { age: 'newer' });
  const before = await git('rev-parse', 'main');
  await t.rejects(bump(remote, image('b', old)), {
    message: `app 1.b of ${old.slice(0, 12)} is an older build: app 1.c, which dev has, was built from ${young.slice(0, 12)}; nothing was changed`,
    next: /--allow-older/,
  });
  t.equal(await git('rev-parse', 'main'), before);
  t.match(await bump(remote, image('d', young)), { age: 'same' }, 'another build of the same commit');
  t.match(await bump(remote, { ...image('b', old), allowOlder: true }), { age: 'older' });
  t.match(await bump(remote, image('c', young)), { age: 'newer' }, 'the digest says where it came from, not the file');
});

t.test('after a lost race, the image that came first is compared as well', async (t) => {
  const { remote, other, git, moveMain } = await serveImages(t);
  const old = await moveMain();
  const young = await moveMain();
  const image = (letter: string, source: string) => ({
    ...{ cluster: 'dev', app: 'app', tag: `1.${letter}`, digest: digest(letter), source },
  });
  const { commit: winner } = await bump(other, image('c', young));
  await git('update-ref', 'refs/heads/main', young);
  // The newer build lands while the remote takes the push of the older one.
  const hook = join(remote.url, 'hooks/pre-receive');
  mkdirSync(dirname(hook), { recursive: true });
  writeFileSync(
    hook,
    `#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/main ${winner} ${young} || true\n`,
  );
  chmodSync(hook, 0o755);
  await t.rejects(bump(remote, image('b', old)), {
    message: /app 1\.b of \w+ is an older build: app 1\.c, which dev has/,
  });
  t.equal(await git('rev-parse', 'main'), winner);
  await git('update-ref', 'refs/heads/main', young);
  const { commit, parent } = await bump(remote, { ...image('d', young), app: 'other' });
  t.equal(parent, winner, 'another application is built again on top of it');
  t.equal(await git('rev-parse', 'main'), commit);
  t.equal(await git('diff', '--numstat', `${winner}..main`), '2\t2\tclusters/dev/other.image.yaml');
});

t.test('the commit of a build is found by its digest, whatever a merge made of the message', async (t) => {
  const { remote, git, moveMain } = await serveImages(t);
  const old = await moveMain();
  const young = await moveMain();
  await bump(remote, { cluster: 'dev', app: 'app', tag: '2', digest: digest('c'), source: young });
  // A squash merge of a promotion, whose trailers are in the middle of a text.
  await commitToMain(remote, {
    ...writing({ 'clusters/staging/app.image.yaml': imageText('2', 'c') }),
    message: `Promote (#7)\n\n* Promote\n\nImage: app:2@${digest('c')}\n\nCo-authored-by: A <a@b>\n`,
  });
  await bump(remote, { cluster: 'dev', app: 'app', tag: '3', digest: digest('d'), source: young });
  await bump(remote, { cluster: 'dev', app: 'app', tag: '1', digest: digest('b'), source: old, allowOlder: true });
  await t.rejects(bump(remote, { cluster: 'staging', app: 'app', tag: '1', digest: digest('b'), source: old }), {
    message: /is an older build: app 2, which staging has/,
  });
  t.match(await git('log', '-1', '--format=%B', 'main'), `Image: app:1@${digest('b')}\nSource-Commit: ${old}`);
});

t.test('only what main contains is deployed, and only what the cluster before it ran', async (t) => {
  const { remote, git } = await serveImages(t);
  const identity = ['-c', 'user.name=Other', '-c', 'user.email=other@localhost'];
  const branch = await git(...identity, 'commit-tree', '-p', 'main', '-m', 'Not merged', 'main^{tree}');
  const image = { app: 'app', tag: '1', digest: digest('1') };
  const before = await git('rev-parse', 'main');
  for (const source of [branch, 'f'.repeat(40)])
    await t.rejects(bump(remote, { cluster: 'dev', ...image, source }), {
      message: `main does not contain commit ${source.slice(0, 12)}, from which the image was built`,
    });
  await t.rejects(bump(remote, { cluster: 'staging', ...image }), {
    message: /^staging only gets what dev ran, and dev never ran sha256:111111111111; nothing was changed$/,
  });
  t.equal(await git('rev-parse', 'main'), before);
  await bump(remote, { cluster: 'dev', ...image });
  await bump(remote, { cluster: 'dev', ...image, tag: '2', digest: digest('2') });
  await bump(remote, { cluster: 'staging', ...image });
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
