import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';

/**
 * Runs a program of the PATH and gives its output. Throws CommandError where it is not there, and RunError where it
 * fails.
 */
export async function call(program: string, args: readonly string[], input?: string): Promise<string> {
  try {
    return await run(program, args, input === undefined ? {} : { input });
  } catch (error) {
    if (error instanceof RunError && error.code === null)
      throw new CommandError(`${program} is needed and not on the PATH`, INSTALL[program] ?? `install ${program}`);
    throw error;
  }
}

const INSTALL: Readonly<Record<string, string>> = {
  aws: 'install the AWS CLI, version 2: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html',
  docker: 'install Docker with buildx: https://docs.docker.com/engine/install/',
  kubectl: 'install kubectl, or take the one of `make env`',
};

/** The same, with its last words as an error that a person reads. */
export async function require(program: string, args: readonly string[], next: string, input?: string): Promise<string> {
  try {
    return await call(program, args, input);
  } catch (error) {
    if (error instanceof RunError) throw new CommandError(error.message, next);
    throw error;
  }
}
