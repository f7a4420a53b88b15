// release.yml and promote.yml, executed by act. Real are their steps, conditions and outputs, Git over HTTP, and the
// targets of make in REAL; `make image`, `make charts`, `make test` and the actions of others are stand-ins
// (../../src/stand-ins), as are GitHub and AWS.
import t from 'tap';
import { AWS_ENABLED, callsOf, ended, madeIn, openScene, variablesOf } from '../../src/scene.ts';
import { trustsOfStacks } from '../../src/trusts.ts';

const DIGEST = `sha256:${'1'.repeat(64)}`;
const REGISTRY = '111111111111.dkr.ecr.us-east-1.amazonaws.com';
const PLATFORMS = 'linux/amd64,linux/arm64';
const IMAGE = {
  outputs: { tag: '0.1.0-abc', digest: DIGEST, platforms: PLATFORMS, repository: `${REGISTRY}/fastify-service` },
};
const SERVICE = { 'service/src/new.ts': 'export {};\n' };
const REAL = ['install', 'ci-role', 'sbom', 'scan', 'image-scan', 'bump', 'promote', 'promotions', 'diff'];
const OPTIONS = { real: REAL, trusts: trustsOfStacks(t.testdir({})), ...AWS_ENABLED };

t.test('a push that touches the service: built once, attested, deployed to dev, proposed for staging', async (t) => {
  process.env.OF_THE_HOST = 'secret';
  const scene = await openScene(t, OPTIONS);
  scene.answer({ image: IMAGE });
  const commit = scene.commit(SERVICE);
  const outcome = await scene.push();
  ended(t, outcome, { ci: 0, release: 0 });
  t.strictSame(madeIn(outcome, 'release'), [
    'image sbom',
    'image scan',
    'image image',
    'image image-scan',
    'bump bump',
    'promote charts',
    'promote diff',
    'promote promote',
  ]);
  t.strictSame(scene.github.assumed, ['release/image arn:aws:iam::111111111111:role/gitops-platform-image-push']);
  t.strictSame(variablesOf(outcome, 'image', 'AWS_ACCESS_KEY_ID'), ['keys-of-gitops-platform-image-push']);
  t.strictSame(variablesOf(outcome, 'image', 'TAG'), [commit]);
  t.match(callsOf(outcome, 'bump')[0]?.variables, {
    ...{ CLUSTER: 'dev', APP: 'fastify-service', TAG: '0.1.0-abc', DIGEST, PLATFORMS, COMMIT: commit },
    GITHUB_TOKEN: /./,
  });
  t.match(callsOf(outcome, 'promote')[0]?.variables, {
    ...{ FROM: 'dev', TO: 'staging', APP: 'fastify-service' },
    EFFECT: '.local/effect.md',
  });
  t.strictSame(
    outcome.calls.flatMap(({ action = '', inputs }) => (action.includes('attest') ? inputs?.['subject-digest'] : [])),
    [DIGEST, DIGEST],
    'provenance and bill of materials are of this image',
  );
  for (const { make, job, names, variables } of outcome.calls.filter((call) => call.make !== undefined)) {
    t.notOk(names?.includes('OF_THE_HOST'), `${make ?? ''} sees nothing of the host`);
    if (job !== 'image') t.notOk(variables?.AWS_ACCESS_KEY_ID, `${job} has no keys of AWS`);
  }

  t.strictSame(variablesOf(outcome, 'image-scan', 'DIGEST'), [DIGEST]);
  t.strictSame(scene.github.ecr.calls, ['batch-get-image', 'describe-image-scan-findings']);

  const { git, github } = scene;
  git('fetch', '--quiet');
  t.equal(git('log', '-1', '--format=%s', 'origin/main'), 'Deploy fastify-service 0.1.0-abc to dev');
  t.equal(git('rev-parse', 'origin/main^'), commit, 'the commit follows the one that was merged');
  t.strictSame(scene.startedBy(commit, 'origin/main'), ['ci'], 'and starts no release');
  const [proposal, ...others] = github.pullRequests;
  t.match(proposal, { title: 'Promote fastify-service 0.1.0-abc from dev to staging', by: 'release/promote' });
  t.strictSame(others, []);
  const file = 'clusters/staging/fastify-service.image.yaml';
  t.equal(git('diff', '--name-only', 'origin/main', `origin/${proposal?.head ?? ''}`), file);
  const proposed = git('show', `origin/${proposal?.head ?? ''}:${file}`);
  for (const part of [DIGEST, 'platforms: [linux/amd64, linux/arm64]']) t.match(proposed, part);
  t.strictSame([github.pushes, github.refused], [['release/bump', 'release/promote'], []]);
});

t.test('a release stops where a step fails, and deploys nothing', async (t) => {
  const scene = await openScene(t, OPTIONS);
  scene.answer({ image: { code: 1, prints: 'error: the registry answers 500' } });
  scene.commit(SERVICE);
  const failed = await scene.push();
  ended(t, failed, { ci: 0, release: 1 });
  t.strictSame(madeIn(failed, 'release'), ['image sbom', 'image scan', 'image image']);
  t.notOk(
    failed.calls.some(({ action = '' }) => action.includes('attest')),
    'nothing is attested',
  );

  scene.answer({ image: IMAGE });
  scene.github.advisories = { fastify: [madeUp] };
  scene.commit({ 'service/src/new.ts': 'export const more = 1;\n' });
  const vulnerable = await scene.push();
  ended(t, vulnerable, { ci: 0, release: 1 });
  t.match(vulnerable.log, /fastify \S+ +critical +GHSA-aaaa-bbbb-cccc +A made-up vulnerability .* stops the release/);
  t.strictSame(madeIn(vulnerable, 'release'), ['image sbom', 'image scan']);
  t.equal(scene.github.assumed.length, 1, 'it asks for no role');
});

t.test('an image with a vulnerability that ECR finds is neither attested nor deployed', async (t) => {
  const scene = await openScene(t, OPTIONS);
  scene.answer({ image: IMAGE });
  scene.github.ecr.scan = { status: 'COMPLETE', findings: [{ name: 'CVE-2026-12345', severity: 'HIGH' }] };
  const commit = scene.commit(SERVICE);
  const outcome = await scene.push();
  ended(t, outcome, { ci: 0, release: 1 });
  t.match(outcome.log, /high +CVE-2026-12345 .* stops the release/);
  t.strictSame(madeIn(outcome, 'release').at(-1), 'image image-scan');
  t.notOk(outcome.calls.some(({ action = '' }) => action.includes('attest')));
  scene.git('fetch', '--quiet');
  t.equal(scene.git('rev-parse', 'origin/main'), commit, 'nothing is deployed');
});

const madeUp = {
  id: 1,
  url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
  title: 'A made-up vulnerability',
  severity: 'critical',
  vulnerable_versions: '<999.0.0',
  cwe: [],
  cvss: { score: 9.8 },
};

t.test('a push that does not touch the service starts no release, least of all a deployment', async (t) => {
  const scene = await openScene(t, OPTIONS);
  const file = 'clusters/dev/fastify-service.image.yaml';
  scene.commit({ [file]: `image:\n  tag: "0.2.0"\n  digest: ${DIGEST}\n` }, 'Deploy fastify-service 0.2.0 to dev');
  ended(t, await scene.push(), { ci: 0 });
  scene.git('checkout', '--quiet', '-b', 'feature');
  scene.commit(SERVICE);
  ended(t, await scene.push(), {});
});

t.test('promote by hand hands its inputs over as they are, on main alone', async (t) => {
  const scene = await openScene(t, OPTIONS);
  const inputs = { from: 'staging', to: 'production', digest: DIGEST };
  const outcome = await scene.dispatch('promote', inputs);
  ended(t, outcome, { promote: 1 });
  t.match(outcome.log, /error: .*staging/, 'an image that staging never ran is refused');
  t.strictSame(scene.github.pushes, []);
  t.match(callsOf(outcome, 'promote')[0]?.variables, { FROM: 'staging', TO: 'production', DIGEST, GITHUB_TOKEN: /./ });
  const present = await scene.dispatch('promote', { from: 'dev', to: 'staging' });
  t.strictSame(variablesOf(present, 'promote', 'DIGEST'), [''], 'without a digest, that which runs');
  scene.git('checkout', '--quiet', '-b', 'feature');
  t.strictSame(callsOf(await scene.dispatch('promote', inputs), 'promote'), []);
});
