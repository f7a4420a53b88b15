import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { readImage } from '@gitops/delivery/image-file';
import { readClusters } from '@gitops/settings';
import {
  KEPT,
  lifecyclePolicy,
  type LifecycleRule,
  pullRequestTag,
  SLOTS,
  slotTag,
  tagMutability,
} from '../src/retention.ts';
import { expired, type StoredImage } from './retention-evaluator.ts';
import { CLUSTERS, firstLoss, type Protocol, type Step } from './retention-history.ts';

/** A rule that keeps the latest images, of some tags or of all. */
const keepLatest = (
  rulePriority: number,
  countNumber: number,
  selection: Partial<LifecycleRule['selection']> = { tagStatus: 'any' },
): LifecycleRule => ({
  rulePriority,
  description: '',
  selection: { tagStatus: 'tagged', countType: 'imageCountMoreThan', countNumber, ...selection },
  action: { type: 'expire' },
});
const keep = (rulePriority: number, tagPrefixList: string[], countNumber: number): LifecycleRule =>
  keepLatest(rulePriority, countNumber, { tagPrefixList });
const keepAny = (countNumber: number): LifecycleRule => keepLatest(1000, countNumber);

/** The digests that rules expire, in order and in one word. */
const expiredDigests = (rules: readonly LifecycleRule[], images: readonly StoredImage[], now = 10): string =>
  expired({ rules }, images, now)
    .map(({ digest }) => digest)
    .sort()
    .join('');

t.test('the evaluator returns what the examples of the ECR user guide say', (t) => {
  // "Examples of lifecycle policies in Amazon ECR", filtering on multiple rules, A to D, and on image count and age.
  const images: StoredImage[] = [
    { digest: 'A', tags: ['beta-1', 'prod-1'], pushedAt: 0 },
    { digest: 'B', tags: ['beta-2', 'prod-2'], pushedAt: 1 },
    { digest: 'C', tags: ['beta-3'], pushedAt: 2 },
  ];
  t.equal(
    expiredDigests([keep(1, ['prod'], 1), keep(2, ['beta'], 1)], images),
    'A',
    'B is seen by the first rule, so the second cannot have it',
  );
  t.equal(expiredDigests([keep(1, ['beta'], 1), keep(2, ['prod'], 1)], images), 'AB');
  const alphaAndBeta: StoredImage[] = [
    { digest: 'A', tags: ['alpha-1'], pushedAt: 0 },
    { digest: 'B', tags: ['beta-1'], pushedAt: 1 },
  ];
  t.equal(expiredDigests([keep(1, ['alpha', 'beta'], 1)], alphaAndBeta), '', 'all prefixes of a list must fit');
  t.equal(expiredDigests([keepAny(1)], images), 'AB');
  const pattern = keepLatest(1000, 1, { tagPatternList: ['prod*', '*-1'] });
  t.equal(expiredDigests([pattern], images), '', 'only one image has both');

  const untagged = keepLatest(1000, 14, { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days' });
  const someUntagged: StoredImage[] = [
    { digest: 'A', tags: [], pushedAt: 0 },
    { digest: 'B', tags: [], pushedAt: 5 },
    { digest: 'C', tags: ['x'], pushedAt: 0 },
  ];
  t.equal(expiredDigests([untagged], someUntagged, 15), 'A');
  t.end();
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'build' }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('promote' as const), cluster: fc.constantFrom('staging', 'production') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rollback' as const),
      cluster: fc.constantFrom(...CLUSTERS),
      back: fc.nat({ max: 40 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('merge' as const), which: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), which: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 90 }) }) },
);

const histories = fc.array(step, { maxLength: 150, size: 'max' });
const SEED = 20261123;

/** The shortest history that fast-check finds in which something is lost. */
function counterexample(protocol: Protocol, kept: number): Step[] | undefined {
  const run = fc.check(
    fc.property(histories, (history) => firstLoss(protocol, history, kept) === undefined),
    { seed: SEED, numRuns: 1000, endOnFailure: false },
  );
  return run.counterexample?.[0];
}

const ours: Protocol = { policy: lifecyclePolicy(CLUSTERS), deployed: slotTag, proposed: pullRequestTag };

t.test('whatever happens: nothing that main or a pull request names expires, nor what a cluster ran lately', (t) => {
  t.equal(counterexample(ours, KEPT), undefined, `seed ${SEED}`);
  t.end();
});

t.test('the promise is no larger than it is', (t) => {
  const history: Step[] = Array.from({ length: 3 * SLOTS }, () => ({ do: 'build' }));
  t.equal(firstLoss(ours, history, KEPT), undefined);
  t.match(firstLoss(ours, history, KEPT + 1), /of dev/, 'one more is not kept, while its slot is written anew');
  t.end();
});

const shown = (history: readonly Step[] | undefined): string =>
  (history ?? [])
    .map((happening) => ('cluster' in happening ? `${happening.do} ${happening.cluster}` : happening.do))
    .join(', ');

t.test('keeping the latest five loses what is deployed', (t) => {
  const history = counterexample({ policy: { rules: [keepAny(5)] } }, 1);
  t.comment(`keep the latest 5: ${shown(history)}`);
  // One build is proposed for staging, and five more follow before its review.
  t.equal(shown(history), 'build, promote staging, build, build, build, build, build');
  t.end();
});

t.test('counts by environment lose what a cluster still names, once others are proposed', (t) => {
  const counts: Protocol = {
    policy: { rules: [keep(10, ['production-'], 3), keep(20, ['staging-'], 3), keep(30, ['dev-'], 3), keepAny(5)] },
    deployed: (cluster, deployment) => `${cluster}-${deployment}`,
    proposed: pullRequestTag,
  };
  const history = counterexample(counts, 1);
  t.comment(`keep 3 of each environment: ${shown(history)}`);
  t.ok(history !== undefined && history.length <= 12, shown(history));
  t.end();
});

t.test('a protocol with a step left out is seen to fail', (t) => {
  t.not(counterexample({ policy: ours.policy, deployed: slotTag }, 1), undefined, 'pull requests without a tag');
  t.not(counterexample({ policy: ours.policy, proposed: pullRequestTag }, 1), undefined, 'deployments without a tag');
  t.not(
    counterexample(
      { ...ours, policy: { rules: ours.policy.rules.filter(({ rulePriority }) => rulePriority >= 900) } },
      1,
    ),
    undefined,
    'tags without a rule',
  );
  t.end();
});

t.test('versions stay as they are, the tags of clusters move, and no version looks like one of them', (t) => {
  t.same(
    tagMutability(CLUSTERS).imageTagMutabilityExclusionFilter.map(({ filter }) => filter),
    ['dev-*', 'staging-*', 'production-*'],
  );
  t.throws(() => tagMutability(['a', 'b', 'c', 'd', 'e', 'f']), /five exceptions/);
  const root = resolve(import.meta.dirname, '../..');
  for (const { name } of readClusters(root)) {
    const file = join('clusters', name, 'fastify-service.image.yaml');
    const { tag } = readImage(readFileSync(join(root, file), 'utf8'), file);
    t.notOk(
      CLUSTERS.some((cluster) => tag.startsWith(`${cluster}-`)),
      `${file}: image.tag: ${tag} is a version, no cluster's tag`,
    );
  }
  t.end();
});
