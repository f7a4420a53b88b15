// ci.yml and platform.yml for pull requests, executed by act. What is real and what stands in: release-workflow.test.ts.
import { existsSync } from 'node:fs';
import t from 'tap';
import { AWS_ENABLED, callsOf, ended, madeIn, openScene, variablesOf } from '../../src/scene.ts';
import { trustsOfStacks } from '../../src/trusts.ts';

const OPTIONS = {
  real: ['install', 'ci-role', 'comment', 'promote'],
  trusts: trustsOfStacks(t.testdir({})),
  ...AWS_ENABLED,
};
const PLATFORM = { 'platform/src/new.ts': 'export {};\n' };

t.test('a pull request of a branch: tested, its effect as a comment, a plan of each account', async (t) => {
  const scene = await openScene(t, OPTIONS);
  scene.git('checkout', '--quiet', '-b', 'feature');
  scene.commit(PLATFORM);
  scene.answer({ diff: { writes: { '.local/diff.md': 'nothing changes' } } });
  const outcome = await scene.pullRequest();
  ended(t, outcome, { ci: 0, platform: 0 });
  t.strictSame(madeIn(outcome, 'ci').sort(), [
    'effect charts',
    'effect comment',
    'effect diff',
    'promotions promotions',
    'test charts',
    'test test',
  ]);
  t.strictSame(variablesOf(outcome, 'test', 'REQUIRE_CHARTS'), ['1']);
  t.match(callsOf(outcome, 'diff')[0]?.variables, { BASE: 'HEAD^', MARKDOWN: '.local/diff.md' });
  t.match(callsOf(outcome, 'comment')[0]?.variables, { BODY: '.local/diff.md', GITHUB_TOKEN: /./ });
  const checkout = outcome.calls.find(({ action, job }) => action === 'actions/checkout' && job === 'effect');
  t.equal(checkout?.commits, 3, 'the merge commit, with main and the branch');

  t.strictSame(
    scene.github.assumed.sort(),
    ['1', '2', '3'].map((digit) => `platform/plan arn:aws:iam::${digit.repeat(12)}:role/gitops-platform-plan`),
  );
  t.strictSame(
    variablesOf(outcome, 'plan', 'STACK'),
    ['dev', 'production', 'staging'].flatMap((cluster) => [`${cluster}-cluster`, `${cluster}-network`]),
  );
  t.strictSame(callsOf(outcome, 'apply'), []);

  scene.git('checkout', '--quiet', '-b', 'other', 'origin/main');
  scene.commit({ 'README.md': 'A readme\n' });
  scene.answer({ diff: { code: 1, writes: { '.local/diff.md': '1 change must not be merged' } } });
  const blocked = await scene.pullRequest();
  ended(t, blocked, { ci: 1 });
  t.match(
    scene.github.comments,
    [{ body: /1 change must not be merged/, by: 'ci/effect' }],
    'a change that must not be merged is shown all the same, in the comment that is there',
  );
  t.equal(scene.github.comments.length, 1);
  t.strictSame(
    scene.github.refused.filter((line) => !line.includes('/user')),
    [],
  );
});

t.test('a pull request of a fork: no token that writes, no role; its effect is in the summary', async (t) => {
  const scene = await openScene(t, OPTIONS);
  scene.git('checkout', '--quiet', '-b', 'feature');
  scene.commit(PLATFORM);
  const outcome = await scene.pullRequest({ isFork: true });
  ended(t, outcome, { ci: 0, platform: 0 });
  t.strictSame(callsOf(outcome, 'comment'), []);
  t.match(callsOf(outcome, 'diff'), [{ args: [/^MARKDOWN=\/.+/], variables: { BASE: 'HEAD^' } }]);
  t.strictSame(madeIn(outcome, 'platform'), []);
  t.strictSame([scene.github.assumed, scene.github.refused], [[], []], 'it does not even ask');
});

t.test('a title, a branch and an input that are shell commands are not run', async (t) => {
  const scene = await openScene(t, OPTIONS);
  const mark = `${t.testdir({})}/mark`;
  // It would write to the list of calls, which then could not be read.
  scene.git('checkout', '--quiet', '-b', 'x;echo${IFS}injected>>$STAND_IN_LOG;');
  scene.commit({ 'README.md': 'A readme\n' });
  scene.answer({ diff: { writes: { '.local/diff.md': 'nothing changes' } } });
  const outcome = await scene.pullRequest({ title: `"; touch ${mark}; \`touch ${mark}\` $(touch ${mark})` });
  ended(t, outcome, { ci: 0 });
  scene.git('checkout', '--quiet', 'main');
  const digest = `$(touch ${mark})`;
  const promoted = await scene.dispatch('promote', { from: 'staging', to: 'production', digest });
  t.strictSame(variablesOf(promoted, 'promote', 'DIGEST'), [digest]);
  t.match(promoted.log, /DIGEST: must be sha256: and 64 lower-case hex digits/, 'the command refuses it');
  t.notOk(existsSync(mark));
});
