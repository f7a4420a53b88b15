import { CommandError } from '@gitops/report/errors';
import type { Git } from './git.ts';
import { isImageFile } from './image-file.ts';
import { changedFiles, commitsOf } from './log.ts';
import { trailersOf } from './message.ts';

/**
 * What the image of the service is built from and by, as `paths` of a workflow and as pathspecs of git: a push to main that
 * touches none of it needs no release. The workflow that releases has the same list, and a test compares the two.
 */
export const RELEASE_PATHS: readonly string[] = [
  'service/src/**',
  'service/build.ts',
  'service/Dockerfile',
  'service/package.json',
  'service/tsconfig.json',
  'packages/subnets/src/**',
  'packages/subnets/data/**',
  'packages/subnets/package.json',
  'packages/subnets/tsconfig.json',
  'packages/images/src/**',
  'packages/images/package.json',
  'packages/tools/go/images/**',
  'package.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'tsconfig.base.json',
];

/** Why a push needs a release: the files of the image that it changes, and the commits that do. */
export interface ReleaseReason {
  readonly commits: readonly string[];
  readonly files: readonly string[];
}

/**
 * What a push to main changes in the image of the service; nothing where it needs no release. The commits of this package
 * never count: those that say which image they deploy and change only image files. Otherwise a deployment would start a
 * release, which deploys.
 * @param base main before the push; zeros or nothing where there was none
 * Throws CommandError for a commit that the clone does not have.
 */
export async function releaseReason(git: Git, base: string | undefined, head: string): Promise<ReleaseReason> {
  const isFirst = base === undefined || /^0*$/.test(base);
  for (const commit of isFirst ? [head] : [base, head])
    await git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{commit}`]).catch(() => {
      throw new CommandError(`the clone does not have commit ${commit}`, 'fetch the whole history (fetch-depth: 0)');
    });
  const range = isFirst ? head : `${base}..${head}`;
  const paths = RELEASE_PATHS.map((path) => `:(glob)${path}`);
  const own = await ownCommits(git, range);
  const changed = (await changedFiles(git, range, paths)).filter(({ commit }) => !own.has(commit));
  return {
    commits: [...new Set(changed.map(({ commit }) => commit))],
    files: [...new Set(changed.map(({ file }) => file))].sort(),
  };
}

/** The commits of this package: bumps and promotions. */
async function ownCommits(git: Git, range: string): Promise<Set<string>> {
  const own = new Set<string>();
  for (const { commit, message } of await commitsOf(git, range))
    if (trailersOf(message).image !== undefined) own.add(commit);
  for (const { commit, file } of await changedFiles(git, range)) if (!isImageFile(file)) own.delete(commit);
  return own;
}
