import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { table } from '@gitops/report/table';
import { synthesize } from '../src/app.ts';
import type { PolicyDocument } from '../src/iam/document.ts';
import { GITHUB_ISSUER, trustOfPodIdentity } from '../src/iam/trust.ts';
import { conditionsHold, list } from './iam-evaluator.ts';

const repository = resolve(import.meta.dirname, '../..');

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

/** The roles of every account that a federated caller might take, by name. */
function gitHubRoles(
  t: Test,
  change: (shared: string) => string = (text) => text,
): Map<string, { accountId: string; trust: PolicyDocument }> {
  const copy = join(t.testdir(), 'repository');
  for (const folder of ['clusters', 'argocd'])
    cpSync(join(repository, folder), join(copy, folder), { recursive: true });
  const shared = join(copy, 'clusters/shared/cluster.yaml');
  writeFileSync(shared, change(readFileSync(shared, 'utf8')));
  return new Map(
    synthesize(copy, join(t.testdirName, 'out')).flatMap(({ name, folder }) => {
      const { resource } = JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as {
        resource: { aws_iam_role?: Record<string, { name: string; assume_role_policy: string }> };
      };
      return Object.values(resource.aws_iam_role ?? {}).flatMap((role) => {
        const trust = JSON.parse(role.assume_role_policy) as PolicyDocument;
        const accountId = /^bootstrap-(\d+)$/.exec(name)?.[1];
        return accountId === undefined
          ? []
          : [
              [
                accountId === '111111111111' ? role.name : `${role.name} of ${accountId}`,
                { accountId, trust },
              ] as const,
            ];
      });
    }),
  );
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
  const roles = gitHubRoles(t, (text) =>
    text.replace('  revision: main\n', '  revision: main\n  ownerId: 1111\n  repositoryId: 2222\n'),
  );
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
  const roles = gitHubRoles(t, (text) =>
    text.replace('  revision: main\n', '  revision: main\n  ownerId: 1111\n  repositoryId: 2222\n'),
  );
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

t.test('without numbers in the settings, a token by numbers is nobody', (t) => {
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
