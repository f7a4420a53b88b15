import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { synthesize } from '../src/app.ts';
import type { PolicyDocument } from '../src/iam/document.ts';
import { GITHUB_ISSUER } from '../src/iam/trust.ts';
import { conditionsHold, list } from './iam-evaluator.ts';
import { type Change, repositoryWith } from './platform-in-tests.ts';

/** Who asks for a role: the kind of call, who vouches for it, and what the condition keys hold. */
export interface Caller {
  readonly action: string;
  readonly principal: string;
  readonly keys: Readonly<Record<string, string>>;
}

/** What IAM says to a caller: allowed by one statement at least, and every condition of it holds. */
export function mayAssume({ Statement }: PolicyDocument, { action, principal, keys }: Caller): boolean {
  return Statement.some((statement) => {
    const { Effect, Principal, Action } = statement;
    if (Effect !== 'Allow' || Principal === '*' || Principal === undefined)
      throw new Error('a trust policy of ours allows named principals and nothing else');
    return (
      list(Action).includes(action) &&
      Object.values(Principal).flatMap(list).includes(principal) &&
      conditionsHold(statement, keys)
    );
  });
}

export interface FederatedRole {
  readonly accountId: string;
  readonly trust: PolicyDocument;
}

/** The roles of every account's bootstrap, by name; those of other accounts than the first with the account. */
export function gitHubRoles(t: Test, ...changes: readonly Change[]): Map<string, FederatedRole> {
  const folder = t.testdir({});
  const roles = new Map<string, FederatedRole>();
  for (const stack of synthesize(repositoryWith(join(folder, 'repository'), changes), join(folder, 'out'))) {
    const accountId = /^bootstrap-(\d+)$/.exec(stack.name)?.[1];
    if (accountId === undefined) continue;
    const { resource } = JSON.parse(readFileSync(join(stack.folder, 'cdk.tf.json'), 'utf8')) as {
      resource: { aws_iam_role?: Record<string, { name: string; assume_role_policy: string }> };
    };
    for (const { name, assume_role_policy: trust } of Object.values(resource.aws_iam_role ?? {}))
      roles.set(accountId === '111111111111' ? name : `${name} of ${accountId}`, {
        accountId,
        trust: JSON.parse(trust) as PolicyDocument,
      });
  }
  return roles;
}

/** A GitHub job that asks for a role of an account, by the subject of its token. */
export const tokenFor = (
  accountId: string,
  sub: string,
  aud = 'sts.amazonaws.com',
  issuer = GITHUB_ISSUER,
): Caller => ({
  action: 'sts:AssumeRoleWithWebIdentity',
  principal: `arn:aws:iam::${accountId}:oidc-provider/${issuer}`,
  keys: { [`${issuer}:sub`]: sub, [`${issuer}:aud`]: aud },
});

/** The names of the roles that let a caller in. */
export const allowed = (roles: ReturnType<typeof gitHubRoles>, caller: (accountId: string) => Caller): string[] =>
  [...roles].flatMap(([name, { accountId, trust }]) => (mayAssume(trust, caller(accountId)) ? [name] : [])).sort();
