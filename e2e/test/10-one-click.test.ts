import t, { type Test } from 'tap';
import { type Account, type Application, isAutoSynced, isOperating, storedToken } from '@gitops/local';
import { RunError } from '@gitops/tools/run';
import { APP, BREAK_GLASS, Stack, until } from '../src/stack.ts';

// The rollback by one click, as the web pages of Argo CD send it, and that the right it needs allows nothing else. The policies are
// argocd/projects/templates/only-git-changes-applications.yaml and break-glass.yaml.

const stack = await Stack.open();
const PATH = `/applications/${APP}`;

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function call(account: Account, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${stack.ports.server}/api/v1${path}`, {
    method,
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${storedToken(stack.instance, account)}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** An Application as the pages have it, all of it. */
interface Whole {
  metadata: { annotations: Record<string, string>; labels?: Record<string, string>; finalizers?: string[] };
  spec: {
    project: string;
    destination: { namespace: string };
    source: { path: string; targetRevision: string; helm: { parameters: { name: string; value: string }[] } };
    syncPolicy: {
      automated?: { enabled?: boolean; prune?: boolean; selfHeal?: boolean };
      syncOptions: string[];
      retry: object;
    };
    revisionHistoryLimit?: number;
    info?: object[];
  };
}

const read = async (): Promise<Whole> => (await call('on-call', 'GET', PATH)).body as unknown as Whole;

/** The one click, by the calls that the pages make, in their order; throws where one is refused. */
async function click(id: number): Promise<void> {
  const update = await read();
  update.spec.syncPolicy.automated = { ...update.spec.syncPolicy.automated, enabled: false };
  const calls: [string, string, unknown][] = [
    ['PUT', `${PATH}?validate=false`, update],
    ['POST', `${PATH}/rollback`, { id, appNamespace: 'argocd' }],
    ['GET', `${PATH}?appNamespace=argocd`, undefined],
  ];
  for (const [method, path, body] of calls) {
    const answer = await call('on-call', method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
  }
}

/** Toggle Auto-Sync in the menu of the Application. */
async function toggle(): Promise<Answer> {
  const resource = {
    namespace: 'argocd',
    resourceName: APP,
    group: 'argoproj.io',
    kind: 'Application',
    version: 'v1alpha1',
  };
  return call('on-call', 'POST', `${PATH}/resource/actions/v2?${new URLSearchParams(resource).toString()}`, {
    ...{ action: 'toggle-auto-sync', name: APP, appNamespace: 'argocd' },
    ...resource,
  });
}

/** What a refused request must leave as it is. */
function essence({ spec, status, operation }: Application): object {
  return { spec, operation, history: status?.history };
}

async function rolledOut(image: string): Promise<void> {
  await until(`${image} is rolled out`, async () => ((await stack.isRolledOut(image)) ? true : undefined));
}

const newestId = async (): Promise<number> => (await stack.application()).status?.history?.at(-1)?.id ?? -1;

let old = '';
let oldId = -1;
let main = '';

t.before(async () => {
  old = await stack.ship('10.0.0');
  oldId = await newestId();
  main = await stack.ship('10.1.0');
});

t.test('one click brings the old version back, and it stays', async (t) => {
  await click(oldId);
  await rolledOut(old);
  t.equal(isAutoSynced(await stack.application()), false, 'auto-sync is off');
  t.equal((await stack.application()).status?.sync?.status, 'OutOfSync');
  const { automated } = (await read()).spec.syncPolicy;
  t.same(automated, { enabled: false, prune: true, selfHeal: true }, 'and nothing else changed');
});

t.test('what Git does not hold is deployed by no operation, while auto-sync is off', async (t) => {
  await until('the rollback is over', async () => (isOperating(await stack.application()) ? undefined : true));
  // A commit of another branch, which nobody merged.
  const { commit } = await stack.push(
    'A branch',
    { 'README.md': (text) => `${text}\nA branch.\n` },
    { branch: 'unmerged' },
  );
  const before = essence(await stack.application());
  const refusals: [string, unknown][] = [
    ['a commit of another branch', { revision: commit }],
    ['manifests', { manifests: ['{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"elsewhere"}}'] }],
  ];
  for (const [what, body] of refusals) {
    const byOnCall = await call('on-call', 'POST', `${PATH}/sync`, body);
    t.equal(byOnCall.status, 403, `${what}, by on-call`);
    t.match(byOnCall.body.message, /permission denied: applications, override/);
    // Who may override is stopped by the API server.
    const byPlatform = await call('platform', 'POST', `${PATH}/sync`, body);
    t.equal(byPlatform.status, 403, `${what}, by platform`);
    t.match(
      byPlatform.body.message,
      /can be synced to the commit that Argo CD compared last, or rolled back to an entry/,
    );
  }
  t.same(essence(await stack.application()), before, 'nothing changed');
  t.equal(await stack.image(), old);
});

t.test('the same switch hands it back to Git, and two steps roll back as well', async (t) => {
  t.equal((await toggle()).status, 200);
  await rolledOut(main);
  await until('the sync is over', async () => (isOperating(await stack.application()) ? undefined : true));

  t.equal((await toggle()).status, 200);
  const answer = await call('on-call', 'POST', `${PATH}/rollback`, { id: oldId, appNamespace: 'argocd' });
  t.equal(answer.status, 200, JSON.stringify(answer.body.message));
  await rolledOut(old);
  t.equal((await toggle()).status, 200);
  await rolledOut(main);
});

/** Changes that somebody could try, each with the field that the refusal must name. */
const CHANGES: Record<string, [field: string, change: (application: Whole) => void]> = {
  'the image': ['spec.source', ({ spec }) => (spec.source.helm.parameters = [{ name: 'image.tag', value: '6.6.6' }])],
  'a parameter': ['spec.source', ({ spec }) => spec.source.helm.parameters.push({ name: 'replicaCount', value: '0' })],
  'the path': ['spec.source', ({ spec }) => (spec.source.path = 'argocd/preview-namespace')],
  'the revision': ['spec.source', ({ spec }) => (spec.source.targetRevision = 'refs/heads/unmerged')],
  'the namespace': ['spec.destination', ({ spec }) => (spec.destination.namespace = 'argocd')],
  'sync options': ['spec.syncPolicy.syncOptions', ({ spec }) => spec.syncPolicy.syncOptions.push('Replace=true')],
  retries: ['spec.syncPolicy.retry', ({ spec }) => (spec.syncPolicy.retry = { limit: 100 })],
  prune: [
    'spec.syncPolicy.automated.prune',
    ({ spec }) => (spec.syncPolicy.automated = { ...spec.syncPolicy.automated, enabled: false, prune: false }),
  ],
  'self-heal': [
    'spec.syncPolicy.automated.selfHeal',
    ({ spec }) => (spec.syncPolicy.automated = { ...spec.syncPolicy.automated, selfHeal: false }),
  ],
  'all of auto-sync': ['spec.syncPolicy.automated.prune', ({ spec }) => delete spec.syncPolicy.automated],
  'how much history is kept': ['spec.revisionHistoryLimit', ({ spec }) => (spec.revisionHistoryLimit = 0)],
  'the information': ['spec.info', ({ spec }) => (spec.info = [{ name: 'a', value: 'b' }])],
  labels: ['metadata.labels', ({ metadata }) => (metadata.labels = { a: 'b' })],
  finalizers: [
    'metadata.finalizers',
    ({ metadata }) => (metadata.finalizers = ['resources-finalizer.argocd.argoproj.io']),
  ],
  'how it is compared': [
    'metadata.annotations',
    ({ metadata }) => (metadata.annotations['argocd.argoproj.io/skip-reconcile'] = 'true'),
  ],
};

async function refusedChanges(t: Test, account: Account): Promise<void> {
  const before = essence(await stack.application());
  const image = await stack.image();
  for (const [name, [field, change]] of Object.entries(CHANGES)) {
    const application = await read();
    change(application);
    // By the whole object, as the pages do it, and by a patch, as its command line does.
    const { metadata, spec } = application;
    const patch = JSON.stringify({
      metadata: { labels: metadata.labels, annotations: metadata.annotations, finalizers: metadata.finalizers },
      spec: { ...spec, syncPolicy: { ...spec.syncPolicy, automated: spec.syncPolicy.automated ?? null } },
    });
    const answers = {
      PUT: await call(account, 'PUT', `${PATH}?validate=false`, application),
      PATCH: await call(account, 'PATCH', PATH, { name: APP, patch, patchType: 'merge' }),
      'PUT of the spec': field.startsWith('spec') && (await call(account, 'PUT', `${PATH}/spec?validate=false`, spec)),
    };
    for (const [method, answer] of Object.entries(answers)) {
      if (answer === false) continue;
      // What does not render either is refused before it reaches the API server.
      if (method === 'PATCH' && answer.status === 400) continue;
      t.equal(answer.status, 403, `${name}, by ${method}`);
      t.match(
        answer.body.message,
        `only the auto-sync of an Application can be switched here; all other changes of ${APP} come from Git`,
      );
      t.match(answer.body.message, field);
    }
  }
  t.same(essence(await stack.application()), before, 'nothing changed, and the history has no new entry');
  t.equal(await stack.image(), image);
}

t.test('on-call changes nothing else', async (t) => refusedChanges(t, 'on-call'));
t.test('platform changes no more in Argo CD', async (t) => refusedChanges(t, 'platform'));

t.test('nor another project, a new Application, a set or a project', async (t) => {
  const moved = await read();
  moved.spec.project = 'default';
  const set = (await call('platform', 'GET', `/applicationsets/${APP}`)).body as { spec: { template: Whole } };
  set.spec.template.spec.source.path = 'charts/elsewhere';
  const project = (await call('platform', 'GET', '/projects/services')).body as { spec: { sourceRepos: string[] } };
  project.spec.sourceRepos = ['*'];
  const created = await read();
  const root = (await call('platform', 'GET', '/applications/root')).body as unknown as Whole;
  root.spec.project = 'services';
  const child = {
    namespace: 'argocd',
    resourceName: APP,
    group: 'argoproj.io',
    kind: 'ApplicationSet',
    version: 'v1alpha1',
  };
  const refused: Record<string, Answer> = {
    'another project': await call('platform', 'PUT', `${PATH}?validate=false`, moved),
    'a new Application': await call('platform', 'POST', '/applications?validate=false', {
      ...created,
      metadata: { name: 'elsewhere', namespace: 'argocd' },
    }),
    'a changed set': await call('platform', 'POST', '/applicationsets?upsert=true', set),
    'a set, as an object of root': await call(
      'platform',
      'POST',
      `/applications/root/resource?${new URLSearchParams({ ...child, patchType: 'application/merge-patch+json' }).toString()}`,
      '{"spec":{"template":{"spec":{"project":"root"}}}}',
    ),
    'a wider project': await call('platform', 'PUT', '/projects/services', { project }),
    root: await call('platform', 'PUT', '/applications/root?validate=false', root),
    // It would delete all Applications: root has no finalizer, and this call adds one.
    'a deletion of root': await call('platform', 'DELETE', '/applications/root?cascade=true'),
  };
  for (const [what, { status, body }] of Object.entries(refused)) {
    t.equal(status, 403, `${what}: ${String(body.message)}`);
    t.match(body.message, /from Git/, what);
  }
  t.same((await stack.application('root')).metadata.name, 'root');
});

t.test('kubectl changes no more, but as a member of the break-glass group, which is counted', async (t) => {
  const patch = async (patch: object, ...args: string[]): Promise<string> =>
    stack.kubectl('-n', 'argocd', 'patch', 'application', APP, '--type=merge', `-p=${JSON.stringify(patch)}`, ...args);
  const refusal = async (change: object): Promise<string> =>
    patch(change).then(
      () => 'not refused',
      (error: unknown) => (error instanceof RunError ? error.stderr : String(error)),
    );
  t.match(await refusal({ spec: { source: { path: 'elsewhere' } } }), 'this request changes spec.source)');
  t.match(await refusal({ status: { history: [] } }), 'this request changes status.history)');
  t.match(await refusal({ operation: { sync: { manifests: ['{}'] } } }), 'and to nothing else');
  t.match(await refusal({ operation: { sync: { source: { repoURL: 'http://elsewhere' } } } }), 'and to nothing else');

  const count = async (): Promise<number> => {
    const metrics = await stack.kubectl('get', '--raw', '/metrics');
    const name = 'apiserver_validating_admission_policy_check_total';
    const line = metrics
      .split('\n')
      .find((each) => each.startsWith(`${name}{enforcement_action="audit"`) && each.includes('policy="break-glass"'));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  const before = await count();
  await patch({ spec: { info: [{ name: 'why', value: 'a drill' }] } }, ...BREAK_GLASS);
  t.equal(await count(), before + 1, 'counted');
  await until('its ApplicationSet takes the change back', async () =>
    (await read()).spec.info === undefined ? true : undefined,
  );
  t.equal(await count(), before + 1, 'the controller is not counted');
});

t.test('Argo CD may ask for a refresh, and a browser may be a notification behind', async (t) => {
  const application = await read();
  application.metadata.annotations['argocd.argoproj.io/refresh'] = 'normal';
  application.metadata.annotations['notified.notifications.argoproj.io'] = '{}';
  t.equal((await call('on-call', 'PUT', `${PATH}?validate=false`, application)).status, 200);
});
