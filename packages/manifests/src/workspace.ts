import { UsageError } from '@gitops/report/errors';
import { choice, text } from '@gitops/report/options';
import { progressTo } from '@gitops/report/progress';
import { clusterNames } from '@gitops/settings';
import type { Proofs } from './proofs/open.ts';
import type { FleetApplication } from './render/fleet.ts';
import type { Renderer } from './render/renderer.ts';
import { repositoryAbove } from './render/repository.ts';

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
  const { ensureCharts } = await import('@gitops/tools/charts');
  const { ensureSchemas } = await import('@gitops/tools/schemas');
  const { ensureTools } = await import('@gitops/tools/tools');
  const { openProofs } = await import('./proofs/open.ts');
  const { startRenderer } = await import('./render/renderer.ts');
  const quiet = { ...progressTo(), note: () => undefined };
  const tools = await ensureTools(quiet, { verify: false });
  const renderer = startRenderer(tools, await ensureCharts(quiet));
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
export const appOption = text(APPLICATION, named);
export const requiredAppOption = text(APPLICATION, { ...named, isRequired: true });

interface Selection {
  readonly cluster?: string | undefined;
  readonly app?: string | undefined;
}

/** The Applications of a cluster, or those of a name, or all. Throws UsageError where none has the name. */
export async function selected(
  { root, renderer, proofs }: Workspace,
  { cluster, app }: Selection,
): Promise<FleetApplication[]> {
  const { renderFleet } = await import('./render/fleet.ts');
  const fleet = await renderFleet(renderer, root, {
    capabilities: proofs.capabilities,
    ...(cluster === undefined ? {} : { clusters: [cluster] }),
  });
  if (app === undefined) return fleet;
  const found = fleet.filter(({ application }) => application.metadata.name === app);
  if (found.length > 0) return found;
  const names = new Set(fleet.map(({ application }) => application.metadata.name));
  throw new UsageError(
    `unknown application ${app}${cluster === undefined ? '' : ` of cluster ${cluster}`}`,
    `APP is one of: ${[...names].join(', ')}`,
  );
}
