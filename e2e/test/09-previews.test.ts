// Previews, by the real ApplicationSet controller. GitHub's list of pull requests is a stand-in
// (../src/stand-in-pull-requests.ts), and no image is built: the pods are simulated.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Application } from '@gitops/local';
import type { RunError } from '@gitops/tools/run';
import { pushTo } from '../src/push-to.ts';
import { APP, Stack, until } from '../src/stack.ts';
import { imageOf, labelled, type PullRequest, standInPullRequests } from '../src/stand-in-pull-requests.ts';

const SETS = ['previews', 'preview-namespaces'];
const FACTS = ['gitHubOwner=example', 'gitHubRepository=gitops-platform', 'previewDomain=preview.localhost'];
const CHART = 'charts/fastify-service/templates';
const stack = await Stack.open();
const github = await standInPullRequests(t, 'example/gitops-platform', 'token');

const argocd = async (...args: string[]): Promise<string> => stack.kubectl('-n', 'argocd', ...args);
const names = async (): Promise<string[]> =>
  (await stack.platform.applications())
    .map(({ metadata }) => metadata.name)
    .filter((name) => name.startsWith('preview-'))
    .sort();
const exists = async (...args: string[]): Promise<boolean> =>
  (await stack.kubectl('get', ...args, '--ignore-not-found', '-o', 'name')) !== '';
const get = async (namespace: string, kind: string, path: string): Promise<string> =>
  stack.kubectl('-n', namespace, 'get', kind, APP, '-o', `jsonpath=${path}`);

/** Makes a set look again at once; after an error it would wait for three minutes. */
async function look(set = 'previews'): Promise<void> {
  await argocd('annotate', 'applicationset', set, `drill=${Date.now()}`, '--overwrite');
}

/** Waits until GitHub has been asked again by both sets, so that they have acted on the answer before the last. */
async function asked(): Promise<void> {
  const { lists } = github;
  await until('the sets ask again', async () => Promise.resolve(github.lists >= lists + 4 ? true : undefined));
}

const gone = async (number: number): Promise<true> =>
  until(`preview ${number} is gone`, async () =>
    !(await names()).includes(`preview-${number}`) &&
    !(await names()).includes(`preview-${number}-namespace`) &&
    !(await exists('namespace', `preview-${number}`))
      ? true
      : undefined,
  );

/** What the error of a set says; undefined where it has none. */
const errorOf = async (set: string): Promise<string | undefined> => {
  const path =
    '{.status.conditions[?(@.type=="ErrorOccurred")].status} {.status.conditions[?(@.type=="ErrorOccurred")].message}';
  const text = await argocd('get', 'applicationset', set, '-o', `jsonpath=${path}`);
  return text.startsWith('True ') ? text.slice('True '.length) : undefined;
};

const applicationOf = async (name: string): Promise<Application | undefined> =>
  (await stack.platform.applications()).find(({ metadata }) => metadata.name === name);

// A sync that is refused is tried again after up to a minute, and takes up the newest commit only then.
const PATIENCE = 180_000;

const isRunning = async (number: number, image: string): Promise<true> =>
  until(
    `preview ${number} runs ${image}`,
    async () => {
      const { status } = (await applicationOf(`preview-${number}`)) ?? {};
      const isHealthy = status?.sync?.status === 'Synced' && status.health?.status === 'Healthy';
      return isHealthy && (status.summary?.images ?? []).includes(image) ? true : undefined;
    },
    PATIENCE,
  );

const LOGGING: Record<string, (text: string) => string> = {
  [`${CHART}/_helpers.tpl`]: (text) =>
    text.replace('NODE_ENV: "production"', 'NODE_ENV: "production"\nBRANCH: "seven"'),
};

t.test(
  'previews are switched on: without a fact or a token of GitHub there is an error, and no Application',
  async (t) => {
    const ask = (text: string): string =>
      text
        .replace('              github:\n', `              github:\n                api: ${github.url}\n`)
        .replace('requeueAfterSeconds: 60', 'requeueAfterSeconds: 1');
    const values = readFileSync(join(stack.instance.root, 'clusters/dev/fastify-service-preview.yaml'), 'utf8');
    await stack.delivered(
      await stack.push('Previews on this machine', {
        ...Object.fromEntries(SETS.map((set) => [`argocd/applications/${set}.yaml`, ask])),
        'clusters/local/fastify-service-preview.yaml': () => values,
      }),
    );
    t.equal(github.lists, 0, 'a cluster without previews does not ask GitHub');
    const commit = await pushTo(stack, 'refs/heads/feature/seven', LOGGING);
    github.answer = [labelled(7, 'feature/seven', commit)];

    await argocd('label', 'secret', 'in-cluster', 'previews=enabled');
    for (const set of SETS)
      t.match(await until(`the error of ${set}`, async () => errorOf(set)), /gitHubOwner/, 'a fact that is not there');
    await argocd('annotate', 'secret', 'in-cluster', ...FACTS);
    for (const set of SETS) await look(set);
    const missing = await until('another error', async () => {
      const error = await errorOf('previews');
      return error?.includes('github-pull-requests') === true ? error : undefined;
    });
    t.match(missing, /secret.*github-pull-requests/i);
    t.same(await names(), []);
    t.equal(github.lists, 0);
    await argocd('create', 'secret', 'generic', 'github-pull-requests', '--from-literal=token=token');
    for (const set of SETS) await look(set);
    await isRunning(7, imageOf(commit));
  },
);

t.test('a labelled pull request has the chart of its branch, its own image, host and namespace', async (t) => {
  t.same(await names(), ['preview-7', 'preview-7-namespace']);
  t.equal(await get('preview-7', 'ingress', '{.spec.rules[*].host}'), 'pr-7.preview.localhost');
  t.equal(await get('preview-7', 'configmap', '{.data.BRANCH}'), 'seven', 'the chart is that of the branch');
  t.equal(await get('preview-7', 'configmap', '{.data.LOG_LEVEL}'), 'debug', 'the values are those of previews');
  t.equal(await get('preview-7', 'deployment', '{.spec.replicas}'), '1');
  t.equal(await get(APP, 'configmap', '{.data.BRANCH}'), '', 'the service itself is as before');
  const { metadata } = JSON.parse(await stack.kubectl('get', 'namespace', 'preview-7', '-o', 'json')) as {
    metadata: { labels: Record<string, string> };
  };
  t.equal(metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted');
});

t.test('another commit replaces the pods; pull requests without the label have nothing', async (t) => {
  const before = await stack.kubectl('get', 'namespace', 'preview-7', '-o', 'jsonpath={.metadata.uid}');
  const commit = await pushTo(stack, 'refs/heads/feature/seven', LOGGING);
  const other = await pushTo(stack, 'refs/heads/eight', { 'NOTE.md': 'eight\n' });
  github.answer = [
    labelled(7, 'feature/seven', commit),
    { number: 8, branch: 'eight', commit: other, labels: ['previews', 'bug'] },
  ];
  await isRunning(7, imageOf(commit));
  await asked();
  t.same(await names(), ['preview-7', 'preview-7-namespace']);
  t.equal(await stack.kubectl('get', 'namespace', 'preview-7', '-o', 'jsonpath={.metadata.uid}'), before);
});

t.test(
  'the namespace refuses pods of another priority, more pods than one rollout needs, and privileges',
  async (t) => {
    const pod = (name: string, changes: object = {}, container: object = {}): object => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        priorityClassName: 'preview',
        securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'main',
            image: 'registry.internal/x:1',
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            resources: {
              requests: { cpu: '10m', memory: '16Mi', 'ephemeral-storage': '16Mi' },
              limits: { memory: '16Mi', 'ephemeral-storage': '16Mi' },
            },
            ...container,
          },
        ],
        ...changes,
      },
    });
    const refuses = async (object: object, reason: RegExp): Promise<void> => {
      const refusal = await stack.dryRun([object], 'preview-7').then(
        () => 'accepted',
        (error: unknown) => (error as RunError).stderr,
      );
      t.match(refusal, reason);
    };
    await stack.dryRun([pod('small')], 'preview-7');
    await refuses(pod('other-priority', { priorityClassName: '' }), /exceeded quota: only-priority-preview/);
    await refuses(pod('host', { hostNetwork: true }), /violates PodSecurity "restricted/);
    const large = { requests: { cpu: '10m', memory: '1Gi' }, limits: { memory: '1Gi', 'ephemeral-storage': '16Mi' } };
    await refuses(pod('large', {}, { resources: large }), /maximum memory usage per Container is 256Mi/);
    await refuses(
      pod(
        'greedy',
        {},
        {
          resources: {
            ...large,
            requests: { cpu: '2', memory: '16Mi' },
            limits: { memory: '16Mi', 'ephemeral-storage': '16Mi' },
          },
        },
      ),
      /exceeded quota: preview/,
    );
  },
);

t.test(
  'a branch cannot give itself more: its project allows neither limits, nor secrets, nor other namespaces',
  async (t) => {
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'preview' },
      spec: { hard: { pods: '99' } },
    };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'stolen' }, stringData: { a: 'b' } };
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'foreign', namespace: APP }, data: {} };
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'preview-admin' },
      rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
    };
    const commit = await pushTo(stack, 'refs/heads/feature/seven', {
      [`${CHART}/more.yaml`]: [quota, secret, config, role].map((object) => JSON.stringify(object)).join('\n---\n'),
    });
    github.answer = [labelled(7, 'feature/seven', commit)];
    const message = await until('Argo CD refuses it', async () => {
      const { status } = (await applicationOf('preview-7')) ?? {};
      const said = [status?.operationState?.message, ...(status?.conditions ?? []).map((each) => each.message)].join(
        '\n',
      );
      return said.includes('not permitted in project') && status?.sync?.revision === commit ? said : undefined;
    });
    t.match(message, /not permitted in project/);
    t.equal(
      await stack.kubectl('-n', 'preview-7', 'get', 'resourcequota', 'preview', '-o', 'jsonpath={.spec.hard.pods}'),
      '3',
    );
    t.notOk(await exists('secret', 'stolen', '-n', 'preview-7'));
    t.notOk(await exists('configmap', 'foreign', '-n', APP));
    t.notOk(await exists('clusterrole', 'preview-admin'));
    const good = await pushTo(stack, 'refs/heads/feature/seven', LOGGING);
    github.answer = [labelled(7, 'feature/seven', good)];
    await isRunning(7, imageOf(good));
  },
);

t.test("nothing of a fork is deployed, whatever its branch is called, though Git has the fork's commits", async (t) => {
  const before = github.answer as readonly PullRequest[];
  const commit = await pushTo(stack, 'refs/pull/9/head', { [`${CHART}/stranger.yaml`]: 'kind: ConfigMap\n' });
  // The last three are names that would lead to the commit itself, were they not taken as names of branches.
  const branches = ['strangers-branch', 'refs/pull/9/head', 'pull/9/head', commit];
  github.answer = [...before, ...branches.map((branch, index) => labelled(90 + index, branch, commit))];
  for (const [index, branch] of branches.entries()) {
    const name = `preview-${90 + index}`;
    const reason = await until(`${name} finds no branch`, async () => {
      const application = await applicationOf(name);
      return application?.status?.conditions?.find(({ type }) => type === 'ComparisonError')?.message;
    });
    t.match(reason, `unable to resolve 'refs/heads/${branch}'`, branch);
    t.equal(
      await stack.kubectl(
        '-n',
        name,
        'get',
        'deployment,configmap,ingress',
        '-l',
        'app.kubernetes.io/name',
        '-o',
        'name',
      ),
      '',
    );
  }
  github.answer = before;
  for (const index of branches.keys()) await gone(90 + index);
});

t.test('while GitHub answers errors, previews stay', async (t) => {
  const before = github.answer;
  for (const status of [500, 404]) {
    github.answer = status;
    await look();
    await until('the sets report it', async () =>
      (await errorOf('previews'))?.includes(String(status)) === true ? true : undefined,
    );
    t.same(await names(), ['preview-7', 'preview-7-namespace']);
  }
  github.answer = before;
  for (const set of SETS) {
    await look(set);
    await until(`${set} works again`, async () => ((await errorOf(set)) === undefined ? true : undefined));
  }
});

t.test('a preview ends with its label, and with its pull request; its namespace ends with it', async (t) => {
  const [seven] = github.answer as readonly PullRequest[];
  if (seven === undefined) throw new Error('there is no pull request 7');
  const commit = await pushTo(stack, 'refs/heads/ten', { 'NOTE.md': 'ten\n' });
  github.answer = [seven, labelled(10, 'ten', commit)];
  await isRunning(10, imageOf(commit));
  github.answer = [{ ...seven, labels: ['bug'] }, labelled(10, 'ten', commit)];
  await gone(7);
  t.same(await names(), ['preview-10', 'preview-10-namespace']);
  github.answer = [];
  await gone(10);
  t.same(await names(), []);
  t.ok(await stack.isRolledOut(await stack.image()), 'the service itself runs as before');
  await argocd('label', 'secret', 'in-cluster', 'previews-');
});
