import type { ClusterSettings } from './schema.ts';

// How the names of what the platform creates on AWS begin. platform/src/names.ts makes the names of them; the settings
// are checked by them, so that a name that AWS would refuse is an error with file and line.

/** The name of the project, which is the repository's: gitops-platform. */
export const projectOf = ({ git }: Pick<ClusterSettings, 'git'>): string =>
  git.repository.replace(/^.*\//, '').replace(/\.git$/, '');

/**
 * The prefix of the roles of a cluster: `gitops-platform.dev.`. The dots, which no cluster's name has, keep them apart
 * from those of a cluster dev-2, from CI's and from all others: by this prefix CI may create and change the roles
 * of its cluster, and no others.
 */
export const clusterRolePrefix = (project: string, cluster: string): string => `${project}.${cluster}.`;

/** The role by which CI applies the stacks of a cluster: gitops-platform-deploy-dev. */
export const deployRoleName = (project: string, cluster: string): string => `${project}-deploy-${cluster}`;

/** The bucket of an account's state; bucket names are unique in all of AWS. */
export const stateBucketName = (project: string, accountId: string): string => `${project}-state-${accountId}`;

/** The longest ending of a cluster's roles. A test compares it with the stacks. */
export const LONGEST_ROLE_ENDING = 'external-secrets';

/** The most characters of the name of an IAM role, and of an S3 bucket (IAM and S3 user guides, "Quotas", "Naming"). */
export const ROLE_LIMIT = 64;
export const BUCKET_LIMIT = 63;
