import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import type { Publication } from '@gitops/delivery/commit';
import { gitIn, isAncestor } from '@gitops/delivery/git';
import { CommandError } from '@gitops/report/errors';
import { run } from '@gitops/tools/run';
import type { Application } from '../src/argocd-api.ts';
import { beginBuild, type Build, refuseOlderBuild, rememberBuild } from '../src/builds.ts';
import type { Instance } from '../src/instance.ts';
import { overtaken, overtakenInWords } from '../src/overtaken.ts';
import { choosePorts } from '../src/ports.ts';
import {
  createRepository,
  publishedImage,
  publishImage,
  publishWorkTree,
  repositoryURL,
  servedRepository,
} from '../src/repository.ts';
import { type PushPayload, pushPayload } from '../src/webhook.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

/** A real Git server over a small work tree, and the webhooks that it sends. */
async function serve(t: Test): Promise<{ instance: Instance; url: string; received: PushPayload[] }> {
  const root = t.testdir({
    'README.md': 'hello\n',
    '.gitignore': '.local/\nignored/\n',
    clusters: {
      local: {
        'app.image.yaml': `# CI's\nimage:\n  tag: "0"\n  digest: ${digest('0')}\n`,
        'app.yaml': 'replicas: 1\n',
      },
    },
    'with space': { 'ümlaut.txt': 'x' },
  });
  const instance: Instance = { root, dir: join(root, '.local'), cluster: 'local' };
  const received: PushPayload[] = [];
  const argo = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      received.push(JSON.parse(body) as PushPayload);
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(argo, 'listening');
  t.teardown(() => argo.close());
  const { port } = argo.address() as { port: number };

  await createRepository(instance);
  const ports = await choosePorts(instance, () => true);
  const server = spawn(
    process.execPath,
    [
      resolve(import.meta.dirname, '../src/git-server.ts'),
      servedRepository(instance),
      String(ports.git),
      `http://127.0.0.1:${port}/api/webhook`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.teardown(() => server.kill());
  await once(createInterface(server.stdout), 'line');
  return { instance, url: repositoryURL(ports.git), received };
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !condition();) {
    if (Date.now() > end) throw new Error('not within 10 s');
    await new Promise((done) => setTimeout(done, 20));
  }
}

t.test(
  'the work tree is published without ignored files, and every push sends the webhook that GitHub would',
  async (t) => {
    const { instance, url, received } = await serve(t);
    const first = await publishWorkTree(instance, url);
    t.equal(first.parent, undefined);
    t.same([...first.files].sort(), [
      '.gitignore',
      'README.md',
      'clusters/local/app.image.yaml',
      'clusters/local/app.yaml',
      'with space/ümlaut.txt',
    ]);
    writeFileSync(join(instance.root, 'README.md'), 'changed\n');
    mkdirSync(join(instance.root, 'ignored'));
    writeFileSync(join(instance.root, 'ignored/x'), 'x');
    const second = await publishWorkTree(instance, url);
    t.same(second.files, ['README.md']);
    t.equal(second.parent, first.commit);
    await until(() => received.length === 2);
    t.match(received[1], {
      ref: 'refs/heads/main',
      before: first.commit,
      after: second.commit,
      repository: { html_url: url.replace(/\.git$/, ''), default_branch: 'main' },
      commits: [{ added: [], modified: ['README.md'], removed: [] }],
    });
    t.same((await publishWorkTree(instance, url)).files, [], 'nothing new is no commit');
    t.equal(await isAncestor(gitIn(servedRepository(instance)), first.commit, second.commit), true);
    t.equal(await isAncestor(gitIn(servedRepository(instance)), second.commit, first.commit), false);
  },
);

t.test('the work tree and images that are published at the same time all land, and none undoes another', async (t) => {
  const { instance, url } = await serve(t);
  await publishWorkTree(instance, url);
  writeFileSync(
    join(instance.root, 'clusters/local/other.image.yaml'),
    `image:\n  tag: "0"\n  digest: ${digest('0')}\n`,
  );
  await publishWorkTree(instance, url);
  const ships = ['a', 'b', 'c', 'd', 'e'].map(async (letter) =>
    publishImage(instance, url, letter < 'c' ? 'app' : 'other', { tag: `1.${letter}`, digest: digest(letter) }),
  );
  writeFileSync(join(instance.root, 'README.md'), 'in the middle of it\n');
  const results = await Promise.all([...ships, publishWorkTree(instance, url)]);
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', ['--git-dir', servedRepository(instance), ...args])).trim();
  for (const { commit } of results)
    t.equal(await isAncestor(gitIn(servedRepository(instance)), commit, await git('rev-parse', 'main')), true);
  t.equal(await git('rev-list', '--count', 'main'), '8');
  t.match((await publishedImage(instance, 'app'))?.tag, /^1\.[ab]$/);
  t.match((await publishedImage(instance, 'other'))?.tag, /^1\.[cde]$/);
  t.equal(await git('show', 'main:README.md'), 'in the middle of it');
});

t.test('a ship that another one overtook says which', async (t) => {
  const { instance, url } = await serve(t);
  await publishWorkTree(instance, url);
  const publish = async (tag: string): Promise<Publication> =>
    publishImage(instance, url, 'app', { tag, digest: digest(tag.slice(-1)) });
  const [first, second, third] = [await publish('1.a'), await publish('1.b'), await publish('1.c')];
  writeFileSync(join(instance.root, 'README.md'), 'of another Application\n');
  const other = await publishWorkTree(instance, url);
  const at = (revision: string, ...history: readonly string[]): Application => ({
    metadata: {
      name: 'app',
      annotations: { 'argocd.argoproj.io/manifest-generate-paths': '/clusters/local/app.image.yaml' },
    },
    spec: {},
    status: { sync: { revision }, history: history.map((entry, id) => ({ id, deployedAt: '', revision: entry })) },
  });
  const found = await overtaken(instance, first, [at(other.commit, second.commit)]);
  t.strictSame(found, [
    { application: 'app', by: third.commit, subject: 'Deploy app 1.c to local', commits: 2, wasDeployed: false },
  ]);
  t.equal(
    found.map((each) => overtakenInWords(first.commit, each)).join(),
    `Overtaken: app runs ${third.commit.slice(0, 7)} (Deploy app 1.c to local), the newest of 2 commits that came after ` +
      `${first.commit.slice(0, 7)}, which was not deployed by itself.`,
  );
  t.match(await overtaken(instance, second, [at(third.commit, second.commit)]), [{ commits: 1, wasDeployed: true }]);
  t.strictSame(await overtaken(instance, third, [at(other.commit)]), [], 'what came after is about something else');
  t.strictSame(await overtaken(instance, third, [at(third.commit)]), []);
});

t.test('an older build that is pushed last is refused, whatever else was pushed meanwhile', async (t) => {
  const { instance, url } = await serve(t);
  await publishWorkTree(instance, url);
  await run('git', ['-C', instance.root, 'init', '--quiet']);
  const begin = async (): Promise<Build> => beginBuild(instance.root, ['README.md', 'with space']);
  const older = await begin();
  t.equal((await begin()).inputs, older.inputs, 'the same files');
  writeFileSync(join(instance.root, 'README.md'), 'changed\n');
  const newer = { ...(await begin()), began: older.began + 3000 };
  t.not(newer.inputs, older.inputs);

  const ship = async (tag: string, build: Build): Promise<Publication> => {
    const image = { tag, digest: digest(tag.slice(-1)) };
    rememberBuild(instance, image.digest, build);
    return publishImage(instance, url, 'app', image, (present) => {
      refuseOlderBuild(instance, 'app', image, build, present);
    });
  };
  await ship('2.b', newer);
  await t.rejects(ship('2.a', older), {
    message:
      'app 2.a is an older build than 2.b, which main has: it was built from other files, and began 3.0 s earlier; nothing was changed',
  });
  t.equal((await publishedImage(instance, 'app'))?.tag, '2.b');
  t.equal((await ship('2.c', { ...newer, began: older.began })).files.length, 1, 'of the same files, in any order');
  t.equal(
    (await publishImage(instance, url, 'app', { tag: '2.a', digest: digest('a') })).files.length,
    1,
    'on purpose',
  );
  t.equal((await ship('2.d', older)).files.length, 1, 'over the same files');
});

t.test('main cannot be rewritten', async (t) => {
  const { instance, url } = await serve(t);
  const { commit } = await publishWorkTree(instance, url);
  await publishImage(instance, url, 'app', { tag: '1', digest: digest('1') });
  await t.rejects(
    run('git', [
      '--git-dir',
      join(instance.dir, 'git/client.git'),
      'push',
      '--force',
      url,
      `${commit}:refs/heads/main`,
    ]),
    /non-fast-forward|denying/,
  );
});

t.test(
  'an application without an image file is named, and a server that does not answer says what to do',
  async (t) => {
    const { instance, url } = await serve(t);
    await publishWorkTree(instance, url);
    const missing = publishImage(instance, url, 'nope', { tag: '1', digest: digest('1') });
    await t.rejects(missing, { message: 'main has no clusters/local/nope.image.yaml' });
    const away = await publishWorkTree(instance, 'http://127.0.0.1:1/x.git').catch((error: unknown) => error);
    t.ok(away instanceof CommandError);
    t.equal((away as CommandError).next, 'run `make up`');
  },
);

t.test('a webhook lists added, changed and removed files, whatever their names', async (t) => {
  const { instance, url } = await serve(t);
  const { commit } = await publishWorkTree(instance, url);
  const push = pushPayload({
    repository: servedRepository(instance),
    repositoryURL: url,
    ref: 'refs/heads/main',
    before: undefined,
    after: commit,
  });
  t.equal(push.before, '0'.repeat(40));
  t.ok(push.commits[0]?.added.includes('with space/ümlaut.txt'));
  t.equal(push.commits[0]?.added.length, 5);
});

t.test('a service that is new comes with its first image; one that is gone takes its image file along', async (t) => {
  const { instance, url } = await serve(t);
  await publishWorkTree(instance, url);
  const file = join(instance.root, 'clusters/local/other.image.yaml');
  writeFileSync(file, `# CI's\nimage:\n  tag: "0.0.0"\n  digest: ${digest('0')}\n`);
  const image = { tag: '1.0', digest: digest('b') };
  const added = await publishWorkTree(instance, url, new Map([['other', image]]));
  t.strictSame(added.files, ['clusters/local/other.image.yaml'], 'in one commit');
  t.strictSame(await publishedImage(instance, 'other'), image);
  t.match(readFileSync(file, 'utf8'), '0.0.0', 'the work tree stays');
  // Whatever else is known of an image is not about the commit.
  await publishImage(instance, url, 'other', { tag: '1.1', digest: digest('c'), source: 'https://x' } as typeof image);
  t.strictSame((await publishWorkTree(instance, url)).files, [], 'shipped images stay');
  rmSync(file);
  t.strictSame((await publishWorkTree(instance, url)).files, ['clusters/local/other.image.yaml']);
  t.equal(await publishedImage(instance, 'other'), undefined);
});
