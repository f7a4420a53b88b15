import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, UsageError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import { type Change, changesBetween } from '../kubernetes/changes.ts';
import { type FleetApplication, type FleetOptions, labelOf, renderFleet } from '../render/fleet.ts';
import type { Renderer } from '../render/renderer.ts';
import { missingChartOf } from '../render/unchecked.ts';

/** What a change in Git does to an Application of a cluster. */
export interface ApplicationChange extends Change {
  /** production/fastify-service */
  readonly application: string;
}

/** The fleet as another revision of the repository has it, rendered from a copy that is gone afterwards. */
async function fleetAt(
  renderer: Renderer,
  root: string,
  revision: string,
  options: FleetOptions,
): Promise<FleetApplication[]> {
  const folder = mkdtempSync(join(tmpdir(), 'revision-'));
  try {
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    // Only what rendering reads.
    await run('git', [
      '-C',
      root,
      'archive',
      '--format=tar',
      '--output',
      join(folder, 'tree.tar'),
      revision,
      '--',
      'argocd',
      'charts',
      'clusters',
    ]).catch((error: unknown) => {
      if (!(error instanceof RunError)) throw error;
      throw new UsageError(
        `Git has no revision ${revision} with argocd/, charts/ and clusters/: ${error.stderr.trim()}`,
        'name a commit or branch: BASE=origin/main',
      );
    });
    await run('tar', ['-xf', join(folder, 'tree.tar'), '-C', tree]);
    return await renderFleet(renderer, tree, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a comparison found. */
export interface Comparison {
  readonly changes: readonly ApplicationChange[];
  /** Applications whose chart of either side is not on this machine. */
  readonly unchecked: readonly FleetApplication[];
}

/**
 * What merging the work tree would change in every cluster, compared with a revision, each change with its consequence.
 * Throws CommandError where the revision is unknown or an Application does not render on either side.
 */
export async function compare(
  renderer: Renderer,
  root: string,
  revision: string,
  options: FleetOptions,
): Promise<Comparison> {
  const before = await fleetAt(renderer, root, revision, options);
  const after = await renderFleet(renderer, root, options);
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
  // A merge does not change what CDKTF installs.
  const when = ({ isInstalled, cluster }: FleetApplication): string =>
    isInstalled ? `; not by the merge, but by \`make apply CLUSTER=${cluster.name}\`` : '';
  const entries = new Map([...before, ...after].map((entry) => [labelOf(entry), entry]));
  const unchecked = new Map(
    [...before, ...after].flatMap((entry) =>
      missingChartOf(entry) === undefined ? [] : [[labelOf(entry), entry] as const],
    ),
  );
  const changes = [...entries]
    .filter(([application]) => !unchecked.has(application))
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([application, entry]) =>
      changesBetween(
        objects(before, application, `in ${revision}`),
        objects(after, application, 'in the work tree'),
      ).map((change) => ({ application, ...change, consequence: change.consequence + when(entry) })),
    );
  return { changes, unchecked: [...unchecked.values()] };
}
