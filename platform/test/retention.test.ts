import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { readClusters } from '@gitops/settings';
import { readImage } from '@gitops/settings/image-file';
import {
  KEPT,
  type LifecyclePolicy,
  lifecyclePolicy,
  pullRequestTag,
  SLOTS,
  slotTag,
  tagMutability,
} from '../src/retention.ts';
import { expired, type StoredImage } from './retention-evaluator.ts';

const CLUSTERS = ['dev', 'staging', 'production'];

const keep = (
  rulePriority: number,
  tagPrefixList: string[],
  countNumber: number,
): LifecyclePolicy['rules'][number] => ({
  rulePriority,
  description: '',
  selection: { tagStatus: 'tagged', tagPrefixList, countType: 'imageCountMoreThan', countNumber },
  action: { type: 'expire' },
});
const keepAny = (countNumber: number): LifecyclePolicy['rules'][number] => ({
  rulePriority: 1000,
  description: '',
  selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber },
  action: { type: 'expire' },
});

t.test('the evaluator says what the examples of the ECR user guide say', (t) => {
  // "Examples of lifecycle policies in Amazon ECR", filtering on multiple rules, A to D, and on image count and age.
  const images: StoredImage[] = [
    { digest: 'A', tags: ['beta-1', 'prod-1'], pushedAt: 0 },
    { digest: 'B', tags: ['beta-2', 'prod-2'], pushedAt: 1 },
    { digest: 'C', tags: ['beta-3'], pushedAt: 2 },
  ];
  const digests = (policy: LifecyclePolicy, from = images, now = 10): string =>
    expired(policy, from, now)
      .map(({ digest }) => digest)
      .sort()
      .join('');
  t.equal(
    digests({ rules: [keep(1, ['prod'], 1), keep(2, ['beta'], 1)] }),
    'A',
    'B is seen by the first rule, so the second cannot have it',
  );
  t.equal(digests({ rules: [keep(1, ['beta'], 1), keep(2, ['prod'], 1)] }), 'AB');
  t.equal(
    digests({ rules: [keep(1, ['alpha', 'beta'], 1)] }, [
      { digest: 'A', tags: ['alpha-1'], pushedAt: 0 },
      { digest: 'B', tags: ['beta-1'], pushedAt: 1 },
    ]),
    '',
    'all prefixes of a list must fit',
  );
  t.equal(digests({ rules: [keepAny(1)] }), 'AB');
  const pattern: LifecyclePolicy = {
    rules: [
      {
        ...keepAny(1),
        selection: {
          tagStatus: 'tagged',
          tagPatternList: ['prod*', '*-1'],
          countType: 'imageCountMoreThan',
          countNumber: 1,
        },
      },
    ],
  };
  t.equal(digests(pattern), '', 'one image alone has both');
  const untagged: LifecyclePolicy = {
    rules: [
      {
        ...keepAny(1),
        selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
      },
    ],
  };
  t.equal(
    digests(
      untagged,
      [
        { digest: 'A', tags: [], pushedAt: 0 },
        { digest: 'B', tags: [], pushedAt: 5 },
        { digest: 'C', tags: ['x'], pushedAt: 0 },
      ],
      15,
    ),
    'A',
  );
  t.end();
});

/** How images are kept: ECR's rules, and the tags that CI sets. */
interface Protocol {
  readonly policy: LifecyclePolicy;
  /** The tag of a cluster's nth deployment; none where nothing is tagged. */
  readonly deployed?: (cluster: string, deployment: number) => string;
  readonly proposed?: (cluster: string, number: number) => string;
}

type Step =
  | { readonly do: 'build' }
  | { readonly do: 'promote'; readonly cluster: string }
  | { readonly do: 'rollback'; readonly cluster: string; readonly back: number }
  | { readonly do: 'merge' | 'close'; readonly which: number }
  | { readonly do: 'wait'; readonly days: number };

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

/**
 * Lives through a history. ECR looks at its rules after every single thing that happens, in the worst of moments, and
 * once more.
 * @returns what was missing when it was named, in words; undefined where nothing ever was
 */
function firstLoss(
  { policy, deployed, proposed }: Protocol,
  history: readonly Step[],
  kept: number,
): string | undefined {
  let images: StoredImage[] = [];
  let now = 0;
  let loss: string | undefined;
  const named = new Map(CLUSTERS.map((cluster) => [cluster, [] as string[]]));
  let requests: { number: number; cluster: string; digest: string }[] = [];
  let numbers = 0;
  let builds = 0;
  const deploymentsOf = (cluster: string): string[] => named.get(cluster) ?? [];
  const exists = (digest: string): boolean => images.some((image) => image.digest === digest);
  const tag = (digest: string, name: string | undefined): void => {
    // A tag is on one image at a time.
    if (name !== undefined)
      images = images.map((image) => ({
        ...image,
        tags: [...image.tags.filter((other) => other !== name), ...(image.digest === digest ? [name] : [])],
      }));
  };
  const untag = (name: string | undefined): void => {
    images = images.map((image) => ({ ...image, tags: image.tags.filter((other) => other !== name) }));
  };
  const lookAround = (): void => {
    const gone = new Set(expired(policy, images, now));
    images = images.filter((image) => !gone.has(image));
    for (const [cluster, digests] of named)
      for (const digest of digests.slice(-kept)) if (!exists(digest)) loss ??= `${digest} of ${cluster}`;
    for (const { cluster, digest } of requests) if (!exists(digest)) loss ??= `${digest}, proposed for ${cluster}`;
  };
  const deploy = (cluster: string, digest: string): void => {
    deploymentsOf(cluster).push(digest);
    lookAround();
  };
  const propose = (cluster: string, digest: string | undefined): void => {
    // CI's check of a pull request.
    if (digest === undefined || !exists(digest)) return;
    const number = (numbers += 1);
    tag(digest, proposed?.(cluster, number));
    requests.push({ number, cluster, digest });
    lookAround();
  };

  for (const happening of history) {
    now += 0.01;
    switch (happening.do) {
      case 'build': {
        const digest = `image ${(builds += 1)}`;
        images.push({ digest, tags: [`version-${digest}`], pushedAt: now });
        tag(digest, deployed?.('dev', deploymentsOf('dev').length));
        lookAround();
        deploy('dev', digest);
        break;
      }
      case 'promote':
        propose(happening.cluster, deploymentsOf(happening.cluster === 'staging' ? 'dev' : 'staging').at(-1));
        break;
      case 'rollback':
        propose(happening.cluster, deploymentsOf(happening.cluster).at(-1 - happening.back));
        break;
      case 'merge':
      case 'close': {
        const request = requests[happening.which % Math.max(1, requests.length)];
        if (request === undefined) break;
        requests = requests.filter((other) => other !== request);
        if (happening.do === 'merge') {
          const deployment = deploymentsOf(request.cluster).length;
          deploy(request.cluster, request.digest);
          tag(request.digest, deployed?.(request.cluster, deployment));
          lookAround();
        }
        untag(proposed?.(request.cluster, request.number));
        lookAround();
        break;
      }
      case 'wait':
        now += happening.days;
        lookAround();
    }
    if (loss !== undefined) return loss;
  }
  return undefined;
}

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
  // One build is proposed for staging, and five more come before somebody looks at it.
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
