import { readFileSync } from 'node:fs';
import { join, matchesGlob, resolve } from 'node:path';
import t from 'tap';
import { bump } from '../src/bump.ts';
import { commitToMain } from '../src/commit.ts';
import { gitIn } from '../src/git.ts';
import { imageFile } from '../src/image-file.ts';
import { pushPromotion } from '../src/promotion.ts';
import { RELEASE_PATHS, releaseReason } from '../src/triggers.ts';
import { digest, serveImages, writing } from './served-repository.ts';

const isReleased = (file: string): boolean => RELEASE_PATHS.some((path) => matchesGlob(file, path));

t.test('what the image is built from is what starts a release, and an image file never is', (t) => {
  const dockerfile = readFileSync(resolve(import.meta.dirname, '../../../service/Dockerfile'), 'utf8').replaceAll(
    '${SERVICE}',
    'service',
  );
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  );
  t.ok(copied.length > 8, copied.join(' '));
  for (const source of copied) t.ok(isReleased(source) || isReleased(join(source, 'x/y.ts')), source);
  for (const cluster of ['dev', 'production']) t.notOk(isReleased(imageFile(cluster, 'fastify-service')));
  for (const path of RELEASE_PATHS) t.notMatch(path, /^(\*|clusters)/);
  t.end();
});

t.test('a bump and a promotion start no release; a change of the service does, also between them', async (t) => {
  const { remote, git } = await serveImages(t);
  const reader = gitIn(remote.url);
  const releases = async (base: string) => (await releaseReason(reader, base, 'refs/heads/main')).files;
  const start = await git('rev-parse', 'main');
  await bump(remote, { cluster: 'dev', app: 'app', tag: '1', digest: digest('a') });
  const promotion = await pushPromotion(remote, { app: 'app', from: 'dev', to: 'staging' });
  await git('update-ref', 'refs/heads/main', promotion?.commit ?? '');
  t.strictSame(await releases(start), []);
  const deployed = await git('rev-parse', 'main');
  await commitToMain(remote, writing({ 'service/README.md': 'x', 'clusters/dev/app.yaml': 'x', 'docs/x.md': 'x' }));
  t.strictSame(await releases(start), [], 'nor does what is not in the image');
  await commitToMain(remote, writing({ 'service/src/a/b.ts': 'x' }));
  await bump(remote, { cluster: 'dev', app: 'app', tag: '2', digest: digest('b') });
  t.strictSame(await releases(start), ['service/src/a/b.ts']);
  t.strictSame(await releases(deployed), ['service/src/a/b.ts']);
  t.strictSame(await releases('0'.repeat(40)), ['service/src/a/b.ts'], 'a first push');
  await t.rejects(releases('f'.repeat(40)), { message: `the clone does not have commit ${'f'.repeat(40)}` });

  // The trailer alone excuses nothing: people can write it as well.
  const before = await git('rev-parse', 'main');
  const change = writing({ 'service/build.ts': 'x' });
  await commitToMain(remote, { ...change, message: `Build faster\n\nImage: app:1@${digest('a')}\n` });
  t.strictSame(await releases(before), ['service/build.ts']);
});
