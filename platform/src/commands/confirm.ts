import { UsageError } from '@gitops/report/errors';
import { ask } from './ask.ts';

/** Lets a person type the name of the cluster. Throws UsageError for another name. */
export async function confirm(name: string, given: string | undefined): Promise<void> {
  const typed =
    given ?? (await ask(`This deletes the cluster ${name}, all that runs in it, and its network. Type its name: `));
  if (typed.trim() !== name)
    throw new UsageError(
      `${JSON.stringify(typed)} is not ${name}; nothing was deleted`,
      `type ${name}, or set CONFIRM=${name}`,
    );
}
