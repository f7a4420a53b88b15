import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { integer } from '@gitops/report/options';
import { table } from '@gitops/report/table';
import { type Sync, syncsOf } from '../argocd.ts';
import { openClone, openRemote, remoteOption } from '../clone.ts';
import { type Git, gitIn, isAncestor } from '../git.ts';
import { type DeploymentEvent, eventsOf } from '../history.ts';
import { readImageChanges } from '../image-changes.ts';
import { type Image, imageFile, readImage } from '../image-file.ts';
import { visible } from '../markdown.ts';
import { createStore, fetchMain } from '../remote.ts';
import { appOption, clusterOption, DEFAULT_APPLICATION } from './options.ts';

const SHOWN = 20;

export default command({
  summary: 'show who deployed, promoted and rolled back what and when, from Git and Argo CD',
  options: {
    cluster: clusterOption,
    app: appOption,
    limit: integer(`how many entries to show, ${SHOWN} by default`, { least: 1 }),
    remote: remoteOption,
  },
  run: async ({ options: { cluster, app, limit = SHOWN, remote: given }, json, print }) => {
    const remote = await openRemote(given, await openClone());
    await createStore(remote.store);
    const git = gitIn(remote.store);
    const main = (await fetchMain(git, remote))?.commit;
    if (main === undefined) throw new CommandError(`${remote.url} has no branch main`, remote.advice);
    const changes = await readImageChanges(git, remote.store, main, { cluster, app });
    const events = eventsOf(changes).slice(-limit).reverse();
    const syncs = (await readSyncs(git, cluster, app ?? DEFAULT_APPLICATION)).slice(-limit).reverse();
    if (json) {
      print(JSON.stringify({ git: events, argocd: syncs }, null, 2));
      return;
    }
    print(events.length === 0 ? 'Git has no image file of this name' : eventsTable(events));
    if (syncs.length > 0)
      print(`\nArgo CD at ${process.env.ARGOCD_SERVER ?? ''}, ${app ?? DEFAULT_APPLICATION}:\n${syncsTable(syncs)}`);
  },
});

/** A deployment by Argo CD, with what Git knows about it. */
interface KnownSync extends Sync {
  /** deployed, or rolled back where it went to an earlier commit */
  readonly what: string;
  /** The image of the cluster at that commit, where the cluster is known. */
  readonly image: Image | undefined;
}

/** What Argo CD did, oldest first; nothing where none answers, which standard error says. */
async function readSyncs(git: Git, cluster: string | undefined, app: string): Promise<KnownSync[]> {
  try {
    const syncs = (await syncsOf(app)) ?? [];
    const known: KnownSync[] = [];
    for (const sync of syncs) {
      const before = known.at(-1)?.revision;
      const isBack = before !== undefined && before !== sync.revision && (await isAncestor(git, sync.revision, before));
      const image = cluster === undefined ? undefined : await imageAt(git, sync.revision, imageFile(cluster, app));
      known.push({ ...sync, what: isBack ? 'rolled back' : 'deployed', image });
    }
    return known;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`without Argo CD: ${error.message}\n`);
    return [];
  }
}

async function imageAt(git: Git, revision: string, file: string): Promise<Image | undefined> {
  try {
    return readImage(await git(['cat-file', 'blob', `${revision}:${file}`]), file);
  } catch {
    // A commit of another repository, or a file that was another one then.
    return undefined;
  }
}

const time = (date: string): string => new Date(date).toISOString().slice(0, 16).replace('T', ' ');
const shown = (image: Image | undefined): string =>
  image === undefined ? '-' : `${image.tag}@${image.digest.slice('sha256:'.length, 'sha256:'.length + 7)}`;

function eventsTable(events: readonly DeploymentEvent[]): string {
  const rows = events.map(({ date, cluster, app, what, who, image, commit, emergency }) => [
    ...[time(date), cluster, app, emergency === undefined ? what : `${what}: ${emergency}`],
    ...[shown(image), who, commit.slice(0, 7)],
  ]);
  return table(
    ['WHEN (UTC)', 'CLUSTER', 'APPLICATION', 'WHAT', 'IMAGE', 'WHO', 'COMMIT'],
    rows.map((row) => row.map(visible)),
  );
}

function syncsTable(syncs: readonly KnownSync[]): string {
  const rows = syncs.map(({ id, date, what, image, who, revision }) => [
    ...[time(date), String(id), what, shown(image), who, revision.slice(0, 7)],
  ]);
  return table(
    ['WHEN (UTC)', 'ID', 'WHAT', 'IMAGE', 'WHO', 'COMMIT'],
    rows.map((row) => row.map(visible)),
  );
}
