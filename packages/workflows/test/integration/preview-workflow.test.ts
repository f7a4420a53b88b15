// preview.yml, executed by act. What is real and what stands in: release-workflow.test.ts.
import { existsSync } from 'node:fs';
import t from 'tap';
import { AWS_ENABLED, callsOf, ended, madeIn, openScene, variablesOf } from '../../src/scene.ts';
import { trustsOfStacks } from '../../src/trusts.ts';

const URL = 'http://pr-7.preview.dev.example.com';
const IMAGE = { outputs: { tag: 'commit', digest: `sha256:${'1'.repeat(64)}`, url: URL } };
const OPTIONS = { real: ['install', 'ci-role'], trusts: trustsOfStacks(t.testdir({})), ...AWS_ENABLED };
const SERVICE = { 'service/src/new.ts': 'export {};\n' };
const ROLE = 'preview/image arn:aws:iam::111111111111:role/gitops-platform-preview-push';

t.test('a labelled pull request of a branch: an image of its newest commit, each time that there is one', async (t) => {
  const scene = await openScene(t, OPTIONS);
  scene.answer({ image: IMAGE });
  scene.git('checkout', '--quiet', '-b', 'feature');
  const commit = scene.commit(SERVICE);
  const outcome = await scene.pullRequest({ action: 'labeled', labels: ['bug', 'preview'] });
  ended(t, outcome, { preview: 0 });
  t.strictSame(madeIn(outcome, 'preview'), ['image image']);
  t.match(callsOf(outcome, 'image')[0]?.variables, {
    ...{ TAG: commit, PREVIEW: '7' },
    AWS_ACCESS_KEY_ID: 'keys-of-gitops-platform-preview-push',
  });
  const checkout = outcome.calls.find(({ action }) => action === 'actions/checkout');
  t.equal((checkout as { commit?: string } | undefined)?.commit, commit, 'and not the merge commit');
  t.strictSame([scene.github.assumed, scene.github.refused, scene.github.pushes], [[ROLE], [], []]);

  const next = scene.commit({ 'service/src/new.ts': 'export const more = 1;\n' });
  const pushed = await scene.pullRequest({ action: 'synchronize', labels: ['preview'] });
  t.equal(pushed.codes.preview, 0, pushed.log);
  t.strictSame(variablesOf(pushed, 'image', 'TAG'), [next]);
});

t.test('a pull request without the label, and any that is opened or closed, builds nothing', async (t) => {
  const scene = await openScene(t, OPTIONS);
  scene.git('checkout', '--quiet', '-b', 'feature');
  scene.commit({ 'README.md': 'A readme\n' });
  for (const labels of [[], ['previews', 'no preview']]) {
    const outcome = await scene.pullRequest({ action: 'labeled', labels });
    ended(t, outcome, { preview: 0 });
    t.strictSame(outcome.calls, [], labels.join());
  }
  for (const action of ['unlabeled', 'closed']) ended(t, await scene.pullRequest({ action, labels: ['preview'] }), {});
  t.strictSame(scene.github.assumed, []);
});

t.test('a labelled pull request of a fork: nothing runs, no role is asked for', async (t) => {
  const scene = await openScene(t, OPTIONS);
  scene.git('checkout', '--quiet', '-b', 'feature');
  scene.commit({ 'README.md': 'A readme\n' });
  const outcome = await scene.pullRequest({ isFork: true, action: 'labeled', labels: ['preview'] });
  ended(t, outcome, { preview: 0 });
  t.strictSame(outcome.calls, []);
  t.strictSame([scene.github.assumed, scene.github.refused], [[], []]);
});

t.test('a title, a branch and a label that are shell commands are not run', async (t) => {
  const scene = await openScene(t, OPTIONS);
  const mark = `${t.testdir({})}/mark`;
  const shell = `"; touch ${mark}; \`touch ${mark}\` $(touch ${mark})`;
  scene.git('checkout', '--quiet', '-b', 'x;echo${IFS}injected>>$STAND_IN_LOG;');
  scene.commit({ 'README.md': 'A readme\n' });
  scene.answer({ image: IMAGE });
  const outcome = await scene.pullRequest({ title: shell, action: 'labeled', labels: [shell, 'preview'] });
  ended(t, outcome, { preview: 0 });
  t.strictSame(madeIn(outcome, 'preview'), ['image image']);
  t.notOk(existsSync(mark));
});

t.test('until AWS is set up there are no previews', async (t) => {
  const scene = await openScene(t, { real: [] });
  scene.git('checkout', '--quiet', '-b', 'feature');
  scene.commit({ 'README.md': 'A readme\n' });
  t.strictSame((await scene.pullRequest({ action: 'labeled', labels: ['preview'] })).calls, []);
});
