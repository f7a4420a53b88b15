import { CommandError } from '@gitops/report/errors';
import type { ClusterSettings } from '@gitops/settings';

// Names and tags of everything on AWS. Each is made by one function, so that what one stack makes another one finds.

/** The name of the project, which is the repository's: gitops-platform. */
export const projectOf = ({ git }: Pick<ClusterSettings, 'git'>): string =>
  git.repository.replace(/^.*\//, '').replace(/\.git$/, '');

/** The name of a part of a cluster: dev-nodes. The cluster itself, in EKS, is named as its settings. */
export const nameIn = (cluster: Pick<ClusterSettings, 'name'>, part: string): string =>
  within(64, `${cluster.name}-${part}`);

/** The name of something that an account has once: gitops-platform-deploy. */
export const nameInAccount = (project: string, part: string): string => within(64, `${project}-${part}`);

/**
 * How the roles of a cluster begin: gitops-platform.dev. The dots, which no name of a cluster has, keep them apart from
 * those of a cluster dev-2, from CI's and from everybody else's: by this beginning CI may make and change the roles of
 * its cluster alone.
 */
export const clusterRolePrefix = (project: string, cluster: string): string => `${project}.${cluster}.`;

/** A role of a cluster: gitops-platform.dev.nodes. */
export const clusterRole = (project: string, { name }: Pick<ClusterSettings, 'name'>, part: string): string =>
  within(64, `${clusterRolePrefix(project, name)}${part}`);

/** The policy that bounds every role that the platform makes in an account. */
export const boundaryName = (project: string): string => nameInAccount(project, 'boundary');
export const boundaryArn = (project: string, accountId: string): string =>
  `arn:aws:iam::${accountId}:policy/${boundaryName(project)}`;

/** The role by which CI applies the stacks of a cluster. */
export const deployRole = (project: string, cluster: Pick<ClusterSettings, 'name'>): string =>
  nameInAccount(project, `deploy-${cluster.name}`);

/** The bucket of an account's state; the names of buckets are unique in all of AWS. */
export const stateBucket = (project: string, accountId: string): string => within(63, `${project}-state-${accountId}`);

/**
 * The tags of everything in a stack. `cluster` also finds a cluster's network, and what is left when a cluster should
 * be gone.
 */
export const tagsOf = (project: string, stack: string, cluster?: string): Record<string, string> => ({
  project,
  stack,
  ...(cluster === undefined ? {} : { cluster }),
});

// IAM takes 64 characters for a role, S3 63 for a bucket; AWS would refuse a longer one in the midst of an apply.
function within(limit: number, name: string): string {
  if (name.length > limit)
    throw new CommandError(
      `the name ${name} has ${name.length} characters, and AWS takes ${limit}`,
      'shorten the name of the cluster, or that of the repository in clusters/shared/cluster.yaml',
    );
  return name;
}
