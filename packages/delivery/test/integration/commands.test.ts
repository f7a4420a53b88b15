import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { commitToMain } from '../../src/commit.ts';
import { command } from '../command.ts';
import { host } from '../git-host.ts';
import { bump, promote, scene } from '../scene.ts';
import { digest, imageText, writing } from '../served-repository.ts';
import { TOKEN } from '../stand-in-github.ts';

t.test('bump: for people and machines, from a clone, by its remote; the same again does nothing', async (t) => {
  const { clone, inClone, git } = await scene(t);
  const source = inClone('rev-parse', 'HEAD');
  const first = await command(clone, bump('a'));
  t.match(first, {
    code: 0,
    stderr: '',
    stdout: /^main is at \w{7}: app 1\.a in clusters\/dev\/app\.image\.yaml\n {2}no commit/,
  });
  t.equal(
    await git('log', '-1', '--format=%B', 'main'),
    `Deploy app 1.a to dev\n\nImage: app:1.a@${digest('a')}\nSource-Commit: ${source}\nRequested-By: Ann`,
  );
  t.equal(inClone('rev-parse', 'HEAD', 'origin/main'), `${source}\n${source}`, 'the clone stays as it is');
  t.equal(inClone('status', '--porcelain'), '?? .local/');
  const again = await command(clone, bump('a', '--json'));
  t.match(JSON.parse(again.stdout), { outcome: 'unchanged', files: [], commit: await git('rev-parse', 'main') });
  const other = await command(clone, bump('b', '--json'), { GITHUB_ACTOR: 'octocat' });
  t.match(JSON.parse(other.stdout), {
    outcome: 'deployed',
    source,
    age: 'same',
    files: ['clusters/dev/app.image.yaml'],
  });
  t.match(await git('log', '-1', '--format=%B', 'main'), /^Requested-By: octocat$/m);
});

t.test('bump: a shallow clone and a detached HEAD are no reason to deploy an older build', async (t) => {
  const { clone, inClone, git, remote, moveMain } = await scene(t);
  const old = inClone('rev-parse', 'HEAD');
  const young = await moveMain();
  await commitToMain(remote, writing({ 'README.md': 'more\n' }));
  const shallow = join(t.testdirName, 'shallow');
  spawnSync('git', ['clone', '--quiet', '--depth', '1', `file://${remote.url}`, shallow]);
  t.match(await command(shallow, bump('b', '--commit', young)), { code: 0 });
  const before = await git('rev-parse', 'main');
  t.match(await command(shallow, bump('a', '--commit', old)), {
    code: 1,
    stderr: /^error: app 1\.a .* is an older build: [^\n]*\n next: [^\n]*\n$/,
  });
  inClone('checkout', '--quiet', '--detach');
  t.match(await command(clone, bump('a')), {
    code: 2,
    stderr: /^error: COMMIT \(--commit\) is missing, and HEAD is detached\n next: name the commit [^\n]*\n$/,
  });
  t.equal(await git('rev-parse', 'main'), before);
  t.match(
    await command(clone, bump('c', '--commit', young)),
    { code: 0 },
    'where the commit is named, HEAD does not matter',
  );
});

t.test('every wrong input is one clear line and the next step, and nothing is pushed', async (t) => {
  const { clone, inClone, refs, git } = await scene(t);
  const fails = async (
    args: string[],
    code: number,
    problem: RegExp,
    env: Record<string, string> = {},
  ): Promise<void> => {
    const before = await refs();
    const ended = await command(clone, args, env);
    t.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`);
    t.equal(ended.stdout, '');
    t.match(ended.stderr, /^error: [^\n]+\n next: [^\n]+\n$/);
    t.match(ended.stderr, problem);
    t.equal(await refs(), before, 'nothing is pushed');
  };
  const valid = { cluster: 'dev', app: 'app', tag: '1', digest: digest('a') };
  const bumpOf = (change: Partial<typeof valid>): string[] => [
    'bump',
    ...Object.entries({ ...valid, ...change }).map(([name, value]) => `--${name}=${value}`),
  ];
  for (const tag of ['1"\n  x: y', '$(touch pwned)', '`id`', '1;id', '{{ .Values }}', '&a', 'latest', 'ä', '--help'])
    await fails(bumpOf({ tag }), 2, /^error: --tag: (must be up to 128|latest is not a version)/);
  for (const wrong of ['sha256:abc', digest('A'), digest('a').replace('sha256', 'sha512'), `${digest('a')}\n`])
    await fails(bumpOf({ digest: wrong }), 2, /^error: --digest: must be sha256: and 64/);
  await fails(bumpOf({ digest: '' }), 2, /^error: --digest: is empty/);
  await fails(
    bumpOf({ cluster: 'prod' }),
    1,
    /^error: main has no clusters\/prod\/app\.image\.yaml; it has clusters\/dev\/app/,
  );
  await fails(bumpOf({ app: 'nope' }), 1, /^error: main has no clusters\/dev\/nope\.image\.yaml; it has /);
  await fails(bumpOf({ cluster: '../dev' }), 2, /^error: --cluster: must be lower-case letters/);
  await fails(bumpOf({ app: 'a*' }), 2, /^error: --app: must be lower-case letters/);
  await fails(bumpOf({ cluster: 'staging' }), 1, /^error: staging only gets what dev ran/);
  await fails([...bumpOf({}), '--commit', 'main'], 2, /^error: --commit: must be a full commit/);
  await fails([...bumpOf({}), '--commit', 'f'.repeat(40)], 1, /^error: main does not contain commit ffffffffffff/);
  await fails([...bumpOf({}), '--remote', 'upstream'], 2, /^error: the clone has no remote upstream\n.* origin\n/);
  await fails([...bumpOf({}), '--remote=--upload-pack=id'], 2, /^error: --remote: must be the address/);
  await fails([...bumpOf({}), '--remote', 'ext::sh -c id'], 2, /^error: --remote: must be the address/);
  await fails(
    [...bumpOf({}), '--remote', 'http://me:secret@127.0.0.1:1/x.git'],
    1,
    /^error: Git does not answer at http:\/\/127\.0\.0\.1:1\/x\.git: (?!.*secret)/,
  );
  await fails(bumpOf({}), 2, /^error: GITHUB_TOKEN is empty\n/, { GITHUB_TOKEN: '' });
  await fails(bumpOf({}), 2, /^error: GITHUB_TOKEN is empty\n/, { GITHUB_TOKEN: ' \n' });
  await fails(promote(), 2, /^error: GITHUB_TOKEN is empty\n/, { GITHUB_TOKEN: '' });
  await fails(promote('--digest', digest('c')), 1, /^error: dev never ran app sha256:cccccccccccc…/);
  await fails(promote('--emergency', 'because'), 2, /^error: --emergency: must say why/);
  await fails(promote('--effect', 'nowhere.md'), 2, /^error: EFFECT \(--effect\) cannot be read: /);
  await fails(['comment', '--body', 'nowhere.md', '--pull-request', '1'], 2, /^error: BODY \(--body\) cannot be read/);
  await fails(['comment', '--body', 'README.md'], 2, /^error: PULL_REQUEST \(--pull-request\) is missing/);
  await fails(
    ['comment', '--body', 'x', '--pull-request', '1; id'],
    2,
    /^error: --pull-request: must be a whole number/,
  );

  const file = 'clusters/dev/app.image.yaml';
  for (const [text, problem] of [
    ['image: app:1\n', /dev\/app\.image\.yaml:1: image: must be a map/],
    [`${imageText('0', '0')}  replicas: 3\n`, /dev\/app\.image\.yaml:5: replicas: unknown key/],
    ['<<<<<<< HEAD\n', /dev\/app\.image\.yaml:1: /],
  ] as const) {
    writeFileSync(join(clone, file), text);
    inClone('-c', 'user.email=ann@localhost', 'commit', '--quiet', '--all', '--message', 'Edit by hand');
    inClone('push', '--quiet', 'origin', 'main');
    await fails(bumpOf({}), 1, problem);
  }
  await git('config', 'receive.denyCurrentBranch', 'refuse');
  writeFileSync(join(clone, file), imageText('0', '0'));
  inClone('-c', 'user.email=ann@localhost', 'commit', '--quiet', '--all', '--message', 'Repair');
  inClone('push', '--quiet', 'origin', 'main');
  const hook = join(await git('rev-parse', '--absolute-git-dir'), 'hooks');
  mkdirSync(hook, { recursive: true });
  writeFileSync(join(hook, 'pre-receive'), '#!/bin/sh\necho "GH006: Protected branch update failed" >&2\nexit 1\n', {
    mode: 0o755,
  });
  await fails(
    bumpOf({}),
    1,
    /refuses the push: remote: GH006: Protected branch update failed; .*pre-receive hook declined/,
  );
  t.strictSame(
    readdirSync(clone).filter((name) => name === 'pwned'),
    [],
  );
});

t.test('outside of a clone, everything is named; a token goes to its server alone', async (t) => {
  const { remote, git, moveMain } = await scene(t);
  await git('config', 'http.receivepack', 'true');
  const outside = join(t.testdirName, '../outside-of-any');
  mkdirSync(outside, { recursive: true });
  const env = { GIT_CEILING_DIRECTORIES: join(outside, '..') };
  t.match(await command('/', bump('a'), env), {
    code: 2,
    stderr: /^error: not in a clone, so the repository is unknown/,
  });
  const authorization = `basic ${Buffer.from(`x-access-token:${TOKEN}`).toString('base64')}`;
  const { url, logins } = await host(t, { repository: remote.url, authorization });
  const args = [...bump('a'), '--remote', url, '--commit', await moveMain()];
  const github = { ...env, GITHUB_TOKEN: TOKEN };
  t.match(await command('/', args, github), { code: 1, stderr: /^error: Git does not answer at / });
  t.strictSame(logins, [], 'a token for github.com is not sent elsewhere');
  const ended = await command('/', args, { ...github, GITHUB_SERVER_URL: new URL(url).origin });
  t.match(ended, { code: 0 });
  t.ok(logins.length > 0 && !`${ended.stdout}${ended.stderr}`.includes(TOKEN));
});

t.test('promotions and history: over the clone, and over the remote', async (t) => {
  const { clone, inClone, remote } = await scene(t);
  const source = inClone('rev-parse', 'HEAD');
  await command(clone, bump('a'));
  await command(clone, bump('b', '--commit', source));
  inClone('fetch', '--quiet');
  inClone('merge', '--quiet', '--ff-only', 'origin/main');
  t.match(await command(clone, ['promotions']), { code: 0, stdout: '10 changes of image files: no problems\n' });
  const history = await command(clone, ['history', '--cluster', 'dev', '--app', 'app', '--limit', '2']);
  t.match(
    history.stdout,
    /^WHEN \(UTC\) +CLUSTER +APPLICATION +WHAT +IMAGE +WHO +COMMIT\n.* dev +app +deployed +1\.b@bbbbbbb +Ann +\w{7}\n.* deployed +1\.a@aaaaaaa .*\n$/,
  );
  t.match(await command(clone, ['history'], { ARGOCD_SERVER: '127.0.0.1:1' }), {
    code: 0,
    stderr: /^without Argo CD: Argo CD does not answer at 127\.0\.0\.1:1: /,
    stdout: / added +0@0000000 +Developer /,
  });
  await commitToMain(remote, writing({ 'clusters/production/app.image.yaml': imageText('9', '9') }));
  inClone('pull', '--quiet');
  const wrong = await command(clone, ['promotions']);
  t.match(wrong, {
    code: 1,
    stdout:
      /^\w{12} \d{4}-\d\d-\d\d clusters\/production\/app\.image\.yaml: production gets 9@sha256:999999999999…, which staging never ran\n$/,
    stderr: '1 problem\n',
  });
  t.match(JSON.parse((await command(clone, ['promotions', '--json'])).stdout), { deployments: 11, emergencies: [] });
  const shallow = join(t.testdirName, 'shallow');
  spawnSync('git', ['clone', '--quiet', '--depth', '1', `file://${remote.url}`, shallow]);
  t.match(await command(shallow, ['promotions']), { code: 1, stderr: /^error: the clone is shallow/ });
});
