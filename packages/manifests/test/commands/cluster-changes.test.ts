import t from 'tap';
import type { ClusterSettings } from '@gitops/settings';
import { stepBetween } from '../../src/commands/cluster-changes.ts';
import { settingsChanges } from '../../src/commands/settings-changes.ts';
import type { KubernetesObject } from '../../src/kubernetes/object.ts';
import type { FleetApplication } from '../../src/render/fleet.ts';
import type { Application } from '../../src/render/renderer.ts';

// What the drill e2e/test/20-diff.test.ts sees in a cluster, told from objects alone.

interface Kind {
  readonly set?: string;
  readonly policy?: string;
  readonly project?: string;
  readonly prune?: boolean;
  readonly automated?: boolean;
  readonly options?: readonly string[];
  readonly finalizers?: readonly string[];
}

const cluster = { name: 'dev' } as ClusterSettings;

const configMap = (name: string, annotations: Record<string, string> = {}, value = '1'): KubernetesObject => ({
  ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, annotations }, data: { value } },
});

const setOf = (name: string, policy = 'create-update'): KubernetesObject => ({
  ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet', metadata: { name, namespace: 'argocd' } },
  spec: { syncPolicy: { applicationsSync: policy, preserveResourcesOnDeletion: true } },
});

const entry = (name: string, objects: readonly KubernetesObject[], kind: Kind = {}): FleetApplication => {
  const { set = name, policy, project = 'p', prune = true, automated = true, options = [], finalizers } = kind;
  const application = {
    ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name, namespace: 'argocd', finalizers } },
    spec: {
      project,
      destination: { namespace: 'n' },
      sources: [{ repoURL: 'r' }],
      syncPolicy: {
        ...(automated ? { automated: { prune } } : {}),
        syncOptions: ['FailOnSharedResource=true', 'ApplyOutOfSyncOnly=true', ...options],
      },
    },
  } as unknown as Application;
  const rendered = { ok: true as const, value: [...objects] };
  const request = { application, kubeVersion: 'v1', apiVersions: [] };
  return { cluster, application, applicationSet: setOf(set, policy), chart: undefined, request, rendered };
};

const grants = (kinds: readonly string[]): KubernetesObject => ({
  ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'AppProject', metadata: { name: 'p', namespace: 'argocd' } },
  spec: {
    sourceRepos: ['r'],
    destinations: [{ namespace: 'n' }, { namespace: 'argocd' }],
    namespaceResourceWhitelist: kinds.map((kind) => ({ group: '', kind })),
  },
});
const rootGrants: KubernetesObject = {
  ...grants([]),
  metadata: { name: 'root', namespace: 'argocd' },
  spec: {
    ...{ sourceRepos: ['r'], destinations: [{ namespace: 'argocd' }] },
    namespaceResourceWhitelist: ['AppProject', 'ApplicationSet'].map((kind) => ({ group: 'argoproj.io', kind })),
  },
};

type State = ReadonlyMap<string, FleetApplication>;

/** A cluster of these Applications, with root, which renders their ApplicationSets. */
function state(
  applications: readonly FleetApplication[],
  sets?: readonly KubernetesObject[],
  kinds = ['ConfigMap'],
): State {
  const own = applications.flatMap(({ applicationSet }) => (applicationSet === undefined ? [] : [applicationSet]));
  const { applicationSet: _, ...root } = entry('root', [...(sets ?? own), grants(kinds)], { project: 'root' });
  return new Map(
    [{ ...root, installedWith: [rootGrants] }, ...applications].map((each) => [each.application.metadata.name, each]),
  );
}

/** `kept Application/a`, `created ConfigMap/x`: in the order of the Applications. */
async function effects(before: State, after: State): Promise<string[]> {
  // As it is rendered from the files of the next state.
  const again = async (each: FleetApplication): Promise<FleetApplication> =>
    Promise.resolve({ ...each, rendered: (after.get(each.application.metadata.name) ?? each).rendered });
  const { changes } = await stepBetween({ state: before, orphans: new Set() }, after, again);
  const lines: string[] = [];
  for (const [name, own] of changes)
    for (const { effect, object, path } of own) lines.push(`${name}: ${effect} ${object} ${path}`.trim());
  return lines.filter((line) => !line.startsWith('root:')).sort();
}

const [x, y] = [configMap('x'), configMap('y')];

t.test('Applications that come, stay and go', async (t) => {
  const one = state([entry('a', [x, y])]);
  t.same(await effects(one, one), []);
  t.same(await effects(one, state([], [setOf('a')])), ['a: kept Application/a'], 'a controller switched off');
  t.same(await effects(one, state([])), ['a: deleted Application/a'], 'the set removed: what it deploys stays');
  const cascading = entry('a', [x, y], { policy: 'sync', finalizers: ['resources-finalizer.argocd.argoproj.io'] });
  t.same(
    await effects(state([cascading]), state([], [setOf('a', 'sync')])),
    ['a: deleted Application/a', 'a: deleted ConfigMap/x', 'a: deleted ConfigMap/y'],
    'a policy that deletes, and a finalizer',
  );
  const hook = configMap('h', { 'argocd.argoproj.io/hook': 'PostSync' });
  const stays = configMap('s', { 'argocd.argoproj.io/sync-options': 'Delete=false' });
  const unpruned = configMap('u', { 'argocd.argoproj.io/sync-options': 'Prune=false' });
  const all = { ...cascading, rendered: { ok: true as const, value: [hook, stays, unpruned] } };
  t.same(
    await effects(state([all]), state([], [setOf('a', 'sync')])),
    ['a: deleted Application/a', 'a: deleted ConfigMap/h', 'a: deleted ConfigMap/u', 'a: kept ConfigMap/s'],
    'a deletion is no pruning: hooks go as well',
  );
  t.same(await effects(one, state([entry('a', [x, y], { set: 'b' })])), ['a: recreated Application/a'], 'another set');
  t.same(
    await effects(one, state([entry('b', [x, y], { set: 'a' })])),
    ['a: kept Application/a', 'b: created Application/b', 'b: refused Application/b'],
    'the name in the template',
  );
});

t.test('objects that change hands', async (t) => {
  const before = state([entry('a', [x, y]), entry('b', [])]);
  t.same(await effects(before, state([entry('a', [y]), entry('b', [x])])), [
    'a: recreated ConfigMap/x',
    'b: recreated ConfigMap/x',
  ]);
  const kept = configMap('x', { 'argocd.argoproj.io/sync-options': 'Prune=false' });
  t.same(
    await effects(state([entry('a', [kept, y]), entry('b', [])]), state([entry('a', [y]), entry('b', [kept])])),
    ['a: kept ConfigMap/x', 'b: refused Application/b'],
    'one that the old Application does not delete',
  );
});

t.test('what a sync policy, a project and hooks keep from happening', async (t) => {
  const before = state([entry('a', [x, y])]);
  const cases: readonly [string, State, readonly string[]][] = [
    ['all as Git says', state([entry('a', [x])]), ['a: deleted ConfigMap/y']],
    ['the last object', state([entry('a', [])]), ['a: kept ConfigMap/x', 'a: kept ConfigMap/y']],
  ];
  for (const [what, after, found] of cases) t.same(await effects(before, after), found, what);
  const without = (objects: readonly KubernetesObject[]): State => state([entry('a', objects)], undefined, ['Secret']);
  t.same(
    await effects(before, without([x])),
    ['a: deleted ConfigMap/y', 'a: refused Application/a spec.project'],
    'a kind that the project loses in this merge: the Application may be faster',
  );
  t.same(
    await effects(without([x, y]), without([x])),
    ['a: kept ConfigMap/y', 'a: refused Application/a spec.project'],
    'a kind that the project lost before',
  );

  t.same(
    await effects(before, state([entry('a', [x], { project: 'other' })])),
    ['a: deleted ConfigMap/y', 'a: refused Application/a spec.project'],
    'a project that does not exist: the set leaves the Application in the one that it had',
  );
  t.same(
    await effects(before, state([entry('a', [x, y]), entry('b', [configMap('z')], { project: 'other' })])),
    ['b: refused Application/b spec.project'],
    'a new Application of a project that does not exist',
  );

  const manual = (objects: readonly KubernetesObject[]): State => state([entry('a', objects, { automated: false })]);
  t.same(await effects(manual([x, y]), manual([x])), ['a: waits ConfigMap/y'], 'no automated sync');
  const unpruned = (objects: readonly KubernetesObject[]): State => state([entry('a', objects, { prune: false })]);
  t.same(await effects(unpruned([x, y]), unpruned([x])), ['a: kept ConfigMap/y'], 'no pruning');
  t.same(
    await effects(before, unpruned([x])),
    ['a: deleted ConfigMap/y'],
    'both at once: the old policy may be faster',
  );

  const hook = (value: string): KubernetesObject => configMap('h', { 'argocd.argoproj.io/hook': 'PostSync' }, value);
  const hooked = (objects: readonly KubernetesObject[]): State => state([entry('a', objects)]);
  t.same(
    await effects(hooked([x, hook('1')]), hooked([x, hook('2')])),
    ['a: waits ConfigMap/h data.value'],
    'a hook alone',
  );
  t.same(await effects(hooked([x, hook('1')]), hooked([x])), ['a: kept ConfigMap/h'], 'a hook removed');
  t.same(
    await effects(hooked([x, hook('1')]), hooked([configMap('x', {}, '2'), hook('1')])),
    ['a: changed ConfigMap/x data.value', 'a: recreated ConfigMap/h'],
    'a hook runs with every sync',
  );
  const stays = configMap('s', { 'argocd.argoproj.io/sync-options': 'Prune=false' });
  t.same(
    await effects(hooked([x, stays, hook('1')]), hooked([x, hook('1')])),
    ['a: kept ConfigMap/s', 'a: recreated ConfigMap/h'],
    'and what stays makes it OutOfSync, which is a sync',
  );
});

t.test('the order of zones moves subnets, and a zone at the end moves none', (t) => {
  const aws = (...zones: string[]): ClusterSettings =>
    ({ name: 'dev', provider: 'aws', network: { cidr: '10.0.0.0/16', zones } }) as unknown as ClusterSettings;
  const moved = (before: ClusterSettings, after: ClusterSettings): string[] =>
    settingsChanges(before, after)
      .filter(({ kind }) => kind === 'subnet-replaced')
      .map(({ effect, object }) => `${effect} ${object}`);
  t.same(moved(aws('a', 'b'), aws('b', 'a')), [
    'recreated Subnet/private-a',
    'recreated Subnet/private-b',
    'recreated Subnet/public-a',
    'recreated Subnet/public-b',
  ]);
  t.same(moved(aws('a', 'b'), aws('a', 'b', 'c')), []);
  t.same(moved(aws('a', 'b'), aws('a')), ['deleted Subnet/private-b', 'deleted Subnet/public-b']);
  t.end();
});
