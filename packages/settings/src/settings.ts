import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseCidr } from '@gitops/subnets/cidr';
import { findOverlaps } from '@gitops/subnets/overlaps';
import { oldestFirst } from './age.ts';
import { type ClusterFiles, readClusterFiles, SettingsError, SHARED } from './cluster-files.ts';
import { quotaProblems } from './quotas.ts';
import type { AwsClusterSettings, ClusterSettings } from './schema.ts';
import { valueAt } from './yaml-file.ts';

export { oldestFirst } from './age.ts';
export { SettingsError } from './cluster-files.ts';
export {
  argocdValueFiles,
  type ClusterFacts,
  clusterFacts,
  clusterSecret,
  LOCAL_REGISTRY,
  type MadeOnAws,
  PREVIEW_IMAGES,
  previewToken,
  previewURL,
  rootValues,
  secretsOf,
} from './facts.ts';
export {
  type AwsClusterSettings,
  type ClusterSettings,
  type Controller,
  CONTROLLERS,
  type LocalClusterSettings,
  SERVICE_CIDR,
} from './schema.ts';
export { versionProblems } from './version-changes.ts';

/** The clusters of the repository: every folder below clusters/ with a cluster.yaml, except the shared one. Sorted. */
export function clusterNames(root: string): string[] {
  const names: string[] = [];
  for (const entry of readdirSync(join(root, 'clusters'), { withFileTypes: true })) {
    const isCluster = entry.isDirectory() && existsSync(join(root, 'clusters', entry.name, 'cluster.yaml'));
    if (isCluster && entry.name !== SHARED) names.push(entry.name);
  }
  return names.sort();
}

/**
 * The settings of one cluster: clusters/<name>/cluster.yaml laid over clusters/shared/cluster.yaml, checked.
 * @param root the repository's folder
 * Throws SettingsError with every problem at once: those of the files' form, or else, once both are readable, all
 * others.
 */
export function readCluster(root: string, name: string): ClusterSettings {
  return readClusterFiles(root, name).settings;
}

/** The clusters of the repository, those with a problem apart. */
export interface SortedClusters {
  /** Sorted by name. */
  readonly clusters: readonly ClusterSettings[];
  /** By cluster, everything that is wrong with its settings; a network that overlaps another is the newer one's. */
  readonly faults: ReadonlyMap<string, readonly string[]>;
}

/** Reads the settings of all clusters. Their networks share no address, so that they can be joined one day. */
export function sortClusters(root: string): SortedClusters {
  const readable: ClusterFiles[] = [];
  const faults = new Map<string, readonly string[]>();
  for (const name of clusterNames(root)) {
    try {
      readable.push(readClusterFiles(root, name));
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      faults.set(name, error.problems);
    }
  }
  for (const [name, problem] of [
    ...overlapProblems(root, readable),
    ...commonProblems(root, readable),
    ...sharedQuotaProblems(root, readable),
  ])
    faults.set(name, [...(faults.get(name) ?? []), problem]);
  return { clusters: readable.map(({ settings }) => settings).filter(({ name }) => !faults.has(name)), faults };
}

/** All problems of some clusters. One of the shared file is the same for every cluster, and is reported once. */
export const faultsIn = (faults: SortedClusters['faults']): string[] => [...new Set([...faults.values()].flat())];

/** The settings of all clusters, sorted by name. Throws SettingsError with the problems of every cluster at once. */
export function readClusters(root: string): ClusterSettings[] {
  const { clusters, faults } = sortClusters(root);
  if (faults.size > 0) throw new SettingsError(faultsIn(faults));
  return [...clusters];
}

/** Each with the name of the cluster that has to name another network. */
function overlapProblems(root: string, clusters: readonly ClusterFiles[]): [cluster: string, problem: string][] {
  const networks = clusters.flatMap(({ settings, place, reportHere }) =>
    settings.provider === 'aws'
      ? [{ cluster: settings.name, cidr: settings.network.cidr, place: place(CIDR), reportHere }]
      : [],
  );
  const problems: [string, string][] = [];
  for (const { outer, inner } of findOverlaps(networks.map(({ cidr }) => parseCidr(cidr)))) {
    const pair = networks.filter((_, index) => index === outer || index === inner);
    const [first, second] = oldestFirst(root, pair);
    if (first === undefined || second === undefined) throw new Error('findOverlaps returned an unknown index');
    const rule = `must not overlap the network of ${first.cluster}, ${first.cidr}`;
    // The shared default is right for one cluster; the newer one has to name its own network.
    problems.push([second.cluster, second.reportHere({ keys: CIDR, rule })]);
  }
  return problems;
}

const CIDR = ['network', 'cidr'];

/** What is one for all clusters on AWS: the registry, the repository whose jobs may push to it, the kind of state. */
const COMMON = [
  ['git', 'repository'],
  ['git', 'ownerId'],
  ['git', 'repositoryId'],
  ['registry', 'accountId'],
  ['registry', 'region'],
  ['state'],
] as const;

/** Each with the name of the cluster that differs from an older one. */
function commonProblems(root: string, clusters: readonly ClusterFiles[]): [cluster: string, problem: string][] {
  const onAws = clusters.filter(({ settings }) => settings.provider === 'aws');
  const problems: [string, string][] = [];
  for (const keys of COMMON) {
    const valueOf = ({ settings }: ClusterFiles): string => JSON.stringify(valueAt(settings, keys) ?? 'none');
    if (new Set(onAws.map(valueOf)).size < 2) continue;
    const placed = onAws.map((files) => ({ files, cluster: files.settings.name, place: files.place(keys) }));
    const [first, ...others] = oldestFirst(root, placed);
    for (const { files, cluster } of others)
      if (first !== undefined && valueOf(files) !== valueOf(first.files)) {
        const rule = `must be the same for all clusters on AWS, and ${first.cluster} has ${valueOf(first.files)}`;
        problems.push([cluster, files.reportHere({ keys, rule })]);
      }
  }
  return problems;
}

/** Each with the name of the cluster for which the quotas of its account no longer suffice: the newer one. */
function sharedQuotaProblems(root: string, clusters: readonly ClusterFiles[]): [cluster: string, problem: string][] {
  const groups = new Map<string, QuotaShare[]>();
  for (const { settings, place, reportHere } of clusters) {
    if (settings.provider !== 'aws') continue;
    const key = `${settings.accountId} ${settings.region}`;
    const share = { cluster: settings.name, settings, place: place(['accountId']), reportHere };
    groups.set(key, [...(groups.get(key) ?? []), share]);
  }
  const problems: [string, string][] = [];
  for (const group of groups.values()) {
    // Git is asked for the ages only where it matters.
    const [any, ...others] = group;
    if (any === undefined || quotaProblems(any.settings, settingsOf(others)).length === 0) continue;
    const older: QuotaShare[] = [];
    for (const share of oldestFirst(root, group)) {
      const found = quotaProblems(share.settings, settingsOf(older));
      for (const problem of found) problems.push([share.cluster, share.reportHere(problem)]);
      if (found.length === 0) older.push(share);
    }
  }
  return problems;
}

/** A cluster that shares the quotas of an account in a region. */
interface QuotaShare extends Pick<ClusterFiles, 'reportHere'> {
  readonly cluster: string;
  readonly settings: AwsClusterSettings;
  readonly place: string;
}

const settingsOf = (shares: readonly QuotaShare[]): AwsClusterSettings[] => shares.map(({ settings }) => settings);

/** A problem that another package found with a setting of a cluster, as `file:line: key: rule (it is value)`. */
export function settingProblem(root: string, name: string, keys: readonly string[], rule: string): string {
  return readClusterFiles(root, name).report({ keys, rule });
}

/** `file:line` of a setting of a cluster, at the line whose value counts. */
export const settingPlace = (root: string, name: string, keys: readonly string[]): string =>
  readClusterFiles(root, name).place(keys);
