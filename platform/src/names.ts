import { CommandError } from '@gitops/report/errors';
import type { ClusterSettings } from '@gitops/settings';
import {
  BUCKET_LIMIT,
  clusterRolePrefix,
  deployRoleName,
  ROLE_LIMIT,
  stateBucketName,
} from '@gitops/settings/aws-names';

export { clusterRolePrefix, projectOf } from '@gitops/settings/aws-names';

// Names and tags of everything on AWS. Each comes from one function, so that a stack finds what another one created.

/** The name of a part of a cluster: dev-nodes. The EKS cluster itself has the name of the settings. */
export const nameIn = (cluster: Pick<ClusterSettings, 'name'>, part: string): string =>
  within(ROLE_LIMIT, `${cluster.name}-${part}`);

/** The name of something that an account has once: gitops-platform-deploy. */
export const nameInAccount = (project: string, part: string): string => within(ROLE_LIMIT, `${project}-${part}`);

/** A role of a cluster: gitops-platform.dev.nodes. */
export const clusterRole = (project: string, { name }: Pick<ClusterSettings, 'name'>, part: string): string =>
  within(ROLE_LIMIT, `${clusterRolePrefix(project, name)}${part}`);

/** The role of the nodes that Karpenter adds, and its instance profile: gitops-platform.dev.added-nodes. */
export const addedNodes = (project: string, cluster: Pick<ClusterSettings, 'name'>): string =>
  clusterRole(project, cluster, 'added-nodes');

/** The queue with what EC2 announces about nodes. */
export const interruptionQueue = (cluster: Pick<ClusterSettings, 'name'>): string => nameIn(cluster, 'interruptions');

/** The permissions boundary of every role that the platform creates in an account. */
export const boundaryName = (project: string): string => nameInAccount(project, 'boundary');
export const boundaryArn = (project: string, accountId: string): string =>
  `arn:aws:iam::${accountId}:policy/${boundaryName(project)}`;

/** The role by which a release pushes images, in the registry's account. */
export const imagePushRole = (project: string): string => nameInAccount(project, 'image-push');

/** The environment on GitHub of the jobs that push images of previews. */
export const PREVIEW_ENVIRONMENT = 'preview';

/** The role by which a pull request pushes the image of its preview, in the registry's account. */
export const previewPushRole = (project: string): string => nameInAccount(project, 'preview-push');

/** The role by which CI plans; it may read, and no more. */
export const planRole = (project: string): string => nameInAccount(project, 'plan');

/** The role by which CI applies the stacks of a cluster. */
export const deployRole = (project: string, cluster: Pick<ClusterSettings, 'name'>): string =>
  within(ROLE_LIMIT, deployRoleName(project, cluster.name));

/** The bucket of an account's state; bucket names are unique in all of AWS. */
export const stateBucket = (project: string, accountId: string): string =>
  within(BUCKET_LIMIT, stateBucketName(project, accountId));

/** The tags of everything in a stack. By `cluster` a cluster finds its network, and a destroy what is left. */
export const tagsOf = (project: string, stack: string, cluster?: string): Record<string, string> => ({
  project,
  stack,
  ...(cluster === undefined ? {} : { cluster }),
});

// IAM allows 64 characters for a role, S3 63 for a bucket; AWS would refuse a longer name in the middle of an apply.
function within(limit: number, name: string): string {
  if (name.length > limit)
    throw new CommandError(
      `the name ${name} has ${name.length} characters; AWS allows ${limit}`,
      'shorten the name of the cluster, or that of the repository in clusters/shared/cluster.yaml',
    );
  return name;
}
