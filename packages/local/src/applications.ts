import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '@gitops/report/errors';
import { table } from '@gitops/report/table';
import type { Application, ArgoClient, HistoryEntry, ResourceNode, Source } from './argocd-api.ts';

/** Whether Argo CD syncs the Application by itself; off after a rollback, until it is handed back to Git. */
export function autoSync(application: Application): boolean {
  const automated = application.spec.syncPolicy?.automated;
  return automated !== undefined && automated.enabled !== false;
}

/** The commit of an Application with one source or with several of the same repository, where `revision` is empty. */
const commitOf = (
  at: { readonly revision?: string; readonly revisions?: readonly string[] } | undefined,
): string | undefined =>
  [at?.revision, ...(at?.revisions ?? [])].find((revision) => revision !== undefined && revision !== '');

/** The commit that the Application was last compared with. */
export const comparedRevision = (application: Application): string | undefined => commitOf(application.status?.sync);

/** The commit that was last deployed, by a sync or by a rollback. */
export const deployedRevision = (application: Application): string | undefined =>
  commitOf(application.status?.operationState?.syncResult);

/** The commit of a history entry. */
export const entryRevision = (entry: HistoryEntry): string => commitOf(entry) ?? '';

/** Whether an operation runs or is about to. */
export const isOperating = (application: Application): boolean =>
  application.operation !== undefined ||
  ['Running', 'Terminating'].includes(application.status?.operationState?.phase ?? '');

const sourcesOf = (
  at: { readonly source?: Source; readonly sources?: readonly Source[] } | undefined,
): readonly Source[] => at?.sources ?? (at?.source === undefined ? [] : [at.source]);

/** Whether all sources of the Application come from this repository. */
export const readsFrom = (application: Application, repoURL: string): boolean =>
  sourcesOf(application.spec).every((source) => source.repoURL === repoURL);

/** Synced with what its spec asks for now, healthy and at rest. */
export const isSettled = (application: Application): boolean =>
  application.status?.sync?.status === 'Synced' &&
  // Right after a change of the spec the status still tells of the old one.
  JSON.stringify(sourcesOf(application.status.sync.comparedTo)) === JSON.stringify(sourcesOf(application.spec)) &&
  application.status.health?.status === 'Healthy' &&
  !isOperating(application);

/**
 * Whether a push of these files concerns the Application, by the very annotation that tells Argo CD the same: folders
 * and files from the repository's root, separated by semicolons. Without the annotation every push does.
 */
export function isConcerned(application: Application, files: readonly string[]): boolean {
  const paths = application.metadata.annotations?.['argocd.argoproj.io/manifest-generate-paths'];
  if (paths === undefined) return true;
  const prefixes = paths.split(';').map((path) => path.trim().replace(/^\//, ''));
  return files.some((file) => prefixes.some((prefix) => file === prefix || file.startsWith(`${prefix}/`)));
}

const ERROR_CONDITIONS = ['ComparisonError', 'InvalidSpecError', 'SyncError', 'UnknownError'];

/** Whether the last sync failed, or fails again and again. */
export function syncFails(application: Application): boolean {
  const operation = application.status?.operationState;
  return (
    ['Failed', 'Error'].includes(operation?.phase ?? '') ||
    (operation?.phase === 'Running' && (operation.retryCount ?? 0) > 0)
  );
}

/** Whether it cannot be compared with Git: it does not render, or its spec breaks a rule. */
export const isUnreadable = (application: Application): boolean =>
  application.status?.conditions?.some(({ type }) =>
    ['ComparisonError', 'InvalidSpecError', 'UnknownError'].includes(type),
  ) === true;

export const isDegraded = (application: Application): boolean => application.status?.health?.status === 'Degraded';

/**
 * Whether a bad state is the present one and no moment between two others: has Argo CD look at the Application again,
 * twice, with a pause. Its status alone may still tell of the version before.
 * @returns the Application as it stands after that, undefined where it is not bad (any more)
 */
export async function confirmBad(
  client: ArgoClient,
  name: string,
  isBad: (application: Application) => boolean,
): Promise<Application | undefined> {
  const first = await client.refresh(name);
  if (!isBad(first)) return undefined;
  await sleep(1500);
  const second = await client.refresh(name);
  return isBad(second) ? second : undefined;
}

/** What is wrong with an Application, in Argo CD's own words, most telling first. Empty where nothing is. */
export function explain(application: Application, nodes: readonly ResourceNode[] = []): string[] {
  const { status } = application;
  const reasons = (status?.conditions ?? [])
    .filter(({ type }) => ERROR_CONDITIONS.includes(type))
    .map(({ type, message }) => `${type}: ${oneLine(message)}`);
  if (syncFails(application)) reasons.push(`sync failed: ${oneLine(status?.operationState?.message ?? '')}`);
  if (status?.health?.status !== 'Healthy') {
    for (const { kind, name, health } of nodes) {
      if (health?.message !== undefined && health.message !== '' && health.status !== 'Healthy')
        reasons.push(`${kind}/${name} ${health.status ?? ''}: ${oneLine(health.message)}`);
    }
    const message = status?.health?.message;
    if (message !== undefined && message !== '') reasons.push(oneLine(message));
  }
  if (!autoSync(application))
    reasons.push(
      `auto-sync is off (rolled back): it stays as it is until \`make resume APP=${application.metadata.name}\``,
    );
  return reasons;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** registry.invalid/fastify-service:1.2.3@sha256:0123… as fastify-service:1.2.3@0123456. */
export function shortImage(image: string): string {
  const [reference = '', digest] = image.split('@');
  return (
    (reference.split('/').at(-1) ?? reference) +
    (digest === undefined ? '' : `@${digest.replace('sha256:', '').slice(0, 7)}`)
  );
}

/** The table that `make up` and `make status` print. */
export function applicationsTable(applications: readonly Application[]): string {
  const rows = applications.map((application) => [
    application.metadata.name,
    application.status?.sync?.status ?? 'Unknown',
    application.status?.health?.status ?? 'Unknown',
    autoSync(application) ? 'on' : 'off',
    (deployedRevision(application) ?? '').slice(0, 7) || '-',
    (application.status?.summary?.images ?? []).map(shortImage).join(', ') || '-',
  ]);
  return table(['APPLICATION', 'SYNC', 'HEALTH', 'AUTO-SYNC', 'REVISION', 'IMAGE'], rows);
}

/** The Application, or a CommandError that lists those that exist. */
export async function findApplication(client: ArgoClient, name: string): Promise<Application> {
  const applications = await client.applications();
  const found = applications.find((application) => application.metadata.name === name);
  if (found !== undefined) return found;
  const names = applications.map((application) => application.metadata.name).sort();
  throw new CommandError(`there is no Application ${name}`, `APP is one of: ${names.join(', ')}`);
}

/**
 * Follows all Applications until `done` is content, without polling.
 * @param done looks at the Applications by name after each change, and about every second without one; it may throw to
 *   give up
 * @param patience in milliseconds
 * Throws CommandError when the time is up.
 */
export async function awaitApplications<T>(
  client: ArgoClient,
  patience: number,
  waitingFor: string,
  done: (applications: ReadonlyMap<string, Application>) => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const controller = new AbortController();
  const known = new Map<string, Application>();
  const end = Date.now() + patience;
  let changed = Promise.withResolvers<null>();
  const follow = async (): Promise<void> => {
    for (;;) {
      for await (const { type, application } of client.watch(controller.signal)) {
        if (type === 'DELETED') known.delete(application.metadata.name);
        else known.set(application.metadata.name, application);
        changed.resolve(null);
      }
      // The server ends a stream now and then; the next one begins with all Applications again.
      await sleep(50, undefined, { signal: controller.signal });
    }
  };
  const following = follow();
  // Its failure reaches the loop below through the race.
  following.catch(() => undefined);
  try {
    for (;;) {
      const result = await done(known);
      if (result !== undefined) return result;
      if (Date.now() > end) {
        const open = [...known.values()]
          .filter((application) => !isSettled(application))
          .map((application) => `${application.metadata.name} (${describeState(application)})`);
        throw new CommandError(
          `${waitingFor} took longer than ${patience / 1000} s${open.length === 0 ? '' : `: ${open.join(', ')}`}`,
          '`make status` says how it stands now',
        );
      }
      await Promise.race([changed.promise, following, sleep(1000, undefined, { signal: controller.signal })]);
      changed = Promise.withResolvers<null>();
    }
  } finally {
    controller.abort();
  }
}

/** Sync and health in a few words. */
export function describeState(application: Application): string {
  return `${application.status?.sync?.status ?? 'Unknown'}, ${application.status?.health?.status ?? 'Unknown'}`;
}
