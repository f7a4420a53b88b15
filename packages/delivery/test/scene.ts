import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Test } from 'tap';
import { digest, type Fixture, serveImages } from './served-repository.ts';

export interface Scene extends Fixture {
  /** A clone of the served repository, on main. */
  readonly clone: string;
  /** git in the clone. */
  readonly inClone: (...args: string[]) => string;
  /** The branches of the served repository, to see that nothing was pushed. */
  readonly refs: () => Promise<string>;
}

/** A clone of a served repository with image files. */
export async function scene(t: Test): Promise<Scene> {
  const fixture = await serveImages(t);
  const clone = join(t.testdirName, 'clone');
  const run = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync('git', args, {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', HOME: t.testdirName },
    });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  run('clone', '--quiet', fixture.remote.url, clone);
  const inClone = (...args: string[]): string => run('-C', clone, ...args);
  inClone('config', 'user.name', 'Ann');
  return { ...fixture, clone, inClone, refs: async () => fixture.git('for-each-ref') };
}

/** The command line of a bump to dev. */
export const bump = (letter: string, ...rest: string[]): string[] => [
  ...['bump', '--cluster', 'dev', '--app', 'app', '--tag', `1.${letter}`, '--digest', digest(letter), ...rest],
];
/** The command line of a promotion to staging. */
export const promote = (...rest: string[]): string[] => [
  'promote',
  '--from',
  'dev',
  '--to',
  'staging',
  '--app',
  'app',
  ...rest,
];
