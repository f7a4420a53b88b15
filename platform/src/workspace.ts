import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '@gitops/report/errors';
import { choice, text } from '@gitops/report/options';
import { type AwsClusterSettings, readCluster, readClusters, sortClusters } from '@gitops/settings';
import type { SynthesizedStack } from './app.ts';
import type { declaredResources } from './cost.ts';
import { requireCredentials } from './credentials.ts';
import { initialize, openTofu, type Tofu } from './tofu.ts';

/** The repository's folder. */
export const repository = resolve(import.meta.dirname, '../..');

// CDKTF's own command line sets the output folder.
const outdir = resolve(process.env.CDKTF_OUTDIR ?? join(repository, 'platform/cdktf.out'));

/** The folder that state and providers lie in, beside the stacks, which look for them there. */
export const platformFolder = dirname(outdir);

/**
 * Writes every stack of every cluster, in the order in which they are applied. Throws SettingsError.
 * @param only the cluster whose faults count, or the stack that an account has once (`synthesize` says what is left out)
 */
export async function synth(only?: string): Promise<SynthesizedStack[]> {
  // CDKTF takes a third of a second to load, and not every command needs it.
  const { synthesize } = await import('./app.ts');
  return synthesize(repository, outdir, new Date(), only);
}

/** A stack as CDKTF wrote it. */
export type StackJson = Parameters<typeof declaredResources>[0] & {
  readonly provider: {
    readonly aws: readonly { readonly region: string; readonly allowed_account_ids: readonly string[] }[];
  };
};

export const readStack = ({ folder }: SynthesizedStack): StackJson =>
  JSON.parse(readFileSync(join(folder, 'cdk.tf.json'), 'utf8')) as StackJson;

/** The clusters on AWS. Throws SettingsError. */
export const awsClusters = (): AwsClusterSettings[] =>
  readClusters(repository).filter((cluster): cluster is AwsClusterSettings => cluster.provider === 'aws');

/** Where state is kept. */
export const stateKind = (): 'local' | 's3' => sortClusters(repository).clusters[0]?.state ?? 'local';

const CLUSTER = 'a cluster on AWS, by its folder below clusters/';
/** The clusters on AWS, and those that cannot be read. */
function clusterNames(): string[] {
  const { clusters, faults } = sortClusters(repository);
  const onAws = clusters.filter(({ provider }) => provider === 'aws');
  return [...onAws.map(({ name }) => name), ...faults.keys()].sort();
}

export const clusterOption = choice(CLUSTER, clusterNames);
export const requiredClusterOption = choice(CLUSTER, clusterNames, { isRequired: true });
export const stackOption = text('one stack, as `make synth` lists them', { placeholder: 'NAME' });

/** The settings of a cluster that `requiredClusterOption` has checked. Throws SettingsError. */
export function clusterNamed(name: string): AwsClusterSettings {
  const found = readCluster(repository, name);
  if (found.provider !== 'aws') throw new Error(`clusters/${name} is not on AWS`);
  return found;
}

/** The cluster that a stack belongs to by its name; undefined for what an account has once. */
const clusterOf = (stack: string): string | undefined =>
  clusterNames().find((name) => ['network', 'cluster', 'argocd'].some((part) => stack === `${name}-${part}`));

/**
 * The stacks that a user chose: one, or those of a cluster, in the order in which they are applied.
 * Throws UsageError where that is none.
 */
export async function chosenStacks({ cluster, stack }: Chosen): Promise<SynthesizedStack[]> {
  const stacks = await synth(cluster ?? (stack === undefined ? undefined : (clusterOf(stack) ?? stack)));
  const isChosen = (candidate: SynthesizedStack): boolean =>
    (cluster === undefined || candidate.cluster === cluster) && (stack === undefined || candidate.name === stack);
  const chosen = cluster === undefined && stack === undefined ? [] : stacks.filter(isChosen);
  if (chosen.length > 0) return chosen;
  const clusters = new Set<string>();
  for (const candidate of stacks) if (candidate.cluster !== undefined) clusters.add(candidate.cluster);
  const others = stacks.filter((candidate) => candidate.cluster === undefined);
  const problem =
    stack === undefined
      ? 'CLUSTER (--cluster) or STACK (--stack) is missing'
      : `unknown stack ${stack}${cluster === undefined ? '' : ` of cluster ${cluster}`}`;
  throw new UsageError(
    problem,
    `name one: ${[
      ...Array.from(clusters, (name) => `CLUSTER=${name}`),
      ...others.map(({ name }) => `STACK=${name}`),
    ].join(', ')}; \`make synth\` lists all stacks`,
  );
}

interface Chosen {
  readonly cluster?: string | undefined;
  readonly stack: string | undefined;
}

/**
 * Does something with one stack after the other; each is initialized before. Throws CommandError for missing
 * credentials before the first.
 */
export async function onEach(
  stacks: readonly SynthesizedStack[],
  print: (text: string) => void,
  act: (tofu: Tofu, stack: SynthesizedStack) => Promise<void>,
): Promise<void> {
  requireCredentials();
  const tofu = await openTofu(platformFolder);
  for (const stack of stacks) {
    print(`\n${stack.name}`);
    await initialize(tofu, platformFolder, stack, stateKind());
    await act(tofu, stack);
  }
}
