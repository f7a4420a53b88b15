import t from 'tap';
import { table } from '@gitops/report/table';
import { trustOfPodIdentity } from '../src/iam/trust.ts';
import { allowed, type Caller, gitHubRoles, mayAssume, tokenFor } from './github-roles.ts';
import type { Change } from './platform-in-tests.ts';

/** GitHub's numeric ids in the settings, with which the trust also takes tokens by numbers. */
const NUMBERS: Change = ['shared', '  revision: main\n', '  revision: main\n  ownerId: 1111\n  repositoryId: 2222\n'];

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
  ['environment preview', 'environment:preview'],
  ['environment of another name', 'environment:prod'],
];

// A fork's pull request gets no token that a workflow could hand on (GitHub Docs, "permissions for the GITHUB_TOKEN").
const PLAN = ['gitops-platform-plan', 'gitops-platform-plan of 222222222222', 'gitops-platform-plan of 333333333333'];
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  'push to main': ['gitops-platform-image-push', ...PLAN],
  'schedule, on the default branch': ['gitops-platform-image-push', ...PLAN],
  'pull request': PLAN,
  'environment preview': ['gitops-platform-preview-push'],
  'environment dev': ['gitops-platform-deploy-dev'],
  'environment staging': ['gitops-platform-deploy-staging of 222222222222'],
  'environment production': ['gitops-platform-deploy-production of 333333333333'],
};

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
    ['gitops-platform-image-push', ...PLAN],
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
