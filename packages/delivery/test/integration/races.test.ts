import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bump } from '../../src/bump.ts';
import { commitToMain, type Remote } from '../../src/commit.ts';
import { host } from '../git-host.ts';
import { digest, imageText, serve, writing } from '../served-repository.ts';

const BUMPERS = 20;
const ROUNDS = 10;
const APPS = ['app', 'other', 'third'];
const fileOf = (app: string): string => `clusters/dev/${app}.image.yaml`;

t.test(
  `${BUMPERS} concurrent bumpers, ${ROUNDS} rounds over three image files, against a Git server over HTTP`,
  async (t) => {
    const { remote, git } = await serve(t);
    await git('config', 'http.receivepack', 'true');
    const files = Object.fromEntries(APPS.map((app) => [fileOf(app), imageText('0', '0')]));
    await commitToMain(remote, writing(files));
    const source = await git('rev-parse', 'main');
    const { url } = await host(t, { repository: remote.url });
    const clients: Remote[] = [];
    for (let number = 0; number < BUMPERS; number += 1)
      clients.push({ url, store: join(t.testdirName, `client-${number}`, 'store.git'), advice: '' });

    for (let round = 0; round < ROUNDS; round += 1) {
      const before = await git('rev-parse', 'main');
      const wishes = clients.map((client, number) => ({
        ...{ client, cluster: 'dev', app: APPS[number % APPS.length] ?? '', tag: `${round}.${number}`, source },
        digest: digest((number % 16).toString(16)),
      }));
      const results = await Promise.all(wishes.map(async ({ client, ...wish }) => bump(client, wish)));

      const landed = (await git('rev-list', '--reverse', `${before}..main`)).split('\n');
      t.strictSame([...landed].sort(), results.map(({ commit }) => commit).sort(), `round ${round}: no update is lost`);
      t.equal(await git('rev-list', '--merges', '--count', 'main'), '0', 'history is linear');
      for (const [number, { commit, parent = '' }] of results.entries()) {
        const { app, tag, digest: wanted } = wishes[number] ?? { app: '', tag: '', digest: '' };
        const diff = (await git('diff', '--unified=0', '--no-color', parent, commit))
          .split('\n')
          .filter((line) => /^(\+|-|diff)/.test(line));
        t.equal(diff[0], `diff --git a/${fileOf(app)} b/${fileOf(app)}`);
        t.equal(diff.filter((line) => line.startsWith('diff')).length, 1, 'one file');
        t.ok(diff.includes(`+  tag: "${tag}" # people read this`), `${commit} sets the tag`);
        const digests = diff.filter((line) => line.startsWith('+  digest: '));
        t.ok(digests.every((line) => line === `+  digest: ${wanted}`) && diff.length <= 7, diff.join('\n'));
      }
      for (const app of APPS) {
        const last = landed.findLast((commit) =>
          results.some((result, number) => result.commit === commit && wishes[number]?.app === app),
        );
        const index = results.findIndex(({ commit }) => commit === last);
        t.match(
          await git('show', `main:${fileOf(app)}`),
          `tag: "${wishes[index]?.tag ?? ''}"`,
          'main has the last one',
        );
      }
    }
    t.equal(await git('for-each-ref', '--format=%(refname)'), 'refs/heads/main', 'no branch stays');
    t.strictSame(
      readdirSync(remote.url, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lock')),
      [],
      'and no lock',
    );
    await git('fsck', '--strict');
  },
);

t.test('of builds that finish in any order, the newest stays', async (t) => {
  const { remote, git, moveMain } = await serve(t);
  await git('config', 'http.receivepack', 'true');
  await commitToMain(remote, writing({ [fileOf('app')]: imageText('0', '0') }));
  const { url } = await host(t, { repository: remote.url });
  const builds: string[] = [];
  for (let number = 0; number < 8; number += 1) builds.push(await moveMain());
  const shuffled = builds.map((source, number) => ({ source, number })).sort(() => Math.random() - 0.5);
  const outcomes = await Promise.allSettled(
    shuffled.map(async ({ source, number }) =>
      bump(
        { url, store: join(t.testdirName, `build-${number}`, 'store.git'), advice: '' },
        { cluster: 'dev', app: 'app', tag: `build-${number}`, digest: digest(number.toString(16)), source },
      ),
    ),
  );
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') t.match(outcome.reason, { message: /is an older build/ });
  t.match(await git('show', `main:${fileOf('app')}`), 'tag: "build-7"');
  const tags = (await git('log', '--reverse', '--format=%s', 'main')).match(/build-\d/g) ?? [];
  t.strictSame(tags, [...tags].sort(), 'and main never went back');
});
