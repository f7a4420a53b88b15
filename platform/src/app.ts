import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'cdktf';
import {
  type AwsClusterSettings,
  type ClusterSettings,
  faultsIn,
  settingProblem,
  SettingsError,
  sortClusters,
} from '@gitops/settings';
import { supportProblem } from '@gitops/settings/eks-versions';
import { ArgoCdStack } from './stacks/argocd.ts';
import { BootstrapStack } from './stacks/bootstrap.ts';
import { ClusterStack } from './stacks/cluster.ts';
import { NetworkStack } from './stacks/network.ts';
import type { PlatformStack } from './stacks/platform-stack.ts';
import { RegistryStack } from './stacks/registry.ts';

/** A synthesized stack: one cdk.tf.json, one state, one lifetime. */
export interface SynthesizedStack {
  readonly name: string;
  /** Absolute path; has cdk.tf.json and assets. */
  readonly folder: string;
  /** The names of the stacks that must be applied before it, and destroyed after it. */
  readonly after: readonly string[];
  /** The cluster that it is part of; undefined for what an account has once. */
  readonly cluster: string | undefined;
}

/**
 * Every stack of the platform, in the order in which they are applied:
 *
 *   bootstrap-<account> ──▶ registry
 *           └─────────────▶ <cluster>-network ──▶ <cluster>-cluster ──▶ <cluster>-argocd
 *
 * @param repository the repository's folder; the settings in its clusters/ hold all differences
 * @param outdir is replaced as a whole or, after a failure, not at all: no stack of a removed cluster stays
 * @param today decides which versions of Kubernetes are still supported; the output does not depend on it
 * @param only the cluster whose faults count, or the stack that an account has once. Stacks of clusters with faults are
 *   left out then, and so are those that an account has once where settings cannot be read: they are made of all clusters'
 * Throws SettingsError for invalid settings.
 */
export function synthesize(repository: string, outdir: string, today = new Date(), only?: string): SynthesizedStack[] {
  const { clusters: known, faults: unreadable } = sortClusters(repository);
  const faults = new Map([...unreadable, ...unsupported(repository, known, today)]);
  const isCluster = faults.has(only ?? '') || known.some(({ name }) => name === only);
  const counts = (name: string): boolean => only === undefined || (isCluster ? name === only : unreadable.has(name));
  const counting = new Map([...faults].filter(([name]) => counts(name)));
  if (counting.size > 0) throw new SettingsError(faultsIn(counting));
  const isWhole = unreadable.size === 0;
  const onAws = known.filter((cluster): cluster is AwsClusterSettings => cluster.provider === 'aws');
  const [common] = known;
  if (common === undefined) return [];

  const fresh = `${outdir}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const app = new App({ outdir: fresh });
  const stacks: { stack: PlatformStack; after: string[]; cluster?: string }[] = [];
  const add = <T extends PlatformStack>(stack: T, after: readonly PlatformStack[], cluster?: string): T => {
    stacks.push({ stack, after: after.map(({ node }) => node.id), ...(cluster === undefined ? {} : { cluster }) });
    return stack;
  };
  const accounts = isWhole ? new Set([common.registry.accountId, ...onAws.map(({ accountId }) => accountId)]) : [];
  const bootstraps = new Map(
    [...accounts].map((accountId) => {
      const inAccount = onAws.filter((cluster) => cluster.accountId === accountId);
      return [accountId, add(new BootstrapStack(app, common, accountId, inAccount), [])];
    }),
  );
  const bootstrapOf = (accountId: string): BootstrapStack[] =>
    [...bootstraps].flatMap(([id, stack]) => (id === accountId ? [stack] : []));

  if (isWhole && onAws.length > 0) add(new RegistryStack(app, common, onAws), bootstrapOf(common.registry.accountId));
  for (const settings of onAws) {
    if (faults.has(settings.name)) continue;
    const network = add(new NetworkStack(app, settings), bootstrapOf(settings.accountId), settings.name);
    const cluster = add(new ClusterStack(app, settings), [network], settings.name);
    add(new ArgoCdStack(app, settings, repository), [cluster], settings.name);
  }

  app.synth();
  rmSync(outdir, { recursive: true, force: true });
  renameSync(fresh, outdir);
  return stacks.map(({ stack, after, cluster }) => ({
    name: stack.node.id,
    folder: join(outdir, 'stacks', stack.node.id),
    after,
    cluster,
  }));
}

/** Clusters whose version of Kubernetes is out of standard support. */
function unsupported(repository: string, clusters: readonly ClusterSettings[], today: Date): Map<string, string[]> {
  const faults = new Map<string, string[]>();
  for (const { name, provider, kubernetesVersion } of clusters) {
    const rule = provider === 'aws' ? supportProblem(kubernetesVersion, today) : undefined;
    if (rule !== undefined) faults.set(name, [settingProblem(repository, name, ['kubernetesVersion'], rule)]);
  }
  return faults;
}
