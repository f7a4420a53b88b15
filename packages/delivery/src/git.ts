import { run } from '@gitops/tools/run';

/** Runs git and gives its standard output. Throws RunError. */
export type Git = (args: readonly string[], options?: GitOptions) => Promise<string>;

export interface GitOptions {
  /** The index file to use instead of the repository's own. */
  readonly index?: string;
  /** Written to git's standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * git on a bare repository: GIT_* variables of the caller, which name another repository or index, have no effect, and
 * git never asks for a password.
 * @param workTree a folder to read files from; relative paths are then relative to it
 */
export function gitIn(repository: string, workTree?: string): Git {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  const place = ['--git-dir', repository, ...(workTree === undefined ? [] : ['--work-tree', workTree])];
  return async (args, { index, input, env } = {}) =>
    run('git', [...place, ...args], {
      ...(input === undefined ? {} : { input }),
      ...(workTree === undefined ? {} : { cwd: workTree }),
      env: {
        ...inherited,
        GIT_TERMINAL_PROMPT: '0',
        ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
        ...env,
      },
    });
}
