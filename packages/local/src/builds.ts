import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from '@gitops/delivery/image-file';
import { CommandError } from '@gitops/report/errors';
import { elapsed } from '@gitops/report/progress';
import { run } from '@gitops/tools/run';
import { type Instance, readState, writeState } from './instance.ts';

// A build takes what the work tree has when it begins. Of two that run at once, the one that began first may end last.

/** What this machine knows of an image that it built. */
export interface Build {
  /** When it began, in milliseconds since 1970. */
  readonly began: number;
  /** A hash of the files that it was built from. */
  readonly inputs: string;
}

const stateOf = (digest: string): string => `builds/${digest.replace('sha256:', '')}.json`;

/** Begins a build of what the files have now. */
export async function beginBuild(root: string, paths: readonly string[]): Promise<Build> {
  const began = Date.now();
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...paths];
  const files = (await run('git', ['-C', root, ...list])).split('\0').filter((file) => file !== '');
  const hash = createHash('sha256');
  for (const file of [...new Set(files)].sort())
    if (existsSync(join(root, file)))
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(root, file)))
        .update('\0');
  return { began, inputs: hash.digest('hex') };
}

/** Remembers what an image was built from. */
export function rememberBuild(instance: Instance, digest: string, build: Build): void {
  writeState(instance, stateOf(digest), build);
}

/**
 * Throws CommandError where main's image was built from other files, and later: an older build that is pushed last does not
 * replace it. An image that this machine did not build is not compared.
 */
export function refuseOlderBuild(instance: Instance, app: string, image: Image, build: Build, present: Image): void {
  const other = readState(instance, stateOf(present.digest)) as Build | undefined;
  if (other === undefined || other.inputs === build.inputs || other.began <= build.began) return;
  throw new CommandError(
    `${app} ${image.tag} is an older build than ${present.tag}, which main has: it was built from other files, ` +
      `and began ${elapsed(other.began - build.began)} earlier; nothing was changed`,
    `run \`make ship\` again to build what the files have now, or \`make ship TAG=${image.tag} DIGEST=${image.digest}\` to deploy this one all the same`,
  );
}
