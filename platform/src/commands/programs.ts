import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';

const INSTALL: Readonly<Record<string, string>> = {
  aws: 'install the AWS CLI, version 2: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html',
  docker: 'install Docker with buildx: https://docs.docker.com/engine/install/',
  kubectl: 'install kubectl, or use the one of `make env`',
};

export interface CallOptions {
  /** Written to the program's standard input. */
  readonly input?: string;
  /** What a person does about a failure: it then becomes a CommandError with this advice. */
  readonly next?: string;
}

/**
 * Runs a program of the PATH and returns its standard output. Throws CommandError where it is missing, and RunError
 * where it fails, or CommandError where `next` is given.
 */
export async function callProgram(
  program: string,
  args: readonly string[],
  { input, next }: CallOptions = {},
): Promise<string> {
  try {
    return await run(program, args, input === undefined ? {} : { input });
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    if (error.code === null)
      throw new CommandError(`${program} is needed and not on the PATH`, INSTALL[program] ?? `install ${program}`);
    if (next !== undefined) throw new CommandError(error.message, next);
    throw error;
  }
}
