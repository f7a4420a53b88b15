import { readdirSync } from 'node:fs';
import t from 'tap';
import { CommandError } from '@gitops/report/errors';
import { bump } from '../src/bump.ts';
import { commitToMain } from '../src/commit.ts';
import { digest, serveImages, writing } from './served-repository.ts';

t.test('bumps and other commits that race all land, and none undoes another', async (t) => {
  const { remote, other, git } = await serveImages(t);
  const before = await git('rev-parse', 'main');
  const bumps = ['a', 'b', 'c', 'd', 'e'].map(async (letter, index) =>
    bump(index % 2 === 0 ? remote : other, {
      ...{ cluster: letter < 'c' ? 'dev' : 'local', app: letter < 'e' ? 'app' : 'other' },
      ...{ tag: `1.${letter}`, digest: digest(letter) },
    }),
  );
  const results = await Promise.all([...bumps, commitToMain(other, writing({ 'README.md': 'in between\n' }))]);
  for (const { commit } of results) await git('merge-base', '--is-ancestor', commit, 'main');
  t.equal(await git('rev-list', '--count', `${before}..main`), '6');
  t.equal(await git('rev-list', '--count', '--merges', 'main'), '0', 'history is linear');
  t.match(await git('show', 'main:clusters/dev/app.image.yaml'), /tag: "1\.[ab]"/);
  t.match(await git('show', 'main:clusters/local/app.image.yaml'), /tag: "1\.[cd]"/);
  t.match(await git('show', 'main:clusters/local/other.image.yaml'), /tag: "1\.e"/);
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
  const { remote, git, moveMain } = await serveImages(t);
  const parents: (string | undefined)[] = [];
  const change = writing({ 'README.md': 'mine\n' });
  const { parent } = await commitToMain(remote, {
    ...change,
    compose: async (draft) => {
      parents.push(draft.parent);
      await change.compose(draft);
      if (parents.length === 1) await moveMain();
    },
  });
  t.equal(parents.length, 2);
  t.equal(parent, parents[1]);
  t.not(parents[0], parents[1]);
  t.equal(await git('show', 'main:README.md'), 'mine');
  t.equal(await git('log', '-2', '--format=%s'), 'Write README.md\nAnother push');
});

t.test('too many lost races in a row are an error, and nothing was pushed', async (t) => {
  const { remote, git, moveMain } = await serveImages(t);
  const change = writing({ 'README.md': 'mine\n' });
  let composed = 0;
  const error = await commitToMain(remote, {
    ...change,
    attempts: 4,
    compose: async (draft) => {
      composed += 1;
      await change.compose(draft);
      await moveMain();
    },
  }).catch((reason: unknown) => reason);
  t.ok(error instanceof CommandError);
  t.match(
    (error as CommandError).message,
    /^another push came first 4 times in a row; nothing was changed \(.*stale info/,
  );
  t.equal(composed, 4);
  t.equal(await git('ls-tree', '--name-only', 'main', 'README.md'), '');
});
