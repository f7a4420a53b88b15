import { CommandError } from '@gitops/report/errors';
import {
  comparedRevision,
  deployedRevision,
  describeState,
  entryRevision,
  hasFailed,
  isAutoSynced,
  isDegraded,
  isOperating,
  isSettled,
  isSyncFailing,
  isUnreadable,
  runningRevision,
  shortCommit,
  syncStatus,
} from './applications.ts';
import { type Application, type ArgoClient, ArgoError, type HistoryEntry, UnreachableError } from './argocd-api.ts';
import { awaitApplications, confirmBad, explain, findApplication, PATIENCE } from './await-applications.ts';
import { frozenApplications } from './freezes.ts';

/** History as people read it: newest first, each entry with its commit. */
function describeHistory(history: readonly HistoryEntry[]): string {
  const newestFirst = [...history].sort((a, b) => b.id - a.id);
  return newestFirst
    .map((entry) => `${entry.id} (${shortCommit(entryRevision(entry))}, ${entry.deployedAt})`)
    .join(', ');
}

/**
 * The history entry to roll back to.
 * @param id as `argocd app history` shows it; without one, the version that was deployed before the present one, so
 *   that a second rollback goes back one further instead of forth again
 * Throws CommandError when there is no history or no such entry.
 */
export function rollbackTarget(application: Application, id: number | undefined): HistoryEntry {
  const { name } = application.metadata;
  const history = [...(application.status?.history ?? [])].sort((a, b) => a.id - b.id);
  const deployFirst = 'deploy something first (`make deploy` or `make ship TAG=…`)';
  if (history.length === 0) throw new CommandError(`${name} has no history: nothing was deployed yet`, deployFirst);
  if (id !== undefined) {
    const entry = history.find((candidate) => candidate.id === id);
    if (entry !== undefined) return entry;
    throw new CommandError(`${name} has no history entry ${id}`, `ID is one of: ${describeHistory(history)}`);
  }
  // A version that is not in the history (its sync failed) is later than all that are. Where a rollback failed, its target
  // is in the history, and what ran before it still runs.
  const operated = deployedRevision(application);
  const isKnown = history.some((entry) => entryRevision(entry) === operated);
  const current = isKnown ? runningRevision(application) : operated;
  const first = history.findIndex((entry) => entryRevision(entry) === current);
  const earlier = first === -1 ? history : isOlderThanAll(application, first) ? [] : history.slice(0, first);
  const entry = earlier.at(-1);
  if (entry !== undefined) return entry;
  throw new CommandError(
    `${name} has no earlier version to roll back to; its history is ${describeHistory(history)}`,
    `name one by ID, or ${deployFirst}`,
  );
}

/**
 * Whether somebody rolled back to a version whose own entry was dropped since: then all other entries are later.
 * @param first the index of the first entry of the version that runs
 */
function isOlderThanAll(application: Application, first: number): boolean {
  const history = application.status?.history ?? [];
  return (
    !isAutoSynced(application) &&
    syncStatus(application) === 'OutOfSync' &&
    first === history.length - 1 &&
    history.at(-1)?.initiatedBy?.username !== undefined
  );
}

/** Switches auto-sync by the action that toggles it, and verifies the result. */
async function setAutoSync(client: ArgoClient, name: string, on: boolean): Promise<void> {
  if (isAutoSynced(await client.application(name)) !== on) await client.toggleAutoSync(name);
  if (isAutoSynced(await client.application(name)) !== on) {
    throw new CommandError(
      `auto-sync of ${name} is not ${on ? 'on' : 'off'}: it was switched by another client at the same time`,
      'check `make status` and run the command again',
    );
  }
}

/**
 * Ends a running or endlessly retried sync: Argo CD starts no rollback beside it. Asks more than once, since its controller
 * overwrites the request when the attempt that runs meanwhile fails and another one is due.
 */
async function endOperation(client: ArgoClient, name: string): Promise<void> {
  if (!isOperating(await client.application(name))) return;
  await terminate(client, name);
  let askedAt = Date.now();
  await awaitApplications(client, PATIENCE, `the end of the running sync of ${name}`, async (applications) => {
    const now = applications.get(name);
    if (now === undefined || !isOperating(now)) return now;
    if (now.status?.operationState?.phase === 'Running' && Date.now() - askedAt > 2000) {
      await terminate(client, name);
      askedAt = Date.now();
    }
    return undefined;
  });
}

async function terminate(client: ArgoClient, name: string): Promise<void> {
  try {
    await client.terminateOperation(name);
  } catch (error) {
    // It ended by itself in between.
    if (!(error instanceof ArgoError)) throw error;
  }
}

/**
 * What on-call does in the UI in two steps: turn auto-sync off, then roll back. Waits until the old version is healthy.
 * @param client acts as on-call: get, sync and the action toggle-auto-sync are enough
 * Throws CommandError; when the rollback itself is refused, auto-sync is left as it was.
 */
export async function rollback(
  client: ArgoClient,
  name: string,
  id: number | undefined,
): Promise<{ application: Application; target: HistoryEntry }> {
  const before = await findApplication(client, name);
  const target = rollbackTarget(before, id);
  const wasAutoSynced = isAutoSynced(before);
  if (wasAutoSynced) await setAutoSync(client, name, false);
  let startedBefore: string | undefined;
  try {
    await endOperation(client, name);
    startedBefore = (await client.application(name)).status?.operationState?.startedAt;
    await client.rollback(name, target.id);
  } catch (error) {
    // It may have happened; with auto-sync on, main would be deployed over it.
    if (error instanceof UnreachableError)
      throw new CommandError(
        `${error.message}. Auto-sync of ${name} is off; whether the rollback to ${target.id} began is unknown`,
        `run \`make up\`, then \`make rollback APP=${name} ID=${target.id}\` again, which does no harm where it did`,
      );
    if (wasAutoSynced) await setAutoSync(client, name, true);
    if (!(error instanceof ArgoError)) throw error;
    throw new CommandError(
      `Argo CD refuses the rollback of ${name} to ${target.id}: ${error.message}`,
      'nothing was changed; check `make status`',
    );
  }
  return { application: await awaitRollback(client, name, target, startedBefore), target };
}

/** @param startedBefore when the operation before it began */
async function awaitRollback(
  client: ArgoClient,
  name: string,
  target: HistoryEntry,
  startedBefore: string | undefined,
): Promise<Application> {
  let refreshedAt = 0;
  return awaitApplications(client, PATIENCE, `the rollback of ${name} to ${target.id}`, async (applications) => {
    let now = applications.get(name);
    if (now === undefined || isOperating(now) || now.status?.operationState === undefined) return undefined;
    // Argo CD's server answers from a cache: what it knows at first may be the operation before.
    if (now.status.operationState.startedAt === startedBefore && deployedRevision(now) !== entryRevision(target))
      return undefined;
    const { phase, message } = now.status.operationState;
    if (phase !== 'Succeeded') {
      throw new CommandError(
        `the rollback of ${name} to ${target.id} ended as ${phase}: ${message ?? ''}`,
        'auto-sync stays off; where Git cannot be reached, docs/runbooks/rollback-without-git.md shows the way by kubectl',
      );
    }
    // The health that Argo CD shows right after a sync may be that of the version before; this has it look again. While Git
    // is down it does not look by itself.
    if (refreshedAt === 0 || (isUnreadable(now) && Date.now() - refreshedAt > 2000)) {
      now = await client.refresh(name);
      refreshedAt = Date.now();
    }
    if (now.status?.health?.status === 'Healthy') return now;
    const bad = isDegraded(now) ? await confirmBad(client, name, isDegraded) : undefined;
    if (bad === undefined) return undefined;
    const [reason] = await explain(client, bad);
    const version = `history ${target.id} (${shortCommit(entryRevision(target))})`;
    throw new CommandError(
      `${name} runs ${version}, which is not healthy either: ${reason}`,
      `run it again to go back one further, or name an ID: ${describeHistory(bad.status?.history ?? [])}`,
    );
  });
}

/**
 * Hands an Application back to Git: auto-sync on, and main is deployed. Waits until it is Synced and Healthy, but not for
 * the end of a freeze.
 */
export async function resume(client: ArgoClient, name: string): Promise<Application> {
  await findApplication(client, name);
  await setAutoSync(client, name, true);
  // A refresh compares with main as it is now, not as it was at the last webhook.
  const before = await client.refresh(name);
  if (hasFailed(before) && syncStatus(before) !== 'Synced') await syncAfterFailure(client, name);
  // A failure that is over may be of the time before, perhaps of a rollback; one that is tried again is of main.
  const isRefused = (application: Application): boolean =>
    isSyncFailing(application) &&
    (isOperating(application) ||
      application.status?.operationState?.startedAt !== before.status?.operationState?.startedAt);
  const isBad = (application: Application): boolean =>
    isDegraded(application) || isUnreadable(application) || isRefused(application);
  return awaitApplications(client, PATIENCE, `handing ${name} back to Git`, async (applications) => {
    const now = applications.get(name);
    if (now === undefined || (isOperating(now) && !isRefused(now))) return undefined;
    if (isSettled(now) || (await frozenApplications(client, [now])).has(name)) return now;
    const bad = isBad(now) ? await confirmBad(client, name, isBad) : undefined;
    if (bad === undefined) return undefined;
    const [reason] = await explain(client, bad);
    throw new CommandError(
      `${name} is handed back, but main at ${shortCommit(comparedRevision(bad))} is ${describeState(bad)}: ${reason}`,
      `push a fix, or \`make rollback APP=${name}\` again`,
    );
  });
}

/** After a sync or a rollback that failed, auto-sync waits for the next commit: this starts the sync itself. */
async function syncAfterFailure(client: ArgoClient, name: string): Promise<void> {
  try {
    await client.sync(name);
  } catch (error) {
    // It began by itself in between, or a freeze holds it back.
    if (!(error instanceof ArgoError)) throw error;
  }
}
