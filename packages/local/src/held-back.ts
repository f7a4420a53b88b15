import { gitIn } from '@gitops/delivery/git';
import { type Commit, commitsOf } from '@gitops/delivery/log';
import { type Change, changesBetween } from '@gitops/manifests/changes';
import type { KubernetesObject } from '@gitops/manifests/object';
import { brief } from '@gitops/manifests/values-in-words';
import { table } from '@gitops/report/table';
import { RunError } from '@gitops/tools/run';
import { isAutoSynced, pathsOf, runningRevision, shortCommit, shortImage } from './applications.ts';
import { type Application, type ArgoClient, ArgoError } from './argocd-api.ts';
import type { Instance } from './instance.ts';
import { age } from './pods.ts';
import { publishedCommit, publishedImage, servedRepository } from './repository.ts';

/** What main has for an Application that does not run it yet. */
export interface Waiting {
  /** The commit that runs, and since when (ISO 8601). */
  readonly runs: string;
  readonly since: string | undefined;
  /** Who deployed it; undefined where Argo CD did so by itself. */
  readonly by: string | undefined;
  /** The newest commit of main. */
  readonly main: string;
  /** The image that main has for it, as people read it; undefined where it has none, or this one runs. */
  readonly image: string | undefined;
  /** The commits in between that touch the Application, newest first; undefined where Git does not have what runs. */
  readonly commits: readonly Commit[] | undefined;
}

/** Reads it from Argo CD's history and the local Git repository; undefined before the first deployment. */
export async function waitingFor(instance: Instance, application: Application): Promise<Waiting | undefined> {
  const runs = runningRevision(application);
  const main = await publishedCommit(instance);
  if (runs === undefined || main === undefined) return undefined;
  const newest = application.status?.history?.at(-1);
  const wanted = await publishedImage(instance, application.metadata.name);
  const image =
    wanted === undefined ? undefined : shortImage(`${application.metadata.name}:${wanted.tag}@${wanted.digest}`);
  const images = (application.status?.summary?.images ?? []).map(shortImage);
  return {
    ...{ runs, main },
    since: newest?.deployedAt,
    by: newest?.initiatedBy?.username,
    image: image === undefined || images.includes(image) ? undefined : image,
    commits: await commitsBetween(instance, application, runs, main),
  };
}

async function commitsBetween(
  instance: Instance,
  application: Application,
  runs: string,
  main: string,
): Promise<Commit[] | undefined> {
  try {
    const commits = await commitsOf(gitIn(servedRepository(instance)), `${runs}..${main}`, pathsOf(application));
    return commits.toReversed();
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

/** What a rolled-back Application holds back, in one line; undefined while auto-sync is on. */
export async function heldBack(
  instance: Instance,
  application: Application,
  now = Date.now(),
): Promise<string | undefined> {
  if (isAutoSynced(application)) return undefined;
  const waiting = await waitingFor(instance, application);
  if (waiting === undefined) return undefined;
  const { runs, since, by, image, commits } = waiting;
  const ago = since === undefined ? '' : `, deployed ${age(since, now)} ago by ${by ?? 'Argo CD'}`;
  const waits = commits === undefined ? 'an unknown number of commits waits' : commitsWait(commits, now);
  return `it runs ${shortCommit(runs)}${ago}; on main ${waits}${image === undefined ? '' : `, with ${image}`}`;
}

function commitsWait(commits: readonly Commit[], now: number): string {
  const oldest = commits.at(-1);
  if (oldest === undefined) return 'nothing newer waits';
  if (commits.length === 1) return `1 commit waits, ${age(oldest.date, now)} old`;
  return `${commits.length} commits wait, the oldest ${age(oldest.date, now)} old`;
}

/** What handing an Application back to Git would deploy. */
export interface Preview extends Waiting {
  /** What changes in the cluster, with Git at both commits; undefined where main does not render. */
  readonly changes: readonly Change[] | undefined;
  /** Why main does not render, in Argo CD's words. */
  readonly problem: string | undefined;
}

/**
 * Compares what Argo CD renders at the running commit and at main, with the Application's present settings.
 * @param client needs the right to read the Application
 */
export async function previewOf(
  instance: Instance,
  client: ArgoClient,
  application: Application,
): Promise<Preview | undefined> {
  const waiting = await waitingFor(instance, application);
  if (waiting === undefined) return undefined;
  const objectsAt = async (revision: string): Promise<KubernetesObject[]> =>
    (await client.manifests(application.metadata.name, revision)).map((text) => JSON.parse(text) as KubernetesObject);
  try {
    const [before, after] = await Promise.all([objectsAt(waiting.runs), objectsAt(waiting.main)]);
    return { ...waiting, changes: changesBetween(before, after), problem: undefined };
  } catch (error) {
    if (!(error instanceof ArgoError)) throw error;
    return { ...waiting, changes: undefined, problem: error.message };
  }
}

/** An image without its registry, so that two of them differ where people look. */
const cell = (path: string, value: unknown): string =>
  typeof value === 'string' && path.endsWith('.image') ? shortImage(value) : brief(value);

/** The preview as a person reads it. */
export function describePreview(
  name: string,
  { runs, main, commits, changes, problem }: Preview,
  now = Date.now(),
): string {
  const lines = [`${name} runs ${shortCommit(runs)}; main is at ${shortCommit(main)}.`];
  if (commits === undefined) lines.push(`Git does not have ${shortCommit(runs)}: which commits wait is unknown.`);
  else if (commits.length > 0) {
    const rows = commits.map(({ commit, date, author, message }) => [
      shortCommit(commit),
      age(date, now),
      author,
      message.split('\n')[0] ?? '',
    ]);
    lines.push('', table(['COMMIT', 'AGE', 'AUTHOR', 'SUBJECT'], rows));
  }
  if (problem !== undefined) lines.push('', `main does not render: ${problem}`);
  else if (changes === undefined || changes.length === 0) lines.push('', 'Nothing changes in the cluster.');
  else {
    const rows = changes.map(({ object, path, before, after, consequence }) => [
      ...[object, path || '(whole object)', cell(path, before), cell(path, after), consequence],
    ]);
    lines.push('', table(['OBJECT', 'FIELD', 'NOW', 'THEN', 'WHAT HAPPENS'], rows));
  }
  return lines.join('\n');
}
