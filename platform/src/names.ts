import { CommandError } from '@gitops/report/errors';
import type { ClusterSettings } from '@gitops/settings';

// Names and tags of everything on AWS. Each comes from one function, so that a stack finds what another one created.

/** The name of the project, which is the repository's: gitops-platform. */
export const projectOf = ({ git }: Pick<ClusterSettings, 'git'>): string =>
  git.repository.replace(/^.*\//, '').replace(/\.git$/, '');

/** The name of a part of a cluster: dev-nodes. The EKS cluster itself has the name of the settings. */
export const nameIn = (cluster: Pick<ClusterSettings, 'name'>, part: string): string =>
  within(64, `${cluster.name}-${part}`);

/** The name of something that an account has once: gitops-platform-deploy. */
export const nameInAccount = (project: string, part: string): string => within(64, `${project}-${part}`);

/**
 * The prefix of the roles of a cluster: `gitops-platform.dev.`. The dots, which no cluster's name has, keep them apart
 * from those of a cluster dev-2, from CI's and from all others: by this prefix CI may create and change the roles
 * of its cluster, and no others.
 */
export const clusterRolePrefix = (project: string, cluster: string): string => `${project}.${cluster}.`;

/** A role of a cluster: gitops-platform.dev.nodes. */
export const clusterRole = (project: string, { name }: Pick<ClusterSettings, 'name'>, part: string): string =>
  within(64, `${clusterRolePrefix(project, name)}${part}`);

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
  nameInAccount(project, `deploy-${cluster.name}`);

/** The bucket of an account's state; bucket names are unique in all of AWS. */
export const stateBucket = (project: string, accountId: string): string => within(63, `${project}-state-${accountId}`);

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
