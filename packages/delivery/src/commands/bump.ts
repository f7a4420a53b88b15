import { command } from '@gitops/report/command-line';
import { UsageError } from '@gitops/report/errors';
import { flag } from '@gitops/report/options';
import { bump, type BumpResult } from '../bump.ts';
import { type Clone, openClone, openRemote, remoteOption, requester } from '../clone.ts';
import { imageFile } from '../image-file.ts';
import {
  appOption,
  commitOption,
  DEFAULT_APPLICATION,
  platformsOption,
  requiredClusterOption,
  requiredDigestOption,
  requiredTagOption,
} from './options.ts';

export default command({
  summary: 'deploy an image: one commit on main that sets TAG, DIGEST and PLATFORMS of APP in CLUSTER',
  options: {
    cluster: requiredClusterOption,
    app: appOption,
    tag: requiredTagOption,
    digest: requiredDigestOption,
    platforms: platformsOption,
    commit: commitOption,
    allowOlder: flag('deploy an older build than the present one as well'),
    remote: remoteOption,
  },
  run: async ({ options, json, print }) => {
    const { cluster, app = DEFAULT_APPLICATION, tag, digest, commit, allowOlder, remote: given } = options;
    const platforms = options.platforms?.split(',');
    const clone = await openClone();
    const remote = await openRemote(given, clone);
    const source = commit ?? headOf(clone);
    const requestedBy = await requester(clone);
    const result = await bump(remote, { cluster, app, tag, digest, platforms, source, requestedBy, allowOlder });
    if (json)
      print(JSON.stringify({ outcome: result.files.length === 0 ? 'unchanged' : 'deployed', source, ...result }));
    else print(inWords(result, `${app} ${tag}`, imageFile(cluster, app)));
  },
});

/** The commit that is checked out, for an image that was built from it. Throws UsageError where that is not certain. */
function headOf(clone: Clone | undefined): string {
  const next = 'name the commit that the image was built from: --commit, or COMMIT in the environment';
  if (clone?.head === undefined)
    throw new UsageError('COMMIT (--commit) is missing, and there is no clone with a HEAD', next);
  if (clone.branch === undefined) throw new UsageError('COMMIT (--commit) is missing, and HEAD is detached', next);
  return clone.head;
}

function inWords({ commit, files, age }: BumpResult, image: string, file: string): string {
  if (files.length === 0) return `main has ${image} in ${file} already; nothing was changed`;
  const note =
    age === 'unknown'
      ? '\n  no commit says what the image before was built from, so that their age was not compared'
      : '';
  return `main is at ${commit.slice(0, 7)}: ${image} in ${file}${note}`;
}
