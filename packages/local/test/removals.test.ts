import t from 'tap';
import { type Application, type ApplicationSet, type ArgoClient, ArgoError } from '../src/argocd-api.ts';
import { removals } from '../src/removals.ts';

const set = (name: string, applicationsSync: string, error?: string): ApplicationSet => ({
  metadata: { name },
  spec: { syncPolicy: { applicationsSync } },
  status: {
    conditions: [{ type: 'ErrorOccurred', status: error === undefined ? 'False' : 'True', message: error ?? '' }],
  },
});

/** An Application that an ApplicationSet made. */
const made = (name: string, owner: string, status: Application['status'] = {}): Application =>
  ({ metadata: { name, ownerReferences: [{ name: owner }] }, spec: {}, status }) as Application;

/** Argo CD with these sets, each of which lists these Applications now; one without a list cannot say. */
const argo = (sets: readonly ApplicationSet[], lists: Readonly<Record<string, readonly string[]>>): ArgoClient =>
  ({
    applicationSets: async () => Promise.resolve(sets),
    generate: async ({ metadata }: ApplicationSet) => {
      const names = lists[metadata.name];
      if (names === undefined) throw new ArgoError(400, 'no');
      return Promise.resolve(names.map((name) => made(name, metadata.name)));
    },
  }) as unknown as ArgoClient;

t.test('what an ApplicationSet no longer lists is told, and why one lists nothing', async (t) => {
  const sets = [
    set('kept', 'create-update'),
    set('emptied', 'create-update'),
    set('broken', 'create-update', 'no entry for key "cluster"'),
    set('previews', 'sync'),
    set('silent', 'create-update'),
  ];
  const applications = ['kept', 'emptied', 'broken', 'previews', 'silent'].map((name) => made(name, name));
  const lines = await removals(argo(sets, { kept: ['kept'], emptied: ['other'], previews: [] }), applications);
  t.match(lines, [
    /^emptied: ApplicationSet emptied no longer lists it/,
    /^ApplicationSet broken: no entry for key "cluster"; its Applications stay as they are$/,
  ]);
  t.equal(lines.length, 2);
});

t.test('Applications that an ApplicationSet could not bring up to date are told in its words', async (t) => {
  const outdated = set('app', 'create-update');
  const conditions = [
    ...(outdated.status?.conditions ?? []),
    { type: 'ResourcesUpToDate', status: 'False', message: 'application is not permitted' },
  ];
  t.match(await removals(argo([{ ...outdated, status: { conditions } }], { app: [] }), []), [
    /^ApplicationSet app: application is not permitted; its Applications stay as they are$/,
  ]);
});

t.test('objects that Git no longer has are told once the sync is over', async (t) => {
  const resources = [
    { kind: 'Namespace', name: 'shop', requiresPruning: true },
    { kind: 'Namespace', name: 'other' },
  ];
  const kept = (phase: string): Application => made('root', '', { resources, operationState: { phase } });
  t.same(await removals(argo([], {}), [kept('Succeeded')]), [
    'root: Namespace/shop is no longer in Git and stays (Prune=false)',
  ]);
  t.same(await removals(argo([], {}), [kept('Running')]), []);
});
