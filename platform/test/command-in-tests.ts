import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Test } from 'tap';
import { type Answer, type FakePrograms, fakePrograms } from './fake-programs.ts';

export const repository = resolve(import.meta.dirname, '../..');
const main = join(repository, 'platform/src/main.ts');
export const KEYS = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };

/** What a command needs to run in a folder of its own, with the OpenTofu that is in `bin`; compiled code as make has it. */
export const environmentIn = (folder: string, bin: string): NodeJS.ProcessEnv => ({
  HOME: folder,
  TOFU: join(bin, 'tofu'),
  CDKTF_OUTDIR: join(folder, 'out'),
  NODE_COMPILE_CACHE: join(repository, '.local/compiled'),
});

/**
 * A call of a program without what tap adds to it: a hook for every Node.js that a test starts, to know what that loads.
 * It takes as long as a whole command, and these tests measure no coverage.
 */
export const unhooked = (program: string, args: readonly string[]): [program: string, args: string[]] => [
  '/bin/sh',
  ['-c', 'unset NODE_OPTIONS; exec "$0" "$@"', program, ...args],
];

/** The call of a command of the platform. */
export const commandLine = (args: readonly string[]): [program: string, args: string[]] =>
  unhooked(process.execPath, [main, ...args]);

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly programs: FakePrograms;
}

/** A command, as make would call it, with nothing on the PATH but these programs. */
export function command(
  t: Test,
  name: string,
  {
    env = KEYS,
    programs = ['aws', 'kubectl', 'docker', 'git', 'tofu'],
    answers = [],
  }: { env?: NodeJS.ProcessEnv; programs?: readonly string[]; answers?: readonly Answer[] } = {},
): Result {
  const folder = t.testdir({});
  const fake = fakePrograms(join(folder, 'bin'), programs, answers);
  const { status, stdout, stderr } = spawnSync(...commandLine(name.split(' ')), {
    encoding: 'utf8',
    env: { PATH: fake.folder, ...environmentIn(folder, fake.folder), ...env },
    input: '',
  });
  return { status, stdout, stderr, programs: fake };
}
