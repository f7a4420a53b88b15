// Which images ECR may delete. docs/decisions/ecr-retention.md tells what was tried before.
//
// ECR never expires an image by a rule if a rule of higher priority selects it too, and it counts in the order of
// pushes, which no tag changes. So an image is kept by carrying a tag that an early rule selects and never counts to
// its end. CI sets these tags:
//
//   1. A build is pushed as `<version>` and as `dev-<slot>`; then the commit goes to clusters/dev/.
// 2. A pull request that changes clusters/<cluster>/*.image.yaml is refused where ECR lacks the digest; else the digest
// gets
//      `<cluster>-pr-<number>`, which goes when the pull request is closed.
//   3. After a merge that changed it, the digest gets `<cluster>-<slot>`, and then loses `<cluster>-pr-<number>`.
//
// A slot is the number of deployments that Git knew of before this one, modulo SLOTS: the same for a job that is run
// twice, and never that of what is named now. So at any moment everything that main or a pull request names carries
// such a tag, and so do the last KEPT images that main named for the cluster, from which on-call picks in Argo CD.

export const SLOTS = 30;

/**
 * How many of the images that main named for a cluster are kept; a slot may just be being written anew. Argo CD's
 * history has the last 10 syncs; one may stand for several commits, when these come faster than it looks.
 */
export const KEPT = SLOTS - 1;

/** The plan's number: what was built and never deployed anywhere is kept for a while. */
const NEVER_DEPLOYED = 5;

// More than the slots of a cluster and its open pull requests will ever be; far below the images that a repository may
// hold.
const NEVER_REACHED = 1000;

export interface LifecycleRule {
  readonly rulePriority: number;
  readonly description: string;
  readonly selection: {
    readonly tagStatus: 'tagged' | 'untagged' | 'any';
    /** All of them must fit one tag or another of the image; `*` stands for anything. */
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

/** Versions are written once; the clusters' own tags move. */
export function tagMutability(clusters: readonly string[]): {
  imageTagMutability: string;
  imageTagMutabilityExclusionFilter: { filter: string; filterType: string }[];
} {
  // ECR user guide, "Image tag mutability": five filters at most.
  if (clusters.length > 5)
    throw new Error(
      `ECR takes five exceptions from immutable tags, and there are ${clusters.length} clusters: ${clusters.join(', ')}`,
    );
  return {
    imageTagMutability: 'IMMUTABLE_WITH_EXCLUSION',
    imageTagMutabilityExclusionFilter: clusters.map((cluster) => ({ filter: tagsOf(cluster), filterType: 'WILDCARD' })),
  };
}
