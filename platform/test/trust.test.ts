import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { table } from '@gitops/report/table';
import { synthesize } from '../src/app.ts';
import type { PolicyDocument } from '../src/iam/document.ts';
import { GITHUB_ISSUER, trustOfPodIdentity } from '../src/iam/trust.ts';
import { conditionsHold, list } from './iam-evaluator.ts';
import { type Change, repositoryWith } from './platform-in-tests.ts';

/** Who asks for a role: the kind of call, who vouches for it, and what the condition keys hold. */
interface Caller {
  readonly action: string;
  readonly principal: string;
  readonly keys: Readonly<Record<string, string>>;
}

/** What IAM says to a caller: allowed by one statement at least, and every condition of it holds. */
function mayAssume({ Statement }: PolicyDocument, { action, principal, keys }: Caller): boolean {
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

interface FederatedRole {
  readonly accountId: string;
  readonly trust: PolicyDocument;
}

/** GitHub's numeric ids in the settings, with which the trust also takes tokens by numbers. */
const NUMBERS: Change = ['shared', '  revision: main\n', '  revision: main\n  ownerId: 1111\n  repositoryId: 2222\n'];

/** The roles of every account's bootstrap, by name; those of other accounts than the first with the account. */
function gitHubRoles(t: Test, ...changes: readonly Change[]): Map<string, FederatedRole> {
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

const REPOSITORY = 'example/gitops-platform';
const NUMBERED = 'example@1111/gitops-platform@2222';

/** Every event that GitHub makes a token for, as the end of its subject: GitHub Docs, "OpenID Connect reference". */
const EVENTS: readonly [event: string, context: string][] = [
  ['push to main', 'ref:refs/heads/main'],
  ['push to a branch', 'ref:refs/heads/feature'],
  ['push to a branch that begins like main', 'ref:refs/heads/main-2'],
  ['push of a tag', 'ref:refs/tags/v1.0.0'],
  ['push of a tag named main', 'ref:refs/tags/main'],
  ['pull request', 'pull_request'],
  ['schedule, on the default branch', 'ref:refs/heads/main'],
  ['dispatched by hand on a branch', 'ref:refs/heads/feature'],
  ['environment dev', 'environment:dev'],
  ['environment staging', 'environment:staging'],
  ['environment production', 'environment:production'],
  ['environment of another name', 'environment:prod'],
];

// A fork's pull request gets no token that a workflow could hand on (GitHub Docs, "permissions for the GITHUB_TOKEN").
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'push to main': ['gitops-platform-image-push'],
  'schedule, on the default branch': ['gitops-platform-image-push'],
  'pull request': [
    'gitops-platform-plan',
    'gitops-platform-plan of 222222222222',
    'gitops-platform-plan of 333333333333',
  ],
  'environment dev': ['gitops-platform-deploy-dev'],
  'environment staging': ['gitops-platform-deploy-staging of 222222222222'],
  'environment production': ['gitops-platform-deploy-production of 333333333333'],
};

const tokenFor = (accountId: string, sub: string, aud = 'sts.amazonaws.com', issuer = GITHUB_ISSUER): Caller => ({
  action: 'sts:AssumeRoleWithWebIdentity',
  principal: `arn:aws:iam::${accountId}:oidc-provider/${issuer}`,
  keys: { [`${issuer}:sub`]: sub, [`${issuer}:aud`]: aud },
});

const allowed = (roles: ReturnType<typeof gitHubRoles>, caller: (accountId: string) => Caller): string[] =>
  [...roles].flatMap(([name, { accountId, trust }]) => (mayAssume(trust, caller(accountId)) ? [name] : [])).sort();

t.test('which event of GitHub may take which role, by names and by numbers', (t) => {
  const roles = gitHubRoles(t, NUMBERS);
  const rows = EVENTS.map(([event, context]) => {
    const byName = allowed(roles, (accountId) => tokenFor(accountId, `repo:${REPOSITORY}:${context}`));
    const byNumber = allowed(roles, (accountId) => tokenFor(accountId, `repo:${NUMBERED}:${context}`));
    t.same(byName, EXPECTED[event] ?? [], event);
    t.same(byNumber, byName, `${event}, by numbers`);
    return [event, context, byName.join(', ') || '-'];
  });
  t.comment(`\n${table(['EVENT', 'SUBJECT', 'ROLES'], rows)}`);
  t.end();
});

t.test('strangers take none: other repositories, owners, numbers, audiences and issuers', (t) => {
  const roles = gitHubRoles(t, NUMBERS);
  const contexts = EVENTS.map(([, context]) => context);
  const strangers = [
    'example/other',
    'example/gitops-platform-2',
    'other/gitops-platform',
    'example@9/gitops-platform@2222',
    'example@1111/gitops-platform@9',
    'renamed@1111/gitops-platform@2222',
    '*/*',
  ];
  for (const context of contexts) {
    for (const stranger of strangers)
      t.same(
        allowed(roles, (accountId) => tokenFor(accountId, `repo:${stranger}:${context}`)),
        [],
        `${stranger} ${context}`,
      );
    t.same(
      allowed(roles, (accountId) => tokenFor(accountId, `repo:${REPOSITORY}:${context}`, 'https://github.com/example')),
      [],
      'another audience',
    );
    t.same(
      allowed(roles, (accountId) =>
        tokenFor(accountId, `repo:${REPOSITORY}:${context}`, 'sts.amazonaws.com', 'token.example.com'),
      ),
      [],
      'another issuer',
    );
  }
  t.same(
    allowed(roles, (accountId) => ({ ...tokenFor(accountId, ''), keys: {} })),
    [],
    'a token that says nothing',
  );
  t.end();
});

t.test('without numeric ids in the settings, a token with ids is refused', (t) => {
  const roles = gitHubRoles(t);
  t.same(
    allowed(roles, (accountId) => tokenFor(accountId, `repo:${NUMBERED}:ref:refs/heads/main`)),
    [],
  );
  t.same(
    allowed(roles, (accountId) => tokenFor(accountId, `repo:${REPOSITORY}:ref:refs/heads/main`)),
    ['gitops-platform-image-push'],
  );
  t.end();
});

t.test('a Pod Identity role is for the pods of one service account of one cluster', (t) => {
  const identity = {
    accountId: '111111111111',
    cluster: 'dev',
    namespace: 'external-secrets',
    serviceAccount: 'external-secrets',
  };
  const trust = trustOfPodIdentity(identity);
  const pod = (change: Partial<typeof identity> = {}): Caller => {
    const { accountId, cluster, namespace, serviceAccount } = { ...identity, ...change };
    return {
      action: 'sts:AssumeRole',
      principal: 'pods.eks.amazonaws.com',
      keys: {
        'aws:SourceAccount': accountId,
        'aws:RequestTag/eks-cluster-name': cluster,
        'aws:RequestTag/kubernetes-namespace': namespace,
        'aws:RequestTag/kubernetes-service-account': serviceAccount,
      },
    };
  };
  t.ok(mayAssume(trust, pod()));
  for (const change of [
    { accountId: '222222222222' },
    { cluster: 'production' },
    { namespace: 'fastify-service' },
    { serviceAccount: 'default' },
  ])
    t.notOk(mayAssume(trust, pod(change)), JSON.stringify(change));
  t.end();
});
