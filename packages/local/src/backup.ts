import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { run, RunError } from '@gitops/tools/run';
import type { Tools } from '@gitops/tools/tools';
import { deployedRevision, entryRevision, healthStatus, isAutoSynced } from './applications.ts';
import type { Application, ArgoClient } from './argocd-api.ts';
import { NAMESPACE } from './argocd-settings.ts';
import { stopDaemon } from './daemon.ts';
import { type Instance, statePath } from './instance.ts';
import { clusterEnvironment } from './kubectl.ts';
import { rollback } from './rollback.ts';

// Argo CD's own state: what Git does not have of it are the history of each Application, which of them on-call switched off,
// and its secrets.

/** Nobody else may write Applications past Git; see argocd/projects/templates/. The first group has all rights here. */
const BREAK_GLASS = ['--as=restore', '--as-group=system:masters', '--as-group=gitops-platform:break-glass'];

async function argocdAdmin(instance: Instance, tools: Tools, args: readonly string[], input?: string): Promise<string> {
  const env = { ...clusterEnvironment(instance, tools), ARGOCD_BINARY_NAME: 'argocd' };
  return run(join(tools.bin, 'argocd'), ['admin', ...args, '--namespace', NAMESPACE], {
    env,
    ...(input === undefined ? {} : { input }),
  });
}

/**
 * Writes all of Argo CD's objects to a file that its owner alone may read, since secrets are among them.
 * @returns the file, and the names of the Applications in it
 * Throws RunError when the API server does not answer.
 */
export async function backUp(
  instance: Instance,
  tools: Tools,
): Promise<{ readonly file: string; readonly applications: readonly string[] }> {
  const content = await argocdAdmin(instance, tools, ['export']);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const file = statePath(instance, 'backups', `argocd-${time}.yaml`);
  writeFileSync(file, content, { mode: 0o600 });
  return { file, applications: applicationsIn(content) };
}

/** The Applications in what `argocd admin export` wrote. */
function applicationsIn(content: string): string[] {
  const names: string[] = [];
  for (const document of parseAllDocuments(content)) {
    const object = document.toJS() as { kind?: string; metadata?: { name: string } } | null;
    if (object?.kind === 'Application' && object.metadata !== undefined) names.push(object.metadata.name);
  }
  return names.sort();
}

/** Reads a backup. Throws CommandError when the file is missing or is none. */
export function readBackup(file: string): string {
  if (!existsSync(file)) throw new CommandError(`${file} does not exist`, 'name a file that `make backup` wrote');
  const content = readFileSync(file, 'utf8');
  let applications: string[];
  try {
    applications = applicationsIn(content);
  } catch {
    applications = [];
  }
  if (applications.length === 0)
    throw new CommandError(`${file} holds no Application`, 'name a file that `make backup` wrote');
  return content;
}

/**
 * Puts a backup into the cluster. Argo CD's controllers are ended before: they would sync what is half there, and create
 * Applications with auto-sync on in place of those that on-call switched off.
 * @param content of readBackup
 */
export async function importBackup(instance: Instance, tools: Tools, content: string): Promise<void> {
  for (const name of ['argocd-application-controller', 'argocd-applicationset-controller'])
    await stopDaemon(instance, name);
  try {
    await argocdAdmin(instance, tools, ['import', '-', ...BREAK_GLASS], content);
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw new CommandError(`the backup cannot be imported: ${error.stderr.trim()}`, 'run `make restore` again');
  }
}

/**
 * Deploys what a new cluster lacks and Argo CD does not deploy by itself: an Application whose auto-sync is off comes back at
 * the version that on-call rolled it back to.
 * @returns the names of those that were deployed
 */
export async function deployHeldBack(client: ArgoClient): Promise<string[]> {
  const deployed: string[] = [];
  for (const { metadata, ...rest } of await client.applications()) {
    if (isAutoSynced({ metadata, ...rest })) continue;
    const application = await client.refresh(metadata.name);
    if (healthStatus(application) !== 'Missing') continue;
    await rollback(client, metadata.name, lastEntry(application));
    deployed.push(metadata.name);
  }
  return deployed;
}

/** The history entry that ran last. */
function lastEntry(application: Application): number | undefined {
  const revision = deployedRevision(application);
  return application.status?.history?.findLast((entry) => entryRevision(entry) === revision)?.id;
}
