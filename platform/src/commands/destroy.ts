import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { type Progress, progressTo } from '@gitops/report/progress';
import { type AwsClusterSettings, settingProblem, SettingsError } from '@gitops/settings';
import { RunError } from '@gitops/tools/run';
import type { SynthesizedStack } from '../app.ts';
import { requireCredentials } from '../credentials.ts';
import { nameIn, projectOf } from '../names.ts';
import { readHeld } from '../recovery/stack-state.ts';
import { initialize, openTofu, type Tofu } from '../tofu.ts';
import { clusterNamed, platformFolder, repository, requiredClusterOption, stateKind, synth } from '../workspace.ts';
import { confirm } from './confirm.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { searches } from './leftovers.ts';
import { callProgram } from './programs.ts';
import { addedInstances, tagged } from './search.ts';

/** The project whose Applications drive AWS on behalf of all others; it goes last. */
const CONTROLLERS = 'controllers';
/** The Application of what Karpenter may buy; its nodes go with it, while Karpenter still runs. */
const NODE_POOL = 'node-pool';

export default command({
  summary: 'destroy a cluster in order, and prove that nothing billable is left; asks first',
  options: {
    cluster: requiredClusterOption,
    confirm: text('the name of the cluster once more, instead of typing it when asked', { placeholder: 'NAME' }),
  },
  without: { yes: 'name the cluster once more: CONFIRM=NAME', stack: 'it destroys a whole cluster' },
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
    const stacks = (await synth(cluster.name)).filter((stack) => stack.cluster === cluster.name);
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
        `${certificate.found.length} resources of ${cluster.name} still exist`,
        'delete them, and run the command again; a NAT gateway and an instance show for an hour after their end',
      );
  },
});

const inWords = ({ cluster, accountId, region, looked, found }: Certificate): string =>
  found.length === 0
    ? `nothing of ${cluster} is left in ${accountId}, ${region}; searched: ${looked.join(', ')}`
    : found.join('\n');

export interface Destruction {
  readonly cluster: AwsClusterSettings;
  /** Its stacks, in the order in which they were applied. */
  readonly stacks: readonly SynthesizedStack[];
  readonly tofu: Tofu;
  readonly initialize: (stack: SynthesizedStack) => Promise<void>;
  readonly progress: Progress;
  readonly patience?: Patience;
}

/** How long to wait for what AWS deletes by itself: seconds between two attempts, and the number of attempts. */
interface Patience {
  readonly seconds: number;
  readonly attempts: number;
}

/** What was searched for after a cluster was destroyed, and what was found: nothing, or something that costs money. */
export interface Certificate {
  readonly cluster: string;
  readonly accountId: string;
  readonly region: string;
  /** Tags, as `key=value`, or a key with any value; names. */
  readonly looked: readonly string[];
  /** ARNs. */
  readonly found: readonly string[];
}

/**
 * Takes a cluster down in the one order that leaves nothing behind: what runs in it first, while the controllers that
 * created load balancers and volumes still run and delete them; then Argo CD, the cluster, the network. Run again after
 * a failure, it resumes where it stopped.
 * @returns what is found afterwards (leftovers.ts)
 * Throws CommandError where something is not deleted, naming it.
 */
export async function destroyCluster({
  cluster,
  stacks,
  tofu,
  initialize,
  progress,
  patience = { seconds: 10, attempts: 90 },
}: Destruction): Promise<Certificate> {
  const exists = await clusterExists(cluster);
  if (exists) await emptyCluster(cluster, progress, patience);
  else {
    progress.note(`the cluster ${cluster.name} does not exist any more; destroying what is left of its stacks`);
    await refuseOrphans(cluster);
  }

  for (const stack of stacks.toReversed()) {
    progress.start(`destroying ${stack.name}`);
    await initialize(stack);
    if (!exists && stack.name === nameIn(cluster, 'argocd')) await forget(tofu, stack);
    else await tofu.run(stack, ['destroy', '-input=false', '-auto-approve']);
    progress.done(`${stack.name} is destroyed`);
  }
  return certify(cluster);
}

/**
 * Without its cluster a Helm release is gone, and its stack cannot even be planned: it asks AWS for the cluster. So the
 * state forgets what it has.
 */
async function forget(tofu: Tofu, stack: SynthesizedStack): Promise<void> {
  const held = await readHeld(tofu, stack);
  if (held.size > 0) await tofu.capture(stack, ['state', 'rm', ...held.keys()]);
}

/** Throws CommandError where controllers of a cluster that is gone left something: nobody deletes it for us. */
async function refuseOrphans(cluster: AwsClusterSettings): Promise<void> {
  const left = [...(await ownedByControllers(cluster)), ...(await addedNodes(cluster))];
  if (left.length === 0) return;
  throw new CommandError(
    `the cluster is gone, and what its controllers created is not: ${left.join(', ')}`,
    'delete these by hand (they keep the network from being deleted), and run the command again',
  );
}

async function clusterExists({ name, region }: AwsClusterSettings): Promise<boolean> {
  try {
    await callProgram('aws', ['eks', 'describe-cluster', '--name', name, '--region', region]);
    return true;
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    if (error.stderr.includes('ResourceNotFoundException')) return false;
    throw new CommandError(error.message, "do the credentials belong to the cluster's account?");
  }
}

interface Application {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly project: string };
}

const FINALIZER = 'resources-finalizer.argocd.argoproj.io';

/** Deletes everything that Argo CD deployed, and waits for what AWS deletes after it. */
async function emptyCluster(cluster: AwsClusterSettings, progress: Progress, patience: Patience): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'destroy-'));
  try {
    // A file of its own: the destroyed cluster must not stay the user's current context.
    const file = join(folder, 'kubeconfig');
    await writeKubeconfig(cluster, file);
    const next =
      `inspect the cluster: \`make kubeconfig CLUSTER=${cluster.name}\`, ` +
      'then `kubectl -n argocd get applications`';
    const kubectl = async (...args: string[]): Promise<string> =>
      callProgram('kubectl', ['--kubeconfig', file, '--namespace', 'argocd', ...args], { next });
    const deleteApplications = async (names: readonly string[]): Promise<void> => {
      // With the finalizer an Application deletes what it deployed, and is gone when that is; without it, as it comes from Git,
      // all of that would outlive it.
      const finalizers = JSON.stringify({ metadata: { finalizers: [FINALIZER] } });
      for (const name of names) await kubectl('patch', 'application', name, '--type=merge', `--patch=${finalizers}`);
      if (names.length > 0)
        await kubectl('delete', 'application', ...names, '--ignore-not-found', '--wait', '--timeout=15m');
    };

    const deleteClaims = async (): Promise<void> => {
      // A StatefulSet leaves its claims behind, and with them the volumes.
      await kubectl('delete', 'persistentvolumeclaim', '--all', '--all-namespaces', '--wait', '--timeout=15m');
      await waitForDeletion(async () => ownedByControllers(cluster), 'load balancers and volumes', progress, patience);
    };
    const waitForNodes = async (): Promise<void> =>
      waitForDeletion(async () => addedNodes(cluster), 'nodes that Karpenter added', progress, patience);

    progress.start('deleting what Argo CD deployed');
    const controller = ['get', 'statefulset', 'argocd-application-controller', '--ignore-not-found', '--output=name'];
    if ((await kubectl(...controller)).trim() === '') {
      // Somebody deleted it by hand: an Application would wait for it for ever. Whatever costs money without the cluster goes.
      progress.note(
        'Argo CD does not run any more; deleting load balancers and volumes, the rest goes with the cluster',
      );
      await kubectl('delete', 'ingress', '--all', '--all-namespaces', '--wait', '--timeout=15m');
      await deleteClaims();
      const definition = await kubectl('get', 'crd', 'nodepools.karpenter.sh', '--ignore-not-found', '--output=name');
      if (definition.trim() !== '') await kubectl('delete', 'nodepool', '--all', '--wait', '--timeout=15m');
      await waitForNodes();
      return;
    }
    // First root, then the ApplicationSets, each without its children: nothing may recreate what is deleted below.
    await kubectl('delete', 'application', 'root', '--ignore-not-found', '--cascade=orphan');
    await kubectl('delete', 'applicationset', '--all', '--cascade=orphan');
    const { items } = JSON.parse(await kubectl('get', 'applications', '--output=json')) as {
      items: readonly Application[];
    };
    const controllers = items.filter(({ spec }) => spec.project === CONTROLLERS);
    const others = items.filter(({ spec }) => spec.project !== CONTROLLERS);
    await deleteApplications(others.map(({ metadata }) => metadata.name));
    await deleteClaims();
    // Karpenter drains the nodes that it added and ends them; without it they would outlive the cluster.
    const names = controllers.map(({ metadata }) => metadata.name);
    await deleteApplications(names.filter((name) => name === NODE_POOL));
    await waitForNodes();
    await deleteApplications(names.filter((name) => name !== NODE_POOL));
    progress.done('what Argo CD deployed is deleted');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Load balancers, volumes and nodes go a while after what asked for them; the network cannot go before. */
async function waitForDeletion(
  search: () => Promise<string[]>,
  what: string,
  progress: Progress,
  patience: Patience,
): Promise<void> {
  const { seconds, attempts } = patience;
  for (let attempt = 1; ; attempt += 1) {
    const left = await search();
    if (left.length === 0) return;
    if (attempt >= attempts)
      throw new CommandError(
        `after ${Math.round((attempts * seconds) / 60)} minutes these still exist: ${left.join(', ')}`,
        'delete what owns them (an Ingress, a Service, a PersistentVolumeClaim, a NodePool), or them, and run the command again',
      );
    progress.detail(`waiting for ${left.length} ${what}`);
    await sleep(seconds * 1000);
  }
}

/** ARNs of what the load balancer controller and the CSI driver created, by the tags that they set. */
async function ownedByControllers({ name, region }: AwsClusterSettings): Promise<string[]> {
  const balancers = await tagged(region, { 'elbv2.k8s.aws/cluster': name });
  const volumes = await tagged(region, { 'ebs.csi.aws.com/cluster': 'true', cluster: name });
  return [...balancers, ...volumes].map(({ arn }) => arn);
}

const addedNodes = async (cluster: AwsClusterSettings): Promise<string[]> =>
  (await addedInstances(cluster)).map(({ id }) => id);

/** Searches for everything of the cluster that is left, also for what AWS made without our tags. */
async function certify(cluster: AwsClusterSettings): Promise<Certificate> {
  const looked: string[] = [];
  const found = new Set<string>();
  for (const search of searches(cluster, projectOf(cluster))) {
    looked.push(search.looked);
    for (const arn of await search.run()) found.add(arn);
  }
  const { name, accountId, region } = cluster;
  // A key that waits to be deleted costs nothing, and is the only thing that can still open a backup.
  return {
    cluster: name,
    accountId,
    region,
    looked,
    found: [...found].filter((arn) => !arn.startsWith('arn:aws:kms:')).sort(),
  };
}
