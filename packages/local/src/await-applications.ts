import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import { describeState, isSettled, problemsOf } from './applications.ts';
import {
  type Application,
  type ApplicationChange,
  type ArgoClient,
  ArgoError,
  UnreachableError,
} from './argocd-api.ts';

export type ApplicationsByName = ReadonlyMap<string, Application>;

/** How long a start, a delivery, a rollback or a resume may take, in milliseconds. */
export const PATIENCE = 180_000;

/** How long Argo CD's server may be away meanwhile, in milliseconds: as long as it may take to start again. */
const AWAY = 30_000;

/**
 * Follows all Applications, without polling, until `inspect` returns a result.
 * @param patience in milliseconds
 * @param what what is waited for, as the beginning of a message: `the rollback of app`
 * @param inspect called after each change, and about every second without one; it may throw to give up
 * Throws CommandError when the time is up.
 */
export async function awaitApplications<T>(
  client: ArgoClient,
  patience: number,
  what: string,
  inspect: (applications: ApplicationsByName) => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const known = new Map<string, Application>();
  let change = Promise.withResolvers<null>();
  const following = follow(client, signal, known, () => {
    change.resolve(null);
  });
  // Its failure reaches the loop below through the race.
  following.catch(() => undefined);
  try {
    for (const end = Date.now() + patience; ;) {
      const result = await unlessAway(async () => inspect(known));
      if (result !== undefined) return result;
      if (Date.now() > end) throw tooLate(what, patience, known);
      await Promise.race([change.promise, following, sleep(1000, undefined, { signal })]);
      change = Promise.withResolvers<null>();
    }
  } finally {
    controller.abort();
  }
}

/** What an action gives; undefined where the server is away, whose return `follow` waits for. */
async function unlessAway<T>(action: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof UnreachableError) return undefined;
    throw error;
  }
}

/** Keeps `known` up to date until aborted. Throws when the server stays away. */
async function follow(
  client: ArgoClient,
  signal: AbortSignal,
  known: Map<string, Application>,
  onChange: () => void,
): Promise<void> {
  const take = ({ type, application }: ApplicationChange): void => {
    if (type === 'DELETED') known.delete(application.metadata.name);
    else known.set(application.metadata.name, application);
    onChange();
  };
  let awaySince: number | undefined;
  for (;;) {
    try {
      for await (const each of client.watch(signal)) {
        awaySince = undefined;
        take(each);
      }
    } catch (error) {
      // It refuses connections, or a stream breaks off; a refusal of the request itself does not pass.
      awaySince ??= Date.now();
      if (signal.aborted || error instanceof ArgoError || Date.now() - awaySince > AWAY) throw error;
    }
    // The server ends a stream now and then; the next one begins with all Applications again.
    await sleep(50, undefined, { signal });
  }
}

function tooLate(what: string, patience: number, applications: ApplicationsByName): CommandError {
  const open = [...applications.values()].filter((application) => !isSettled(application));
  const states = open.map((application) => {
    const [problem] = problemsOf(application);
    return `${application.metadata.name} (${describeState(application)}${problem === undefined ? '' : `, ${problem}`})`;
  });
  return new CommandError(
    `${what} took longer than ${patience / 1000} s${states.length === 0 ? '' : `: ${states.join(', ')}`}`,
    '`make status` shows the present state',
  );
}

/** The Application. Throws CommandError with the names that exist. */
export async function findApplication(client: ArgoClient, name: string): Promise<Application> {
  const applications = await client.applications();
  const found = applications.find((application) => application.metadata.name === name);
  if (found !== undefined) return found;
  const names = applications.map((application) => application.metadata.name).sort();
  throw new CommandError(`unknown Application ${name}`, `APP is one of: ${names.join(', ')}`);
}

/**
 * Whether a bad state lasts, and is no moment between two others or left over from the version before: has Argo CD
 * look at the Application again, twice, with a pause.
 * @returns the Application after that; undefined when it is not bad (any more)
 */
export async function confirmBad(
  client: ArgoClient,
  name: string,
  isBad: (application: Application) => boolean,
): Promise<Application | undefined> {
  if (!isBad(await client.refresh(name))) return undefined;
  await sleep(1500);
  const application = await client.refresh(name);
  return isBad(application) ? application : undefined;
}

/** What is wrong with an Application, with the details of its objects; at least one line. */
export async function explain(client: ArgoClient, application: Application): Promise<[string, ...string[]]> {
  const nodes = await client.resourceNodes(application.metadata.name);
  const [first = describeState(application), ...more] = problemsOf(application, nodes);
  return [first, ...more];
}
