import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { comparedRevision, installRoot } from '@gitops/local';
import type { Effect } from '@gitops/manifests/changes';
import { type ApplicationChange, compare } from '@gitops/manifests/compare';
import type { KubernetesObject } from '@gitops/manifests/object';
import { startRenderer } from '@gitops/manifests/renderer';
import { clusterFacts, readCluster } from '@gitops/settings';
import { run } from '@gitops/tools/run';
import type { Stack } from './stack.ts';

// What `make diff` says of a merge, beside what became of every object in the cluster after it.

/** What became of an object, with `pods` where all its pods are new ones. */
type Outcome = Effect | 'changed, pods' | 'recreated, pods' | 'deleted, pods' | 'unchanged';

/** By namespace, kind and name: `fastify-service ConfigMap/a`. */
export type Outcomes = Record<string, string>;

const KINDS = [
  'configmaps',
  'secrets',
  'services',
  'serviceaccounts',
  'deployments.apps',
  'jobs.batch',
  'networkpolicies.networking.k8s.io',
  'ingresses.networking.k8s.io',
  'poddisruptionbudgets.policy',
  'horizontalpodautoscalers.autoscaling',
  'applications.argoproj.io',
  'applicationsets.argoproj.io',
  'appprojects.argoproj.io',
];

interface Live extends KubernetesObject {
  readonly metadata: KubernetesObject['metadata'] & {
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly uid: string; readonly kind: string }[];
  };
}

interface Snapshot {
  /** Objects that Argo CD made, by key. */
  readonly objects: ReadonlyMap<string, Live>;
  /** The uids of the pods of each Deployment. */
  readonly pods: ReadonlyMap<string, readonly string[]>;
}

const keyOf = (namespace: string | undefined, object: string): string => `${namespace ?? ''} ${object}`.trim();

const liveKey = ({ kind, metadata }: Live): string => keyOf(metadata.namespace, `${kind}/${metadata.name}`);

/** Of Argo CD: a tracked object, an Application of an ApplicationSet, or the facts, which `make up` installs. */
const isFromGit = ({ kind, metadata }: Live): boolean =>
  kind === 'Application' ||
  (kind === 'Secret' && metadata.name === 'in-cluster') ||
  metadata.annotations?.['argocd.argoproj.io/tracking-id'] !== undefined;

/** All that Git decides in the namespaces. */
async function snapshot(stack: Stack, namespaces: readonly string[]): Promise<Snapshot> {
  const objects = new Map<string, Live>();
  const pods = new Map<string, string[]>();
  const kinds = [...KINDS, 'replicasets.apps', 'pods'].join(',');
  const list = JSON.parse(await stack.kubectl('get', kinds, '--all-namespaces', '-o', 'json')) as { items: Live[] };
  const items = list.items.filter(({ metadata }) => namespaces.includes(metadata.namespace ?? ''));
  const byUid = new Map(items.map((item) => [item.metadata.uid, item]));
  const ownerOf = (item: Live | undefined): Live | undefined =>
    byUid.get(item?.metadata.ownerReferences?.[0]?.uid ?? '');
  for (const item of items) {
    if (isFromGit(item) && item.kind !== 'Pod' && item.kind !== 'ReplicaSet') objects.set(liveKey(item), item);
    const deployment = item.kind === 'Pod' ? ownerOf(ownerOf(item)) : undefined;
    if (deployment === undefined) continue;
    const key = liveKey(deployment);
    pods.set(key, [...(pods.get(key) ?? []), item.metadata.uid].sort());
  }
  return { objects, pods };
}

/** What Git decides of an object. */
function content({ metadata, ...fields }: Live): unknown {
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([name]) => !name.startsWith('deployment.kubernetes.io/') && name !== 'argocd.argoproj.io/refresh',
  );
  const rest: Record<string, unknown> = { ...fields, status: undefined, operation: undefined };
  // The autoscaler owns the number of pods.
  const spec = rest.spec as Record<string, unknown> | undefined;
  if (fields.kind === 'Deployment' && spec !== undefined) rest.spec = { ...spec, replicas: undefined };
  const { labels, finalizers } = metadata as { labels?: unknown; finalizers?: unknown };
  return JSON.parse(JSON.stringify({ ...rest, metadata: { labels, finalizers, annotations } }));
}

/** What became of every object between two snapshots; of those that stayed as they were, nothing. */
function happened(before: Snapshot, after: Snapshot): Outcomes {
  const outcomes: Outcomes = {};
  for (const key of new Set([...before.objects.keys(), ...after.objects.keys()])) {
    const was = before.objects.get(key);
    const is = after.objects.get(key);
    const outcome = outcomeOf(was, is);
    const old = before.pods.get(key) ?? [];
    const fresh = after.pods.get(key) ?? [];
    const areNew = old.length > 0 && !fresh.some((uid) => old.includes(uid));
    if (outcome !== 'unchanged') outcomes[key] = areNew ? `${outcome}, pods` : outcome;
    else if (areNew) outcomes[key] = 'pods';
  }
  return outcomes;
}

function outcomeOf(was: Live | undefined, is: Live | undefined): Outcome {
  if (was === undefined) return 'created';
  if (is === undefined || is.metadata.deletionTimestamp !== undefined) return 'deleted';
  if (was.metadata.uid !== is.metadata.uid) return 'recreated';
  return isDeepStrictEqual(content(was), content(is)) ? 'unchanged' : 'changed';
}

/** Of several things that are said of one object, the one that counts. */
const ORDER: readonly Effect[] = ['recreated', 'created', 'deleted', 'refused', 'waits', 'kept', 'changed'];

/** What was said of every object; of those that are said to stay as they are, nothing. */
function said(changes: readonly ApplicationChange[]): Outcomes {
  const outcomes: Outcomes = {};
  for (const [key, own] of Map.groupBy(changes, ({ namespace, object }) => keyOf(namespace, object))) {
    const effect = ORDER.find((each) => own.some((change) => change.effect === each)) ?? 'waits';
    if (['refused', 'waits', 'kept'].includes(effect)) continue;
    const areNew = own[0]?.object.startsWith('Deployment/') === true && hasNewPods(effect, own);
    outcomes[key] = areNew ? `${effect}, pods` : effect;
  }
  return outcomes;
}

const hasNewPods = (effect: Effect, changes: readonly ApplicationChange[]): boolean =>
  ['recreated', 'deleted'].includes(effect) || changes.some(({ kind }) => kind === 'pod-restart');

/** An Application changes with its ApplicationSet, of which alone something is said. */
function isByItsSet(outcomes: Outcomes, key: string): boolean {
  return key.startsWith('argocd Application/') && outcomes[key] === 'changed';
}

const withoutFollowers = (outcomes: Outcomes): Outcomes =>
  Object.fromEntries(Object.entries(outcomes).filter(([key]) => !isByItsSet(outcomes, key)));

/** An Application whose set is deleted is deleted with it, or stays where Argo CD is faster than Kubernetes. */
const RACES = ['deleted', 'recreated'];

const withoutRaces = (outcomes: Outcomes, all: Outcomes): Outcomes =>
  Object.fromEntries(
    Object.entries(outcomes).filter(
      ([key]) => !(key.startsWith('argocd Application/') && RACES.includes(all[key] ?? '')),
    ),
  );

type Edit = Parameters<Stack['push']>[1];
/** Root is compared with commits that touch its files, and not with others. */
export const isOfRoot = (edit: Edit): boolean =>
  Object.keys(edit).some((file) => file.startsWith('argocd/') || file.endsWith('/cluster.yaml'));

type IsProcessed = (commit: string) => Promise<boolean>;

export interface Merge {
  /** All that `make diff` said of the cluster. */
  readonly changes: readonly ApplicationChange[];
  readonly said: Outcomes;
  readonly happened: Outcomes;
}

/** A copy of main, in which `make diff` is run. */
export class ChangesDrill {
  readonly stack: Stack;
  readonly clone = mkdtempSync(join(tmpdir(), 'changes-'));
  readonly namespaces: readonly string[];
  private readonly renderer: ReturnType<typeof startRenderer>;

  constructor(stack: Stack, namespaces: readonly string[]) {
    this.stack = stack;
    this.namespaces = namespaces;
    this.renderer = startRenderer(stack.tools);
  }

  async close(): Promise<void> {
    await this.renderer.close();
    rmSync(this.clone, { recursive: true, force: true });
  }

  /** What `make diff BASE=… HEAD=…` says of this cluster. */
  async diff(base: string, head: string): Promise<readonly ApplicationChange[]> {
    const capabilities = await this.stack.platform.capabilities();
    if (capabilities === undefined) throw new Error('Argo CD does not know its cluster');
    await run('git', ['-C', this.clone, 'init', '--quiet']);
    await run('git', ['-C', this.clone, 'fetch', '--quiet', this.stack.gitURL, 'main']);
    const { changes } = await compare(
      this.renderer,
      this.clone,
      { base, head: { revision: head } },
      { clusters: ['local'], capabilities: () => capabilities },
    );
    return changes;
  }

  /**
   * Pushes an edit, and waits until what was said has happened, and then a moment for what was not said.
   * @param isProcessed whether Argo CD has seen the commit, where nothing is said to happen
   */
  async merge(edit: Edit, isProcessed: IsProcessed = async () => Promise.resolve(true)): Promise<Merge> {
    return (await this.pushed(edit, isProcessed)).merge;
  }

  /**
   * The same of the cluster's settings, which are installed after the merge as `make up` installs them.
   * @returns what was said of the merge, and of the installation
   */
  async apply(edit: Edit): Promise<readonly [Merge, Merge]> {
    const { merge, changes, commit } = await this.pushed(edit, async () => Promise.resolve(true));
    const before = await snapshot(this.stack, this.namespaces);
    await run('git', ['-C', this.clone, 'checkout', '--quiet', commit, '--', 'clusters']);
    const { instance, tools, gitURL } = this.stack;
    await installRoot(instance, tools, clusterFacts(readCluster(this.clone, 'local'), { repoURL: gitURL }));
    const applied = changes.filter(({ step }) => step === 'apply');
    return [merge, await this.outcome(before, applied, async () => Promise.resolve(true))];
  }

  private async pushed(edit: Edit, isProcessed: IsProcessed) {
    const before = await snapshot(this.stack, this.namespaces);
    const { commit, parent } = await this.stack.push('A change', edit);
    const changes = await this.diff(parent, commit);
    const merge = await this.outcome(
      before,
      changes.filter(({ step }) => step === 'merge'),
      async () => (!isOfRoot(edit) || (await this.isAtRoot(commit))) && isProcessed(commit),
    );
    return { merge, changes, commit };
  }

  /** Whether root has brought what a commit says of projects and ApplicationSets. */
  async isAtRoot(commit: string): Promise<boolean> {
    const root = await this.stack.application('root');
    return comparedRevision(root) === commit && root.status?.sync?.status === 'Synced';
  }

  private async outcome(
    before: Snapshot,
    changes: readonly ApplicationChange[],
    isProcessed: () => Promise<boolean>,
  ): Promise<Merge> {
    const all = said(changes);
    const expected = withoutRaces(all, all);
    const look = async (): Promise<Outcomes> =>
      withoutRaces(withoutFollowers(happened(before, await snapshot(this.stack, this.namespaces))), all);
    let found = await look();
    for (const end = Date.now() + PATIENCE; Date.now() < end; found = await look()) {
      if (isDeepStrictEqual(sorted(found), sorted(expected)) && (await isProcessed())) break;
      await sleep(200);
    }
    // What nobody spoke of takes a moment, too.
    await sleep(QUIET);
    found = await look();
    return { changes, said: sorted(expected), happened: sorted(found) };
  }
}

const PATIENCE = 120_000;
const QUIET = 1500;

const sorted = (outcomes: Outcomes): Outcomes =>
  Object.fromEntries(Object.entries(outcomes).sort(([a], [b]) => a.localeCompare(b)));
