import { CommandError, UsageError } from '@gitops/report/errors';
import { choice, text } from '@gitops/report/options';
import { progressTo } from '@gitops/report/progress';
import { clusterNames } from '@gitops/settings';
import { titleOf } from '@gitops/tools/charts';
import type { Proofs } from '../proofs/open.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import type { Renderer } from '../render/renderer.ts';
import { repositoryAbove } from '../render/repository.ts';
import { missingChartOf, uncheckedLine } from '../render/unchecked.ts';

/** What commands work with: the repository that they are called in, and programs that render it. */
export interface Workspace {
  readonly root: string;
  readonly renderer: Renderer;
  readonly proofs: Proofs;
}

/**
 * Does something with a repository and its renderer, which ends afterwards.
 * @param root the repository's folder; by default the one that the command is called in
 */
export async function withWorkspace(
  action: (workspace: Workspace) => Promise<void>,
  root = repositoryAbove(process.cwd()),
): Promise<void> {
  // Loaded here, since `--help` and a wrong command line need none of it.
  const { localCharts } = await import('@gitops/tools/charts');
  const { ensureSchemas } = await import('@gitops/tools/schemas');
  const { ensureTools } = await import('@gitops/tools/tools');
  const { openProofs } = await import('../proofs/open.ts');
  const { startRenderer } = await import('../render/renderer.ts');
  const quiet = { ...progressTo(), note: () => undefined };
  const tools = await ensureTools(quiet, { verify: false });
  const renderer = startRenderer(tools, localCharts(root).charts);
  try {
    await action({ root, renderer, proofs: openProofs(root, renderer, tools, await ensureSchemas(quiet)) });
  } finally {
    await renderer.close();
  }
}

const clustersHere = (): string[] => clusterNames(repositoryAbove(process.cwd()));

const CLUSTER = 'a cluster, by its folder below clusters/';
const APPLICATION = 'an Application';
const named = { placeholder: 'NAME', example: 'fastify-service' };

export const clusterOption = choice(CLUSTER, clustersHere);
export const requiredClusterOption = choice(CLUSTER, clustersHere, { isRequired: true });
export const clusterFromOption = choice(
  'a promotion that is not there yet: the cluster that runs the image',
  clustersHere,
);
export const clusterToOption = choice('a promotion that is not there yet: the cluster that gets it', clustersHere);
export const appOption = text(APPLICATION, named);
export const requiredAppOption = text(APPLICATION, { ...named, isRequired: true });

interface Selection {
  readonly cluster?: string | undefined;
  readonly app?: string | undefined;
}

/**
 * One line on standard error for Applications whose charts are not on this machine: the command continues without them.
 * @param consequence what that means for the command
 */
export function warnOfUnchecked(fleet: readonly FleetApplication[], consequence?: string): void {
  const line = uncheckedLine(fleet);
  if (line !== undefined) process.stderr.write(`${line}${consequence === undefined ? '' : ` (${consequence})`}\n`);
}

/**
 * The Applications of a cluster, or those of a name, or all; those whose charts are not on this machine are named on
 * standard error. Throws UsageError where none has the name, and CommandError where none of their charts is on this
 * machine.
 * @param consequence what a missing chart means for the command
 */
export const selected = async (
  workspace: Workspace,
  selection: Selection,
  consequence?: string,
): Promise<FleetApplication[]> => selectedFrom(await fleetOf(workspace, selection), selection, consequence);

/** All Applications of a cluster, or of all clusters. */
export async function fleetOf(
  { root, renderer, proofs }: Workspace,
  { cluster }: Pick<Selection, 'cluster'>,
): Promise<FleetApplication[]> {
  const { renderFleet } = await import('../render/fleet.ts');
  return renderFleet(renderer, root, {
    capabilities: proofs.capabilities,
    ...(cluster === undefined ? {} : { clusters: [cluster] }),
  });
}

/** As `selected`, of a fleet that is rendered already. */
export function selectedFrom(
  fleet: readonly FleetApplication[],
  { cluster, app }: Selection,
  consequence?: string,
): FleetApplication[] {
  const found = fleet.filter(({ application }) => app === undefined || application.metadata.name === app);
  if (found.length > 0) {
    requireCharts(found);
    warnOfUnchecked(found, consequence);
    return found;
  }
  const names = new Set(fleet.map(({ application }) => application.metadata.name));
  throw new UsageError(
    `unknown application ${app}${cluster === undefined ? '' : ` of cluster ${cluster}`}`,
    `APP is one of: ${[...names].join(', ')}`,
  );
}

/** Throws CommandError where every one of these Applications lacks its chart. */
function requireCharts(entries: readonly FleetApplication[]): void {
  const [first] = entries;
  const missing = first === undefined ? undefined : missingChartOf(first);
  if (first === undefined || missing === undefined) return;
  if (entries.every((entry) => missingChartOf(entry) !== undefined))
    throw new CommandError(`${labelOf(first)}: ${titleOf(missing)} is not on this machine`, 'run `make charts`');
}
