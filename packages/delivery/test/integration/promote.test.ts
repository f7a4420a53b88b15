import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { commitToMain } from '../../src/commit.ts';
import { command } from '../command.ts';
import { bump, promote, scene } from '../scene.ts';
import { digest, imageText, writing } from '../served-repository.ts';
import { REPOSITORY, standInGitHub, TOKEN } from '../stand-in-github.ts';

t.test('promote: without a token the branch is pushed, and it says what to do', async (t) => {
  const { clone, git } = await scene(t);
  await command(clone, bump('a'));
  const branch = `promote/app/staging/${'a'.repeat(12)}`;
  t.match(await command(clone, promote()), {
    code: 0,
    stdout: new RegExp(
      `^pushed branch ${branch}: Promote app 1\\.a from dev to staging\nGITHUB_TOKEN is not set, so open it yourself .*: a pull request from ${branch} to main of `,
    ),
  });
  t.match(await git('log', '-1', '--format=%B', branch), /^Promoted-From: dev$/m);
  const json = JSON.parse((await command(clone, promote('--json'))).stdout) as Record<string, unknown>;
  t.match(json, { outcome: 'proposed', branch, image: { tag: '1.a' }, title: 'Promote app 1.a from dev to staging' });
});

t.test('promote and comment: one pull request, one comment, kept up to date (GitHub is a stand-in)', async (t) => {
  const { clone, git, remote } = await scene(t);
  const github = await standInGitHub(t);
  const env = {
    GITHUB_TOKEN: TOKEN,
    GITHUB_API_URL: github.api,
    GITHUB_REPOSITORY: REPOSITORY,
    GITHUB_ACTOR: '@all; $(id)',
  };
  writeFileSync(join(clone, 'effect.md'), '### What this merge changes in the clusters\n');
  await command(clone, bump('a'), env);
  const first = await command(clone, promote('--effect', 'effect.md'), env);
  t.match(first, { code: 0, stdout: /\npull request 1: https:\/\/github\.com\/acme\/platform\/pull\/1\n$/ });
  t.match(github.pulls[0], {
    title: 'Promote app 1.a from dev to staging',
    head: { ref: `promote/app/staging/${'a'.repeat(12)}` },
  });
  t.match(
    github.pulls[0]?.body,
    /### What this merge changes in the clusters\n\n```\nImage: app:1\.a@.*\n.*\nRequested-By: @all; \$\(id\)\n/,
  );
  await command(clone, promote('--effect', 'effect.md'), env);
  t.equal(github.pulls.length, 1, 'the same again opens no other');
  t.notOk(github.calls.includes('PATCH /repos/acme/platform/pulls/1'), 'and changes nothing');
  await command(clone, promote(), env);
  t.match(github.pulls[0]?.body, /was not rendered/, 'another text is brought up to date');

  github.pulls.push({
    ...{ number: 99, title: 'Evil', body: '', state: 'open', html_url: '' },
    head: { ref: 'promote/app/staging/x', repo: { full_name: 'evil/platform' } },
  });
  await command(clone, bump('b'), env);
  t.match(await command(clone, promote(), env), { code: 0 });
  t.strictSame(
    github.pulls.map(({ title, state }) => [title, state]),
    [
      ['Promote app 1.a from dev to staging', 'closed'],
      ['Evil', 'open'],
      ['Promote app 1.b from dev to staging', 'open'],
    ],
    'a newer one closes the older one, and none of a fork',
  );
  t.match(github.comments, [{ issue: 1, body: 'Replaced by #2.' }]);

  const emergency = ['promote', '--from', 'dev', '--to', 'production', '--app', 'app', '--emergency', 'Login is down'];
  const loud = await command(clone, emergency, env);
  t.match(loud, { code: 0, stderr: 'EMERGENCY: the rules of promotion do not hold: Login is down (@all; $(id))\n' });
  t.match(github.pulls.at(-1)?.title, /^EMERGENCY: Promote app 1\.b from dev to production/);

  github.failure = {
    status: 422,
    body: '{"message":"Validation Failed","errors":[{"message":"No commits\\nbetween"}]}',
  };
  await commitToMain(remote, writing({ 'clusters/staging/other.image.yaml': imageText('0', '0') }));
  const refused = await command(clone, promote('--digest', digest('a')), env);
  t.match(refused, {
    code: 1,
    stderr:
      'error: GitHub answers GET /repos/acme/platform/pulls with 422: Validation Failed; No commits between\n next: run the command again\n',
  });
  github.failure = undefined;
  t.match(await command(clone, promote('--digest', digest('a')), env), { code: 0 }, 'and the next run goes on');
  t.match(await command(clone, promote(), { ...env, GITHUB_API_URL: 'http://127.0.0.1:1' }), {
    code: 1,
    stderr: /^error: GitHub does not answer at http:\/\/127\.0\.0\.1:1: /,
  });
  t.equal(await git('rev-list', '--merges', '--count', 'main'), '0');

  const comment = async (text: string, more: Record<string, string> = {}) => {
    writeFileSync(join(clone, 'diff.md'), text);
    return command(clone, ['comment', '--body', 'diff.md'], { ...env, GITHUB_REF: 'refs/pull/7/merge', ...more });
  };
  github.comments.length = 0;
  const marker = '<!-- gitops-platform: diff -->';
  for (let id = 1000; id < 1150; id += 1)
    github.comments.push({ ...{ id, issue: 7, body: 'x', html_url: '' }, user: { login: 'ann', type: 'User' } });
  github.comments.push({
    ...{ id: 2000, issue: 7, body: `${marker}\nall is well`, html_url: '' },
    user: { login: 'evil', type: 'User' },
  });
  t.match(await comment('one'), { code: 0, stdout: /^the comment on pull request 7 is created: https:/ });
  t.match(await comment('one'), { stdout: 'the comment on pull request 7 is unchanged\n' });
  t.match(await comment('two'), { stdout: /is updated: / });
  const copy = github.comments.at(-1);
  if (copy !== undefined) github.comments.push({ ...copy, id: 3000 });
  t.match(await comment('three'), { stdout: /is updated: / }, 'a copy that another run made is deleted');
  t.strictSame(
    github.comments.filter(({ user }) => user.type === 'Bot').map(({ body }) => body),
    [`${marker}\nthree\n`],
  );
  t.equal(github.comments.find(({ id }) => id === 2000)?.body, `${marker}\nall is well`, 'that of somebody else stays');
  t.match(await comment('x'.repeat(65_600)), {
    code: 1,
    stderr: /^error: the comment has 656\d\d characters, and GitHub takes 65536/,
  });
  t.match(await comment(' \n'), { code: 1, stderr: /^error: the comment is empty/ });
  t.match(await comment('x', { GITHUB_TOKEN: 'wrong' }), { code: 1, stderr: /with 401: Bad credentials\n/ });
});
