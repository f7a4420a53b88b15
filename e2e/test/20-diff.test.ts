import t, { type Test } from 'tap';
import { comparedRevision, isSettled } from '@gitops/local';
import { ChangesDrill, isOfRoot, type Merge } from '../src/changes-drill.ts';
import {
  argo,
  configMap,
  deployment,
  ELSEWHERE,
  job,
  KINDS,
  type Maker,
  makers,
  objects,
  project,
  service,
} from '../src/sample-application.ts';
import { APP, Stack, until } from '../src/stack.ts';

// Each kind of change is merged, and what `make diff` said of every object is compared with what became of it.

const stack = await Stack.open();
const NAMES = ['sample', 'sample-2', 'sample-renamed'];
/** Its chart is fetched from the internet, so that none of its objects come here. */
const CONTROLLER = 'metrics-server';
const drill = new ChangesDrill(stack, ['argocd', APP, ELSEWHERE]);
t.teardown(async () => drill.close());

interface Made {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

const has = async (commit: string, name = 'sample'): Promise<boolean> =>
  comparedRevision(await stack.application(name)) === commit;

/** Says a message of Argo CD's Application, within a moment. */
const says = async (name: string, pattern: RegExp): Promise<string> =>
  until(`${name}: ${String(pattern)}`, async () => {
    const { status } = await stack.application(name);
    const text = JSON.stringify([status?.operationState, status?.conditions]);
    return pattern.test(text) ? text : undefined;
  });

const agrees = (t: Test, { said, happened }: Merge): void => {
  t.same(happened, said, 'what happened is what was said');
};

/** What was said of an object. */
const of = ({ changes }: Merge, name: string): Merge['changes'] => changes.filter((change) => change.object === name);

const hook = (value = '1'): object => configMap('hook', value, argo({ hook: 'PostSync' }));
const base = [
  ...[
    configMap('a'),
    configMap('b'),
    configMap('kind'),
    configMap('kept', '1', argo({ 'sync-options': 'Prune=false' })),
  ],
  ...[service('web'), service('late', 80, argo({ 'sync-wave': '1' })), configMap('there', '1', { namespace: APP })],
  ...[deployment('web'), deployment('old'), job('1'), hook(), configMap('hook-2', '1', argo({ hook: 'PostSync' }))],
];

/** As it was before. */
async function cleanUp(): Promise<void> {
  const files = [
    ...['argocd/applications/sample.yaml', 'argocd/projects/templates/sample.yaml'],
    ...['argocd/projects/templates/sample-2.yaml', 'charts/sample/objects.yaml', 'charts/sample-2/objects.yaml'],
  ];
  const { commit } = await stack.push('Without it', Object.fromEntries(files.map((file) => [file, () => undefined])));
  await until('root without it', async () => ((await has(commit, 'root')) ? true : undefined), 120_000);
  await stack.kubectl('-n', 'argocd', 'delete', 'applications,applicationsets', ...NAMES, '--ignore-not-found');
  await stack.kubectl('-n', 'argocd', 'delete', 'application', CONTROLLER, '--ignore-not-found');
  const kinds = 'configmaps,services,deployments,jobs';
  for (const namespace of [APP, ELSEWHERE]) {
    const { items } = JSON.parse(await stack.kubectl('-n', namespace, 'get', kinds, '-o', 'json')) as { items: Made[] };
    for (const { kind, metadata } of items)
      if (metadata.annotations?.['argocd.argoproj.io/tracking-id']?.startsWith('sample') === true)
        await stack.kubectl('-n', namespace, 'delete', kind, metadata.name);
  }
  await stack.kubectl('delete', 'namespace', ELSEWHERE, '--ignore-not-found');
}

t.before(async () => stack.kubectl('create', 'namespace', ELSEWHERE));
t.teardown(cleanUp);

/** A test that needs what the one before it left. */
const step = (what: string, run: (t: Test) => Promise<void>): void => void t.test(what, run);

step('a new Application with all its objects', async (t) => {
  agrees(t, await drill.merge({ ...project(), ...makers({}), ...objects(base) }));
});

const other = [
  // The name, the kind and the namespace of an object changed.
  ...[configMap('a', '2'), configMap('b-2'), service('kind'), configMap('there', '1', { namespace: ELSEWHERE })],
  ...[service('web', 81), service('late', 80, argo({ 'sync-wave': '1' }))],
  ...[deployment('web', '2'), deployment('new'), job('2'), hook('2')],
];

step('name, kind and namespace of objects, pods replaced, an object that stays, hooks', async (t) => {
  const merge = await drill.merge(objects(other));
  agrees(t, merge);
  t.match(merge.said, {
    'fastify-service Deployment/web': 'changed, pods',
    'fastify-service Deployment/old': 'deleted, pods',
  });
  for (const name of ['kept', 'hook-2']) t.match(of(merge, `ConfigMap/${name}`), [{ effect: 'kept' }]);
  // As long as it is there, the Application is OutOfSync, and every commit is synced, hooks included.
  await stack.kubectl('-n', APP, 'delete', 'configmap', 'kept');
});

/** Pushes the old state, and waits until it is there. */
async function goBack(edit: Parameters<Stack['push']>[1]): Promise<void> {
  const { commit } = await stack.push('As before', edit);
  const isBack = async (): Promise<true | undefined> => {
    const application = await stack.application('sample');
    const isThere = isSettled(application) && comparedRevision(application) === commit;
    return isThere && (!isOfRoot(edit) || (await drill.isAtRoot(commit))) ? true : undefined;
  };
  await until('the old state', isBack, 120_000);
}

step('a field that the API server refuses: the rest of its wave is applied, later waves wait', async (t) => {
  const changed = new Map([
    [other[0], configMap('a', '3')],
    [other[5], service('late', 81, argo({ 'sync-wave': '1' }))],
    [other[6], deployment('web', '2', 'changed')],
  ]);
  const merge = await drill.merge(objects(other.map((each) => changed.get(each) ?? each)));
  agrees(t, merge);
  t.match(merge.said, { 'fastify-service ConfigMap/a': 'changed' });
  t.match(of(merge, 'Service/late'), [{ effect: 'waits' }]);
  await says('sample', /field is immutable/);
  await goBack(objects(other));
});

step('a hook alone: nothing happens', async (t) => {
  const merge = await drill.merge(objects([...other.slice(0, -1), hook('3')]), has);
  agrees(t, merge);
  t.match(of(merge, 'ConfigMap/hook'), [{ effect: 'waits' }]);
  await stack.push('As before', objects(other));
});

step('a kind that the project no longer allows: nothing is applied, and what was removed stays', async (t) => {
  const kinds = KINDS.filter((kind) => kind !== '/Service');
  const gone = other.filter((each) => each !== other[2]);
  // Alone: a change of the Application in the same merge may be synced before root has changed the project.
  const lost = await drill.merge(project(kinds));
  agrees(t, lost);
  t.match(of(lost, 'Application/sample'), [{ effect: 'refused', kind: 'not-permitted' }]);
  const refused = await drill.merge(objects([configMap('a', '4'), ...gone.slice(1)]), has);
  agrees(t, refused);
  t.match(of(refused, 'Application/sample'), [{ effect: 'refused', kind: 'not-permitted' }]);
  await says('sample', /is not permitted in project sample/);
  const rest = [configMap('a', '5'), ...gone.slice(1)].filter((each) => !JSON.stringify(each).includes('"Service"'));
  const unseen = await drill.merge(objects(rest), has);
  agrees(t, unseen);
  t.match(of(unseen, 'Service/web'), [{ effect: 'kept' }]);
  await goBack({ ...project(), ...objects(other) });
});

step('no pruning any more', async (t) => {
  agrees(t, await drill.merge(makers({ syncPolicy: { automated: { selfHeal: true } } })));
  const merge = await drill.merge(objects(other.slice(1)), has);
  agrees(t, merge);
  t.match(of(merge, 'ConfigMap/a'), [{ effect: 'kept' }]);
});

step('no automated sync any more', async (t) => {
  agrees(t, await drill.merge(makers({ syncPolicy: {} })));
  const merge = await drill.merge(objects([configMap('a', '5'), ...other.slice(1)]), has);
  agrees(t, merge);
  t.match(of(merge, 'ConfigMap/a'), [{ effect: 'waits' }]);
  await goBack({ ...makers({}), ...objects(other) });
});

const OPTIONS = ['FailOnSharedResource=true', 'ApplyOutOfSyncOnly=true'];

step('ApplyOutOfSyncOnly: what is always replaced stays, until it differs', async (t) => {
  agrees(t, await drill.merge(makers({ options: OPTIONS })));
  const merge = await drill.merge(objects([configMap('a', '6'), ...other.slice(1)]));
  agrees(t, merge);
  t.strictSame(of(merge, 'Job/job'), []);
  await goBack({ ...makers({}), ...objects(other) });
});

step('another project: what it grants counts; one that does not exist changes nothing', async (t) => {
  agrees(t, await drill.merge({ ...project(KINDS, 'sample-2'), ...makers({ project: 'sample-2' }) }));
  const projectOf = async (): Promise<string | undefined> => (await stack.application('sample')).spec.project;
  t.equal(await projectOf(), 'sample-2');
  const kinds = KINDS.filter((kind) => kind !== '/Service');
  const lost = await drill.merge(project(kinds, 'sample-2'));
  agrees(t, lost);
  t.match(of(lost, 'Application/sample'), [{ effect: 'refused', kind: 'not-permitted' }]);
  await goBack(makers({}));
  const missing = await drill.merge({
    ...{ ...makers({ project: 'sample-3' }), ...objects([configMap('a', '7'), ...other.slice(1)]) },
  });
  agrees(t, missing);
  t.match(of(missing, 'Application/sample'), [{ effect: 'refused', kind: 'not-permitted' }]);
  t.match(missing.said, { 'fastify-service ConfigMap/a': 'changed' });
  t.equal(await projectOf(), 'sample', 'it goes on with the project that it had');
  await goBack({ ...makers({}), ...objects(other) });
});

step('the namespace of the Application', async (t) => {
  agrees(t, await drill.merge(makers({ namespace: ELSEWHERE })));
  // A hook is not pruned, and would be made anew below.
  await stack.kubectl('-n', APP, 'delete', 'configmap', 'hook');
  agrees(t, await drill.merge(makers({})));
});

step('another maker of an object: it is made anew; one that stays with the old maker is refused', async (t) => {
  const second: Maker = { name: 'sample-2', folder: 'sample-2' };
  const kept = configMap('kept-2', '1', argo({ 'sync-options': 'Prune=false' }));
  agrees(t, await drill.merge({ ...objects([...other, kept]) }));
  const move = await drill.merge({
    ...{ ...makers({}, second), ...objects([...other.slice(1), kept]), ...objects([configMap('a', '2')], 'sample-2') },
  });
  agrees(t, move);
  t.match(move.said, { 'fastify-service ConfigMap/a': 'recreated' });
  const refused = await drill.merge({
    ...objects(other.slice(1)),
    ...objects([configMap('a', '6'), kept], 'sample-2'),
  });
  agrees(t, refused);
  t.match(of(refused, 'Application/sample-2'), [{ effect: 'refused' }]);
  await says('sample-2', /Shared resource found/);
  await stack.push('As before', objects([configMap('a', '2')], 'sample-2'));
  await stack.kubectl('-n', APP, 'delete', 'configmap', 'kept-2');
  await until('both at rest', async () => {
    const applications = await Promise.all(['sample', 'sample-2'].map(async (name) => stack.application(name)));
    return applications.every(isSettled) ? true : undefined;
  });
});

/** The name that an ApplicationSet gives its Application. */
const namedBy = async (set: string): Promise<string> =>
  stack.kubectl('-n', 'argocd', 'get', 'applicationset', set, '-o', 'jsonpath={.spec.template.metadata.name}');

step('the name in the template changed: both Applications stay, and the new one is refused', async (t) => {
  const merge = await drill.merge(makers({ name: 'sample-renamed', set: 'sample' }));
  agrees(t, merge);
  t.match(of(merge, 'Application/sample'), [{ effect: 'kept' }]);
  await says('sample-renamed', /Shared resource found/);
  await stack.push('As before', makers({}));
  await until('the old name', async () => ((await namedBy('sample')) === 'sample' ? true : undefined));
  // Git knows nothing of the one that stays.
  await stack.kubectl('-n', 'argocd', 'delete', 'application', 'sample-renamed');
});

/** Sets the controllers of the cluster. */
const controllers = (...names: readonly string[]): Parameters<Stack['push']>[1] => ({
  'clusters/local/cluster.yaml': (text) => text.replace(/^controllers: .*$/m, `controllers: [${names.join(', ')}]`),
});

step(
  'a controller switched on and off: its Application comes and stays; a set that deletes takes all with it',
  async (t) => {
    const [nothing, on] = await drill.apply(controllers(CONTROLLER));
    t.strictSame(nothing.said, {}, 'the merge alone changes nothing');
    for (const part of [nothing, on]) agrees(t, part);
    t.strictSame(on.said, { 'argocd Application/metrics-server': 'created', 'argocd Secret/in-cluster': 'changed' });
    const finalizers = ['resources-finalizer.argocd.argoproj.io'];
    agrees(t, await drill.merge(makers({ label: CONTROLLER, policy: 'sync', finalizers })));
    // Hooks of before, of which Git knows nothing any more.
    await stack.kubectl('-n', APP, 'delete', 'configmap', 'hook-2', '--ignore-not-found');
    await stack.kubectl('-n', ELSEWHERE, 'delete', 'configmap', 'hook', '--ignore-not-found');
    const [still, off] = await drill.apply(controllers());
    for (const part of [still, off]) agrees(t, part);
    t.match(of(off, `Application/${CONTROLLER}`), [{ effect: 'kept' }]);
    t.match(of(off, 'Application/sample'), [{ effect: 'deleted', kind: 'application-deleted' }]);
    t.match(off.said, {
      'fastify-service Deployment/web': 'deleted, pods',
      'fastify-service ConfigMap/hook': 'deleted',
    });
    await stack.kubectl('-n', 'argocd', 'delete', 'application', CONTROLLER);
    agrees(t, await drill.merge(makers({})));
  },
);

step('an ApplicationSet renamed, then removed: what they deploy stays', async (t) => {
  agrees(t, await drill.merge(makers({ set: 'sample-renamed' })));
  const merge = await drill.merge({ 'argocd/applications/sample.yaml': () => undefined });
  agrees(t, merge);
  t.match(of(merge, 'Application/sample'), [{ effect: 'deleted', kind: 'removed' }]);
});
