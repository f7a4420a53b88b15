// platform.yml on main and the scheduled workflows, executed by act. What is real and what stands in:
// release-workflow.test.ts.
import t from 'tap';
import { AWS_ENABLED, callsOf, ended, madeIn, openScene, variablesOf } from '../../src/scene.ts';
import { trustsOfStacks } from '../../src/trusts.ts';

const OPTIONS = { real: ['install', 'ci-role'], trusts: trustsOfStacks(t.testdir({})), ...AWS_ENABLED };
const PLATFORM = { 'platform/src/new.ts': 'export {};\n' };
const CLUSTERS = ['dev', 'staging', 'production'];

t.test('on main: each cluster after the one before it, by the role of its environment', async (t) => {
  const scene = await openScene(t, OPTIONS);
  scene.commit(PLATFORM);
  const outcome = await scene.push();
  ended(t, outcome, { ci: 0, platform: 0 });
  t.strictSame(
    madeIn(outcome, 'platform'),
    CLUSTERS.map((name) => `apply-${name} apply`),
  );
  t.match(
    callsOf(outcome, 'apply'),
    CLUSTERS.map((CLUSTER) => ({ variables: { CLUSTER, YES: 'yes' } })),
  );
  t.strictSame(
    scene.github.assumed,
    ['1', '2', '3'].map((digit, index) => {
      const cluster = CLUSTERS[index] ?? '';
      return `platform/apply-${cluster} arn:aws:iam::${digit.repeat(12)}:role/gitops-platform-deploy-${cluster}`;
    }),
  );
  scene.answer({ apply: { code: 1 } });
  scene.commit({ 'platform/src/new.ts': 'export const more = 1;\n' });
  const failed = await scene.push();
  t.strictSame(madeIn(failed, 'platform'), ['apply-dev apply'], 'a failure in dev stops the others');
});

t.test('without a state that jobs can find, nothing is applied', async (t) => {
  const scene = await openScene(t, { ...OPTIONS, edits: [] });
  scene.commit(PLATFORM);
  const outcome = await scene.push();
  ended(t, outcome, { ci: 0, platform: 1 });
  t.match(outcome.log, /error: the state is on one machine, where a CI job does not find it/);
  t.strictSame([madeIn(outcome, 'platform'), scene.github.assumed], [[], []]);
});

t.test('at night: load on dev, and what differs from Git', async (t) => {
  const scene = await openScene(t, OPTIONS);
  const outcome = await scene.schedule();
  ended(t, outcome, { drift: 0, load: 0 });
  t.strictSame(variablesOf(outcome, 'load', 'ADDRESS'), ['https://service.dev.example.com']);
  t.strictSame(variablesOf(outcome, 'drift', 'CLUSTER'), [...CLUSTERS].sort());
  t.strictSame(
    scene.github.assumed.sort(),
    ['1', '2', '3'].map((digit) => `drift/aws arn:aws:iam::${digit.repeat(12)}:role/gitops-platform-plan`),
  );
  t.strictSame(variablesOf(outcome, 'check', 'REQUIRE_CHARTS'), ['1']);
});

t.test('before AWS is set up, a push is only tested, and what needs AWS does not start', async (t) => {
  const scene = await openScene(t, { real: ['install'] });
  scene.commit({ ...PLATFORM, 'service/src/new.ts': 'export {};\n' });
  const pushed = await scene.push();
  ended(t, pushed, { ci: 0, platform: 0, release: 0 });
  t.strictSame([...madeIn(pushed, 'release'), ...madeIn(pushed, 'platform')], []);
  const night = await scene.schedule();
  ended(t, night, { drift: 0, load: 0 });
  t.strictSame(madeIn(night, 'drift').sort(), ['values charts', 'values check', 'vulnerabilities scan']);
  t.strictSame(madeIn(night, 'load'), []);
});
