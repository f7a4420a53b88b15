import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readImage, setImage } from '@gitops/delivery/image-file';
import { CommandError, UsageError } from '@gitops/report/errors';
import type { ClusterSettings } from '@gitops/settings';
import { run, RunError } from '@gitops/tools/run';
import { type Change, changesBetween } from '../kubernetes/changes.ts';
import type { KubernetesObject } from '../kubernetes/object.ts';
import { changeWithoutSecrets } from '../kubernetes/secret-values.ts';
import {
  type FleetApplication,
  type FleetOptions,
  labelOf,
  renderFleet,
  renderInstallations,
} from '../render/fleet.ts';
import { INSTALLATION } from '../render/installations.ts';
import { rememberRenders } from '../render/remember.ts';
import type { Renderer } from '../render/renderer.ts';
import { missingChartOf } from '../render/unchecked.ts';
import { type Reached, stepBetween } from './cluster-changes.ts';
import { freezesInWords } from './freezes-in-words.ts';
import type { ClusterState } from './ownership.ts';
import { settingsChanges } from './settings-changes.ts';

/** What a change in Git does to an Application of a cluster. */
export interface ApplicationChange extends Change {
  /** production/fastify-service */
  readonly application: string;
  /** What brings it: the merge, or `make apply` (`make up` on one machine), which installs facts and root. */
  readonly step: 'merge' | 'apply';
}

/** A state of the repository: a revision of it, or its work tree, with other images where some are given. */
export interface State {
  /** Undefined for the work tree. */
  readonly revision?: string | undefined;
  /** Clusters whose image files get the images of another cluster: what promotions would do. */
  readonly promotion?: Promotion | undefined;
}

export interface Promotion {
  readonly from: string;
  readonly to: string;
  /** All that both have by default. */
  readonly app?: string | undefined;
}

/** A state of the repository, rendered. */
interface Tree {
  /** Its files, for further renders. */
  readonly folder: string;
  /** What `make apply` installs into the clusters. */
  readonly installed: readonly FleetApplication[];
  /** What Argo CD makes of it where that is installed. */
  readonly fleet: readonly FleetApplication[];
  readonly settings: ReadonlyMap<string, ClusterSettings>;
}

async function treeOf(renderer: Renderer, folder: string, options: FleetOptions): Promise<Tree> {
  const installed = await renderInstallations(renderer, folder, options);
  const fleet = await renderFleet(renderer, folder, { ...options, installed });
  return { folder, installed, fleet, settings: new Map(installed.map(({ cluster }) => [cluster.name, cluster])) };
}

/** Does something with a state, rendered. A revision is rendered from a copy that is gone afterwards. */
async function withTree<T>(
  renderer: Renderer,
  root: string,
  { revision, promotion }: State,
  options: FleetOptions,
  action: (tree: Tree) => Promise<T>,
): Promise<T> {
  if (revision === undefined) return action(await treeOf(renderer, root, options));
  const folder = mkdtempSync(join(tmpdir(), 'revision-'));
  try {
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    const archive = ['archive', '--format=tar', '--output', join(folder, 'tree.tar')];
    // Only what rendering reads.
    const what = [revision, '--', 'argocd', 'charts', 'clusters'];
    await run('git', ['-C', root, ...archive, ...what]).catch((error: unknown) => {
      if (!(error instanceof RunError)) throw error;
      throw new UsageError(
        `Git has no revision ${revision} with argocd/, charts/ and clusters/: ${error.stderr.trim()}`,
        'name a commit or branch: BASE=origin/main',
      );
    });
    await run('tar', ['-xf', join(folder, 'tree.tar'), '-C', tree]);
    if (promotion !== undefined) promote(tree, promotion);
    return await action(await treeOf(renderer, tree, options));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives a cluster the images of another one, in the files below a folder. Throws UsageError where there are none. */
function promote(tree: string, { from, to, app = '*' }: Promotion): void {
  const files = globSync(`clusters/${from}/${app}.image.yaml`, { cwd: tree });
  const pairs = files.map((source) => [source, join('clusters', to, basename(source))] as const);
  const both = pairs.filter(([, target]) => existsSync(join(tree, target)));
  if (both.length === 0)
    throw new UsageError(
      `${from} and ${to} have no image file of the same application`,
      'name other clusters: FROM, TO',
    );
  for (const [source, target] of both) {
    const image = readImage(readFileSync(join(tree, source), 'utf8'), source);
    writeFileSync(join(tree, target), setImage(readFileSync(join(tree, target), 'utf8'), image, target));
  }
}

/** What a comparison found. */
export interface Comparison {
  readonly changes: readonly ApplicationChange[];
  /** Applications whose chart of either side is not on this machine. */
  readonly unchecked: readonly FleetApplication[];
}

/**
 * What going from a revision to another state, such as the work tree, changes in every cluster, each change with its
 * consequence: first what a merge does to clusters as they are installed, then what `make apply` does. Values of
 * Secrets are hidden.
 * Throws CommandError where a revision is unknown or an Application does not render on either side.
 */
export async function compare(
  renderer: Renderer,
  root: string,
  { base, head }: { base: string; head: State },
  options: FleetOptions,
): Promise<Comparison> {
  // Whatever reads the same files on both sides is rendered once.
  const once = rememberRenders(renderer);
  return withTree(once, root, { revision: base }, options, async (before) =>
    withTree(once, root, head, options, async (after) => {
      requireRendered(before.fleet, `in ${base}`);
      requireRendered(after.fleet, `in ${head.revision ?? 'the work tree'}`);
      const merged = await mergedFleet(once, before, after, options);
      const changes: ApplicationChange[] = [];
      for (const name of new Set([...before.settings.keys(), ...after.settings.keys()]))
        changes.push(...(await changesOfCluster(once, name, { before, merged, after })));
      const entries = new Map([...before.fleet, ...after.fleet].map((entry) => [labelOf(entry), entry]));
      return {
        changes: changes.sort((a, b) => a.application.localeCompare(b.application)),
        unchecked: [...entries.values()].filter((entry) => missingChartOf(entry) !== undefined),
      };
    }),
  );
}

function requireRendered(fleet: readonly FleetApplication[], side: string): void {
  for (const entry of fleet)
    if (!entry.rendered.ok && missingChartOf(entry) === undefined)
      throw new CommandError(
        `${labelOf(entry)} does not render ${side}: ${entry.rendered.error}`,
        '`make check` names the file and the line',
      );
}

/** What Argo CD makes of the new files before `make apply`: with the facts and the root that are installed already. */
async function mergedFleet(
  renderer: Renderer,
  before: Tree,
  after: Tree,
  options: FleetOptions,
): Promise<readonly FleetApplication[]> {
  const { installed } = before;
  const inputs = (tree: Tree): string =>
    JSON.stringify(tree.installed.map(({ cluster, rendered }) => [cluster.kubernetesVersion, rendered]));
  return inputs(before) === inputs(after)
    ? after.fleet
    : renderFleet(renderer, after.folder, { ...options, installed });
}

interface Trees {
  readonly before: Tree;
  /** The fleet after the merge, before `make apply`. */
  readonly merged: readonly FleetApplication[];
  readonly after: Tree;
}

async function changesOfCluster(renderer: Renderer, name: string, trees: Trees): Promise<ApplicationChange[]> {
  const { before, merged, after } = trees;
  const inCluster = (fleet: readonly FleetApplication[]): ClusterState =>
    new Map(
      fleet.filter(({ cluster }) => cluster.name === name).map((entry) => [entry.application.metadata.name, entry]),
    );
  const again = async (entry: FleetApplication): Promise<FleetApplication> => {
    const [rendered] = await renderer.render(after.folder, [entry.request]);
    return rendered === undefined ? entry : { ...entry, rendered };
  };
  const settings = after.settings.get(name);
  if (settings === undefined) return [removedCluster(name)];
  const changes: ApplicationChange[] = [];
  const goTo = async (from: Reached, to: ClusterState, step: ApplicationChange['step']): Promise<Reached> => {
    const reached = await stepBetween(from, to, again);
    for (const [application, own] of reached.changes)
      for (const change of await freezesInWords(renderer, ...objectsOf([from.state, reached.state], application), own))
        changes.push({ ...changeWithoutSecrets(change), application: `${name}/${application}`, step });
    return reached;
  };
  const start = { state: inCluster(before.fleet), orphans: new Set<string>() };
  await goTo(await goTo(start, inCluster(merged), 'merge'), inCluster(after.fleet), 'apply');
  const installed = (tree: Tree): KubernetesObject[] =>
    tree.installed.flatMap(({ cluster, rendered }) => (cluster.name === name && rendered.ok ? rendered.value : []));
  for (const change of changesBetween(installed(before), installed(after)))
    changes.push({ ...changeWithoutSecrets(change), application: `${name}/${INSTALLATION}`, step: 'apply' });
  for (const change of settingsChanges(before.settings.get(name), settings))
    changes.push({ ...change, application: `${name}/cluster.yaml`, step: 'apply' });
  // A merge does not change what is installed.
  const by = `not by the merge, but by \`make ${settings.provider === 'aws' ? `apply CLUSTER=${name}` : 'up'}\``;
  return changes.map((change) =>
    change.step === 'merge' ? change : { ...change, consequence: `${change.consequence}; ${by}` },
  );
}

/** The objects of an Application on both sides. */
const objectsOf = (
  states: readonly [ClusterState, ClusterState],
  application: string,
): [KubernetesObject[], KubernetesObject[]] => {
  const [before, after] = states.map((state) => {
    const rendered = state.get(application)?.rendered;
    return rendered?.ok === true ? rendered.value : [];
  });
  return [before ?? [], after ?? []];
};

/** Its files are gone, and so Argo CD renders nothing of it any more: all stays as it is. */
const removedCluster = (name: string): ApplicationChange => ({
  ...{ application: `${name}/cluster.yaml`, object: `Cluster/${name}`, path: '', step: 'merge' },
  ...{ kind: 'removed', effect: 'kept', before: {}, after: undefined },
  consequence: 'stays as it is, with all that runs in it: the cluster is destroyed by hand, before its files go',
});
