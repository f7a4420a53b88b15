// Which images ECR may delete. docs/decisions/ecr-retention.md has the rejected alternatives.
//
// ECR never expires an image by a rule if a rule of higher priority selects it too, and it counts in the order of
// pushes, which no tag changes. So an image is kept by a tag that an early rule selects, if that rule never counts to
// its end. CI sets these tags:
//
//   1. A build is pushed as `<version>` and as `dev-<slot>`; then the commit goes to clusters/dev/.
//   2. A pull request that changes clusters/<cluster>/*.image.yaml is refused where ECR lacks the digest; else the
//      digest gets `<cluster>-pr-<number>`, which is removed when the pull request is closed.
//   3. After a merge of such a change the digest gets `<cluster>-<slot>`, and then loses `<cluster>-pr-<number>`.
//
// A slot is the number of deployments that Git had before this one, modulo SLOTS: the same for a job that runs twice,
// and never that of what is named now. So at any moment everything that main or a pull request names has such a tag,
// and so have the last KEPT images that main named for the cluster, from which on-call picks in Argo CD.

export const SLOTS = 30;

/**
 * How many of the images that main named for a cluster are kept, with one slot just being overwritten. Argo CD's
 * history has the last 10 syncs; one may cover several commits, when these come faster than it polls.
 */
export const KEPT = SLOTS - 1;

/** Of what was built and never deployed anywhere, the latest few are kept. */
const NEVER_DEPLOYED = 5;

// More than a cluster's slots and open pull requests will ever be; far below the images that a repository can have.
const NEVER_REACHED = 1000;

export interface LifecycleRule {
  readonly rulePriority: number;
  readonly description: string;
  readonly selection: {
    readonly tagStatus: 'tagged' | 'untagged' | 'any';
    /** Each of them must match a tag of the image; `*` stands for anything. */
    readonly tagPatternList?: readonly string[];
    readonly tagPrefixList?: readonly string[];
    readonly countType: 'imageCountMoreThan' | 'sinceImagePushed';
    readonly countUnit?: 'days';
    readonly countNumber: number;
  };
  readonly action: { readonly type: 'expire' };
}

export interface LifecyclePolicy {
  readonly rules: readonly LifecycleRule[];
}

/** The tag of a cluster's deployment, counted from 0. */
export const slotTag = (cluster: string, deployment: number): string => `${cluster}-${deployment % SLOTS}`;

/** The tag of what a pull request would deploy to a cluster. */
export const pullRequestTag = (cluster: string, number: number): string => `${cluster}-pr-${number}`;

const tagsOf = (cluster: string): string => `${cluster}-*`;

/**
 * The rules of a repository.
 * @param clusters the names of all that pull from it
 */
export function lifecyclePolicy(clusters: readonly string[]): LifecyclePolicy {
  const rule = (rulePriority: number, description: string, selection: LifecycleRule['selection']): LifecycleRule => ({
    rulePriority,
    description,
    selection,
    action: { type: 'expire' },
  });
  return {
    rules: [
      ...clusters.map((cluster, index) =>
        rule(10 + index, `${cluster} names these, or did lately, or may soon: never reached`, {
          tagStatus: 'tagged',
          tagPatternList: [tagsOf(cluster)],
          countType: 'imageCountMoreThan',
          countNumber: NEVER_REACHED,
        }),
      ),
      rule(900, 'without a tag, after a day', {
        tagStatus: 'untagged',
        countType: 'sinceImagePushed',
        countUnit: 'days',
        countNumber: 1,
      }),
      rule(1000, `everything else: the latest ${NEVER_DEPLOYED}`, {
        tagStatus: 'any',
        countType: 'imageCountMoreThan',
        countNumber: NEVER_DEPLOYED,
      }),
    ],
  };
}

/** How long the image of a preview is kept, in days since its push; labelling the pull request again builds it again. */
const PREVIEW_DAYS = 14;

/** The rule of the repository of previews. */
export const previewLifecyclePolicy = (): LifecyclePolicy => ({
  rules: [
    {
      rulePriority: 1,
      description: `previews, ${PREVIEW_DAYS} days after their push`,
      selection: { tagStatus: 'any', countType: 'sinceImagePushed', countUnit: 'days', countNumber: PREVIEW_DAYS },
      action: { type: 'expire' },
    },
  ],
});

/** Versions are never overwritten; the clusters' own tags move. */
export function tagMutability(clusters: readonly string[]): {
  imageTagMutability: string;
  imageTagMutabilityExclusionFilter: { filter: string; filterType: string }[];
} {
  // ECR user guide, "Image tag mutability": five filters at most.
  if (clusters.length > 5)
    throw new Error(
      `ECR allows five exceptions from immutable tags, for ${clusters.length} clusters: ${clusters.join(', ')}`,
    );
  return {
    imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
    imageTagMutabilityExclusionFilter: clusters.map((cluster) => ({ filter: tagsOf(cluster), filterType: 'WILDCARD' })),
  };
}
