import { spawnSync } from 'node:child_process';

/** A setting of a cluster, and where it is written: `file:line` from the repository's root. */
interface Placed {
  readonly cluster: string;
  readonly place: string;
}

/**
 * Settings that exclude each other, the one that was there first before the others: by the last change of their lines,
 * then by when their clusters came. What is not committed comes last; where Git knows nothing, the order stays.
 * @param root the repository's folder
 */
export function oldestFirst<Setting extends Placed>(root: string, settings: readonly Setting[]): Setting[] {
  return settings
    .map((setting) => ({ setting, age: [changedAt(root, setting.place), addedAt(root, setting.cluster)] as const }))
    .sort((a, b) => a.age[0] - b.age[0] || a.age[1] - b.age[1])
    .map(({ setting }) => setting);
}

/** When a line last changed, in seconds; the greatest number for one that is not committed, or where there is no Git. */
function changedAt(root: string, place: string): number {
  const [file = '', line = '1'] = place.split(':');
  const found = git(root, 'blame', '--porcelain', '-L', `${line},${line}`, '--', file);
  const isCommitted = /^[0-9a-f]*[1-9a-f]/.test(found);
  const time = /^committer-time (\d+)$/m.exec(found)?.[1];
  return isCommitted && time !== undefined ? Number(time) : Number.MAX_VALUE;
}

/** When a cluster came to the repository, as above. */
function addedAt(root: string, cluster: string): number {
  const file = `clusters/${cluster}/cluster.yaml`;
  const oldest = git(root, 'log', '--diff-filter=A', '--format=%ct', '--', file).trim().split('\n').at(-1) ?? '';
  return oldest === '' ? Number.MAX_VALUE : Number(oldest);
}

const git = (root: string, ...args: string[]): string =>
  spawnSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).stdout;
