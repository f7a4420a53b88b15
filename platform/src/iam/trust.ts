import type { PolicyDocument, Statement } from './document.ts';

/**
 * Lets an AWS service assume a role; only on behalf of one account where the service names the account that it acts
 * for (IAM user guide, "The confused deputy problem").
 * @param service vpc-flow-logs.amazonaws.com
 * @param accountId undefined for services that do not say it, such as EKS and EC2
 */
export function trustOfService(service: string, accountId?: string): PolicyDocument {
  const statement: Statement = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' };
  return {
    Version: '2012-10-17',
    Statement: [
      accountId === undefined
        ? statement
        : { ...statement, Condition: { StringEquals: { 'aws:SourceAccount': accountId } } },
    ],
  };
}

/** Lets EKS assume the role of its control plane, with the session tags that the roles of add-ons check. */
export function trustOfEks(): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { Service: 'eks.amazonaws.com' }, Action: ['sts:AssumeRole', 'sts:TagSession'] },
    ],
  };
}

/** Pods of one service account. */
export interface PodIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/**
 * Lets the pods of one service account of one cluster assume a role. Without the conditions, whoever may create a Pod
 * Identity association in the account could give the role to any pod (EKS user guide, "Create IAM role with trust
 * policy required by EKS Pod Identity").
 */
export function trustOfPodIdentity({
  accountId,
  cluster,
  namespace,
  serviceAccount,
}: PodIdentity & { readonly accountId: string; readonly cluster: string }): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'pods.eks.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession'],
        Condition: {
          StringEquals: {
            'aws:SourceAccount': accountId,
            'aws:RequestTag/eks-cluster-name': cluster,
            'aws:RequestTag/kubernetes-namespace': namespace,
            'aws:RequestTag/kubernetes-service-account': serviceAccount,
          },
        },
      },
    ],
  };
}

/** A repository on GitHub, as a job's OIDC token names it. */
export interface GitHubRepository {
  /** owner/name */
  readonly fullName: string;
  /**
   * GitHub's numeric ids; tokens of a repository created, renamed or moved after 2026-07-15 have them.
   */
  readonly ownerId?: number | undefined;
  readonly repositoryId?: number | undefined;
}

/** The issuer of GitHub's OIDC tokens, without its scheme, as AWS writes it in condition keys. */
export const GITHUB_ISSUER = 'token.actions.githubusercontent.com';

/**
 * Lets GitHub Actions jobs of one repository assume a role.
 * @param contexts what a job must be, as the end of the token's subject: `ref:refs/heads/main`,
 *   `environment:production`, `pull_request`. Exact: a pattern would let others in.
 */
export function trustOfGitHub({
  accountId,
  repository,
  contexts,
}: {
  readonly accountId: string;
  readonly repository: GitHubRepository;
  readonly contexts: readonly string[];
}): PolicyDocument {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: `arn:aws:iam::${accountId}:oidc-provider/${GITHUB_ISSUER}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: {
            [`${GITHUB_ISSUER}:aud`]: 'sts.amazonaws.com',
            [`${GITHUB_ISSUER}:sub`]: contexts.flatMap((context) => subjectsOf(repository, context)),
          },
        },
      },
    ],
  };
}

/**
 * Both forms of a token's subject: by names, and by names and numbers (GitHub Docs, "OpenID Connect reference",
 * immutable subjects).
 */
export function subjectsOf({ fullName, ownerId, repositoryId }: GitHubRepository, context: string): string[] {
  const byName = `repo:${fullName}:${context}`;
  if (ownerId === undefined || repositoryId === undefined) return [byName];
  const [owner = '', name = ''] = fullName.split('/');
  return [byName, `repo:${owner}@${ownerId}/${name}@${repositoryId}:${context}`];
}
