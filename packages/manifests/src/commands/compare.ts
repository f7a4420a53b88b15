import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readImage, setImage } from '@gitops/delivery/image-file';
import { CommandError, UsageError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import { type Change, changesBetween } from '../kubernetes/changes.ts';
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
import { freezesInWords } from './freezes-in-words.ts';

/** What a change in Git does to an Application of a cluster. */
export interface ApplicationChange extends Change {
  /** production/fastify-service */
  readonly application: string;
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

/** The fleet of a state, and what is installed. A revision is rendered from a copy that is gone afterwards. */
async function fleetOf(
  renderer: Renderer,
  root: string,
  { revision, promotion }: State,
  options: FleetOptions,
): Promise<FleetApplication[]> {
  const everything = async (folder: string): Promise<FleetApplication[]> => [
    ...(await renderInstallations(renderer, folder, options)),
    ...(await renderFleet(renderer, folder, options)),
  ];
  if (revision === undefined) return everything(root);
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
    return await everything(tree);
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
 * consequence. Values of Secrets are hidden.
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
  const before = await fleetOf(once, root, { revision: base }, options);
  const after = await fleetOf(once, root, head, options);
  const nameOfHead = head.revision ?? 'the work tree';
  const objects = (
    fleet: readonly FleetApplication[],
    label: string,
    side: string,
  ): Parameters<typeof changesBetween>[0] => {
    const entry = fleet.find((candidate) => labelOf(candidate) === label);
    if (entry !== undefined && !entry.rendered.ok)
      throw new CommandError(
        `${label} does not render ${side}: ${entry.rendered.error}`,
        '`make check` names the file and the line',
      );
    return entry?.rendered.ok === true ? entry.rendered.value : [];
  };
  // A merge does not change what is installed.
  const when = ({ application, cluster }: FleetApplication): string => {
    if (application.metadata.name !== INSTALLATION) return '';
    return `; not by the merge, but by \`make ${cluster.provider === 'aws' ? `apply CLUSTER=${cluster.name}` : 'up'}\``;
  };
  const entries = new Map([...before, ...after].map((entry) => [labelOf(entry), entry]));
  const unchecked = new Map(
    [...before, ...after].flatMap((entry) =>
      missingChartOf(entry) === undefined ? [] : [[labelOf(entry), entry] as const],
    ),
  );
  const changes: ApplicationChange[] = [];
  for (const [application, entry] of [...entries].sort(([a], [b]) => a.localeCompare(b))) {
    if (unchecked.has(application)) continue;
    const old = objects(before, application, `in ${base}`);
    const fresh = objects(after, application, `in ${nameOfHead}`);
    for (const change of await freezesInWords(renderer, old, fresh, changesBetween(old, fresh)))
      changes.push({ application, ...changeWithoutSecrets(change), consequence: change.consequence + when(entry) });
  }
  return { changes, unchecked: [...unchecked.values()] };
}
