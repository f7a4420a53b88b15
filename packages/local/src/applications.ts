import { table } from '@gitops/report/table';
import type { Application, HistoryEntry, ResourceNode, Source } from './argocd-api.ts';

/** The Application that leads to all others. */
export const ROOT = 'root';

export const syncStatus = ({ status }: Application): string => status?.sync?.status ?? 'Unknown';
export const healthStatus = ({ status }: Application): string => status?.health?.status ?? 'Unknown';

/** Sync and health in a few words. */
export const describeState = (application: Application): string =>
  `${syncStatus(application)}, ${healthStatus(application)}`;

/** Whether Argo CD syncs the Application by itself; off after a rollback, until it is handed back to Git. */
export function isAutoSynced({ spec }: Application): boolean {
  const automated = spec.syncPolicy?.automated;
  return automated !== undefined && automated.enabled !== false;
}

interface Revisions {
  readonly revision?: string;
  readonly revisions?: readonly string[];
}

/** The commit; with several sources of one repository it is in the list, and `revision` is empty. */
const commitOf = (at: Revisions | undefined): string | undefined =>
  [at?.revision, ...(at?.revisions ?? [])].find((revision) => revision !== undefined && revision !== '');

/** The commit that the Application was last compared with. */
export const comparedRevision = ({ status }: Application): string | undefined => commitOf(status?.sync);

/** The commit of the last sync or rollback, whatever became of it. */
export const deployedRevision = ({ status }: Application): string | undefined =>
  commitOf(status?.operationState?.syncResult);

/** The commit of a history entry. */
export const entryRevision = (entry: HistoryEntry): string => commitOf(entry) ?? '';

/** The commit that runs: that of the last sync or rollback, or of the one before where it failed or has just begun. */
export function runningRevision(application: Application): string | undefined {
  const newest = application.status?.history?.at(-1);
  const before = newest === undefined ? undefined : entryRevision(newest);
  const operated = deployedRevision(application);
  return hasFailed(application) ? (before ?? operated) : (operated ?? before);
}

/** Whether the last sync or rollback ended without success. */
export const hasFailed = ({ status }: Application): boolean =>
  ['Failed', 'Error'].includes(status?.operationState?.phase ?? '');

/** A commit as people read it. */
export const shortCommit = (commit: string | undefined): string => (commit ?? '').slice(0, 7);

/** Whether an operation runs or is about to. */
export function isOperating({ operation, status }: Application): boolean {
  return operation !== undefined || ['Running', 'Terminating'].includes(status?.operationState?.phase ?? '');
}

interface Sources {
  readonly source?: Source;
  readonly sources?: readonly Source[];
}

const sourcesOf = (at: Sources | undefined): readonly Source[] =>
  at?.sources ?? (at?.source === undefined ? [] : [at.source]);

/** Whether all that the Application takes from Git is in this repository; a chart comes from elsewhere. */
export const readsFrom = ({ spec }: Application, repoURL: string): boolean =>
  sourcesOf(spec).every((source) => source.chart !== undefined || source.repoURL === repoURL);

/** Whether the status belongs to the present spec: right after a change it still describes the old one. */
const isCompared = ({ spec, status }: Application): boolean =>
  JSON.stringify(sourcesOf(status?.sync?.comparedTo)) === JSON.stringify(sourcesOf(spec));

/** Synced with what its present spec asks for, healthy and at rest. */
export const isSettled = (application: Application): boolean =>
  syncStatus(application) === 'Synced' &&
  healthStatus(application) === 'Healthy' &&
  isCompared(application) &&
  !isOperating(application);

/**
 * Whether a push of these files affects the Application, by the annotation that Argo CD reads: folders and files
 * from the repository's root, separated by semicolons. Without the annotation every push does.
 */
export function isAffected(application: Application, files: readonly string[]): boolean {
  const paths = pathsOf(application);
  if (paths.length === 0) return true;
  return files.some((file) => paths.some((path) => file === path || file.startsWith(`${path}/`)));
}

/** The files and folders that this annotation names, from the repository's root; none without it. */
export function pathsOf({ metadata }: Application): string[] {
  const annotation = metadata.annotations?.['argocd.argoproj.io/manifest-generate-paths'];
  return annotation?.split(';').map((path) => path.trim().replace(/^\//, '')) ?? [];
}

/** Whether the last sync failed, or fails again and again. */
export function isSyncFailing(application: Application): boolean {
  const { phase = '', retryCount = 0 } = application.status?.operationState ?? {};
  return hasFailed(application) || (phase === 'Running' && retryCount > 0);
}

// The Application cannot be compared with Git: it does not render, or its spec breaks a rule.
const UNREADABLE = ['ComparisonError', 'InvalidSpecError', 'UnknownError'];

/** Whether it cannot be compared with Git. */
export const isUnreadable = ({ status }: Application): boolean =>
  (status?.conditions ?? []).some(({ type }) => UNREADABLE.includes(type));

/** Whether it shares an object with another Application. */
export const isShared = ({ status }: Application): boolean =>
  (status?.conditions ?? []).some(({ type }) => type === 'SharedResourceWarning');

export const isDegraded = (application: Application): boolean => healthStatus(application) === 'Degraded';

/** What is wrong with an Application, in Argo CD's own words, the most telling first; empty when nothing is. */
export function problemsOf(application: Application, nodes: readonly ResourceNode[] = []): string[] {
  const { metadata, status } = application;
  const problems: string[] = [];
  const conditions = (status?.conditions ?? []).map(({ type, message }) => ({
    type,
    text: `${type}: ${oneLine(message)}`,
  }));
  const isError = ({ type }: { type: string }): boolean => type.endsWith('Error');
  problems.push(...conditions.filter(isError).map(({ text }) => text));
  if (isSyncFailing(application) && isOfPresent(application))
    problems.push(`sync failed: ${oneLine(status?.operationState?.message ?? '')}`);
  if (healthStatus(application) !== 'Healthy') {
    for (const { kind, name, health } of nodes) {
      const message = oneLine(health?.message ?? '');
      if (message !== '' && health?.status !== 'Healthy')
        problems.push(`${kind}/${name} ${health?.status ?? ''}: ${message}`);
    }
    const message = oneLine(status?.health?.message ?? '');
    if (message !== '') problems.push(message);
  }
  problems.push(...conditions.filter((condition) => !isError(condition)).map(({ text }) => text));
  if (!isAutoSynced(application))
    problems.push(`auto-sync is off (rolled back) until \`make resume APP=${metadata.name}\` hands it back to Git`);
  return problems;
}

/**
 * Whether the last operation is about what Argo CD compares with now. A failure stays in the status until the next one, also
 * when a later commit asks for what runs, or waits for somebody to sync it.
 */
function isOfPresent(application: Application): boolean {
  if (isOperating(application)) return true;
  const operated = deployedRevision(application);
  const isOfOtherCommit = operated !== undefined && operated !== comparedRevision(application);
  return syncStatus(application) !== 'Synced' && !isOfOtherCommit;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** registry.internal/fastify-service:1.2.3@sha256:0123… as fastify-service:1.2.3@0123456. */
export function shortImage(image: string): string {
  const [reference = '', digest] = image.split('@');
  const name = reference.split('/').at(-1) ?? reference;
  return digest === undefined ? name : `${name}@${digest.replace('sha256:', '').slice(0, 7)}`;
}

/** The table that `make up` and `make status` print. */
export function applicationsTable(applications: readonly Application[]): string {
  const rows = applications.map((application) => [
    application.metadata.name,
    syncStatus(application),
    healthStatus(application),
    isAutoSynced(application) ? 'on' : 'off',
    shortCommit(runningRevision(application)) || '-',
    (application.status?.summary?.images ?? []).map(shortImage).join(', ') || '-',
  ]);
  return table(['APPLICATION', 'SYNC', 'HEALTH', 'AUTO-SYNC', 'REVISION', 'IMAGE'], rows);
}
