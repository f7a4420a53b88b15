import { spawnSync } from 'node:child_process';
import { parse } from 'yaml';
import { readClusterFiles, SHARED } from './cluster-files.ts';
import { skipProblem, supportProblem } from './eks-versions.ts';
import type { ClusterSettings } from './schema.ts';

/**
 * What is wrong with the versions of Kubernetes of clusters on AWS, one line each: versions that EKS does not offer or
 * no longer supports, and versions that skip one after the version in Git. Git has what was merged, not what runs: an
 * upgrade that was never applied can be reverted, and one that was is refused by `make plan`.
 * @param root the repository's folder
 * @param today decides which versions are still supported
 */
export function versionProblems(root: string, clusters: readonly ClusterSettings[], today = new Date()): string[] {
  const base = baseIn(root, clusters[0]?.git.revision ?? 'main');
  const problems: string[] = [];
  for (const { name, provider, kubernetesVersion } of clusters) {
    if (provider !== 'aws') continue;
    const merged = base === undefined ? undefined : versionAt(root, base.commit, name);
    const rule =
      supportProblem(kubernetesVersion, today) ??
      (base === undefined || merged === undefined
        ? undefined
        : skipProblem(merged, kubernetesVersion, `${base.branch} has`));
    if (rule !== undefined) problems.push(readClusterFiles(root, name).report({ keys: ['kubernetesVersion'], rule }));
  }
  return problems;
}

/**
 * The commit at which the work tree left the branch that Argo CD follows; undefined where no cluster.yaml has changed
 * since, where there is no Git, and in a shallow clone, which does not have the branch.
 */
function baseIn(root: string, revision: string): { readonly branch: string; readonly commit: string } | undefined {
  for (const branch of [`origin/${revision}`, revision]) {
    const commit = git(root, 'merge-base', 'HEAD', branch)?.trim();
    if (commit === undefined) continue;
    const changed = git(root, 'diff', '--name-only', commit, '--', 'clusters/*/cluster.yaml') ?? '';
    return changed === '' ? undefined : { branch, commit };
  }
  return undefined;
}

/** The version of a cluster at a commit; undefined for a cluster that is new, or whose file is unreadable there. */
function versionAt(root: string, commit: string, cluster: string): string | undefined {
  if (git(root, 'cat-file', '-e', `${commit}:clusters/${cluster}/cluster.yaml`) === undefined) return undefined;
  for (const folder of [cluster, SHARED]) {
    const found = versionIn(git(root, 'show', `${commit}:clusters/${folder}/cluster.yaml`) ?? '');
    if (found !== undefined) return found;
  }
  return undefined;
}

function versionIn(text: string): string | undefined {
  try {
    const content = parse(text) as { readonly kubernetesVersion?: unknown } | null;
    return typeof content?.kubernetesVersion === 'string' ? content.kubernetesVersion : undefined;
  } catch {
    // It was wrong then; what counts is that it is right now.
    return undefined;
  }
}

function git(root: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', ['-C', root, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout : undefined;
}
