import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from '@gitops/report/command-line';
import { CommandError, UsageError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { type Progress, progressTo } from '@gitops/report/progress';
import { type AwsClusterSettings, settingProblem, SettingsError } from '@gitops/settings';
import { RunError } from '@gitops/tools/run';
import type { SynthesizedStack } from '../app.ts';
import { requireCredentials } from '../credentials.ts';
import { initialize, openTofu, type Tofu } from '../tofu.ts';
import { clusterNamed, platformFolder, repository, requiredClusterOption, stateKind, synth } from '../workspace.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { call, require } from './programs.ts';
import { tagged } from './search.ts';

/** The project whose Applications drive AWS on behalf of all others; it goes last. */
const CONTROLLERS = 'controllers';

export default command({
  summary: 'take a cluster down in order, and prove that nothing billable stays; asks first',
  options: {
    cluster: requiredClusterOption,
    confirm: text('the name of the cluster once more, instead of typing it when asked', { placeholder: 'NAME' }),
  },
  without: { yes: 'name the cluster once more: CONFIRM=NAME', stack: 'it takes down a whole cluster' },
  run: async ({ options, json, print }) => {
    const cluster = clusterNamed(options.cluster);
    if (cluster.deletionProtection)
      throw new SettingsError([
        settingProblem(
          repository,
          cluster.name,
          ['deletionProtection'],
          `must be false, and applied (\`make apply STACK=${cluster.name}-cluster\`), before the cluster can go`,
        ),
      ]);
    requireCredentials();
    await confirm(cluster.name, options.confirm);
    const stacks = (await synth()).filter((stack) => stack.cluster === cluster.name);
    const tofu = await openTofu(platformFolder);
    const certificate = await destroyCluster({
      cluster,
      stacks,
      tofu,
      initialize: async (stack) => initialize(tofu, platformFolder, stack, stateKind()),
      progress: progressTo(),
    });
    print(json ? JSON.stringify(certificate, null, 2) : inWords(certificate));
    if (certificate.found.length > 0)
      throw new CommandError(
        `${certificate.found.length} things of ${cluster.name} are still there`,
        'delete them, and run the command again; a NAT gateway shows for an hour after its end',
      );
  },
});

/** Lets a person type the name of the cluster. Throws UsageError for another name. */
async function confirm(name: string, given: string | undefined): Promise<void> {
  const typed =
    given ?? (await ask(`This deletes the cluster ${name}, all that runs in it, and its network. Type its name: `));
  if (typed.trim() !== name)
    throw new UsageError(
      `${JSON.stringify(typed)} is not ${name}; nothing was deleted`,
      `type ${name}, or set CONFIRM=${name}`,
    );
}

/** A line that a person types; empty where standard input ends. */
async function ask(question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const end = new Promise<string>((done) =>
      reader.once('close', () => {
        done('');
      }),
    );
    return await Promise.race([reader.question(question), end]);
  } finally {
    reader.close();
  }
}

const inWords = ({ cluster, accountId, region, looked, found }: Certificate): string =>
  found.length === 0
    ? `nothing in ${accountId}, ${region}, carries a tag of ${cluster} any more: ${looked.join(', ')}`
    : found.join('\n');

export interface Destruction {
  readonly cluster: AwsClusterSettings;
  /** Its stacks, in the order in which they were applied. */
  readonly stacks: readonly SynthesizedStack[];
  readonly tofu: Tofu;
  readonly initialize: (stack: SynthesizedStack) => Promise<void>;
  readonly progress: Progress;
  /** Seconds between two looks, and looks in all. */
  readonly patience?: { readonly seconds: number; readonly looks: number };
}

/** What was looked for when a cluster was gone, and what was found: nothing, or something that costs money. */
export interface Certificate {
  readonly cluster: string;
  readonly accountId: string;
  readonly region: string;
  /** Tags, as `key=value`, or a key that is enough. */
  readonly looked: readonly string[];
  /** ARNs. */
  readonly found: readonly string[];
}

/**
 * Takes a cluster down in the one order that leaves nothing behind: what runs in it first, while the controllers that
 * made load balancers and volumes are still there to take them away; then Argo CD, the cluster, the network. Run again
 * after a failure, it goes on where it was.
 * @returns what a search by tags finds afterwards
 * Throws CommandError where something does not go, naming it.
 */
export async function destroyCluster({
  cluster,
  stacks,
  tofu,
  initialize,
  progress,
  patience = { seconds: 10, looks: 90 },
}: Destruction): Promise<Certificate> {
  if (await isThere(cluster)) await emptyCluster(cluster, progress, patience);
  else progress.note(`the cluster ${cluster.name} is gone already; what is left of its stacks goes now`);

  for (const stack of stacks.toReversed()) {
    progress.start(`destroying ${stack.name}`);
    await initialize(stack);
    await tofu.show(stack, ['destroy', '-input=false', '-auto-approve']);
    progress.done(`${stack.name} is gone`);
  }
  return certify(cluster);
}

async function isThere({ name, region }: AwsClusterSettings): Promise<boolean> {
  try {
    await call('aws', ['eks', 'describe-cluster', '--name', name, '--region', region]);
    return true;
  } catch (error) {
    if (error instanceof RunError && error.stderr.includes('ResourceNotFoundException')) return false;
    if (error instanceof RunError)
      throw new CommandError(error.message, 'are these credentials of the account of the cluster?');
    throw error;
  }
}

interface Application {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly project: string };
}

async function emptyCluster(
  cluster: AwsClusterSettings,
  progress: Progress,
  patience: { readonly seconds: number; readonly looks: number },
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'destroy-'));
  try {
    // A file of its own: whoever destroys a cluster does not want it as the current context afterwards.
    const file = join(folder, 'kubeconfig');
    await writeKubeconfig(cluster, file);
    const kubectl = async (...args: string[]): Promise<string> =>
      require('kubectl', [
        '--kubeconfig',
        file,
        '--namespace',
        'argocd',
        ...args,
      ], `look into the cluster: \`make kubeconfig CLUSTER=${cluster.name}\`, then \`kubectl -n argocd get applications\``);

    progress.start('deleting what Argo CD deployed');
    // Nobody may put back what goes now: the root first, then the ApplicationSets, each without what it made.
    await kubectl('delete', 'application', 'root', '--ignore-not-found', '--cascade=orphan');
    await kubectl('delete', 'applicationset', '--all', '--cascade=orphan');
    const { items } = JSON.parse(await kubectl('get', 'applications', '--output=json')) as {
      items: readonly Application[];
    };
    const names = (isLast: boolean): string[] =>
      items.filter(({ spec }) => (spec.project === CONTROLLERS) === isLast).map(({ metadata }) => metadata.name);
    // Each has a finalizer: it is gone when everything is that it deployed.
    if (names(false).length > 0)
      await kubectl('delete', 'application', ...names(false), '--ignore-not-found', '--wait', '--timeout=15m');
    await untilNothing(cluster, progress, patience);
    if (names(true).length > 0)
      await kubectl('delete', 'application', ...names(true), '--ignore-not-found', '--wait', '--timeout=15m');
    progress.done('what Argo CD deployed is gone');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Load balancers and volumes go a while after what asked for them; the network cannot go before. */
async function untilNothing(
  cluster: AwsClusterSettings,
  progress: Progress,
  { seconds, looks }: { readonly seconds: number; readonly looks: number },
): Promise<void> {
  // The controller's own tag, and that of the CSI driver beside ours.
  const searches = [
    { 'elbv2.k8s.aws/cluster': cluster.name },
    { 'ebs.csi.aws.com/cluster': 'true', cluster: cluster.name },
  ];
  for (let look = 1; ; look += 1) {
    const left: string[] = [];
    for (const tags of searches) left.push(...(await tagged(cluster.region, tags)).map(({ arn }) => arn));
    if (left.length === 0) return;
    if (look >= looks)
      throw new CommandError(
        `after ${Math.round((looks * seconds) / 60)} minutes these are still there: ${left.join(', ')}`,
        'delete what holds them (an Ingress, a Service, a PersistentVolumeClaim), or them, and run the command again',
      );
    progress.detail(`waiting for ${left.length} load balancers, security groups and volumes to go`);
    await sleep(seconds * 1000);
  }
}

/** A search by tags over everything that the account has in the region. */
async function certify({ name, accountId, region }: AwsClusterSettings): Promise<Certificate> {
  const tags: Readonly<Record<string, string | null>> = {
    cluster: name,
    [`kubernetes.io/cluster/${name}`]: null,
    'elbv2.k8s.aws/cluster': name,
    'ebs.csi.aws.com/cluster-name': name,
  };
  const found = new Set<string>();
  for (const tag of Object.entries(tags))
    for (const { arn } of await tagged(region, Object.fromEntries([tag]))) found.add(arn);
  // A key that waits to be deleted costs nothing, and is the only thing that can still open a backup.
  return {
    cluster: name,
    accountId,
    region,
    looked: Object.entries(tags).map(([key, value]) => (value === null ? key : `${key}=${value}`)),
    found: [...found].filter((arn) => !arn.startsWith('arn:aws:kms:')).sort(),
  };
}
