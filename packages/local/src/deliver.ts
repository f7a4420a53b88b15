import type { Publication } from '@gitops/delivery/commit';
import { CommandError } from '@gitops/report/errors';
import {
  autoSync,
  awaitApplications,
  comparedRevision,
  confirmBad,
  deployedRevision,
  explain,
  isConcerned,
  isDegraded,
  isSettled,
  isUnreadable,
  syncFails,
} from './applications.ts';
import type { Application, ArgoClient } from './argocd-api.ts';
import type { Instance } from './instance.ts';
import { isAncestor } from './publish.ts';

const ROOT = 'root';

// Longer than a webhook, a refresh and a render take together.
const OVERLOOKED_AFTER = 4000;

/** How a publication ended: which Applications it reached, and which on-call holds back. */
export interface Delivery {
  readonly reached: readonly Application[];
  /** Concerned, but rolled back: auto-sync is off, so they stay as they are. */
  readonly heldBack: readonly string[];
}

/**
 * Waits until every Application that the commit concerns is Synced and Healthy at it (or at a later one), and all
 * others are at rest. Throws CommandError with Argo CD's reason when a concerned one does not render, cannot be applied
 * or does not get healthy.
 */
export async function awaitDelivery(
  instance: Instance,
  client: ArgoClient,
  publication: Publication,
  patience = 180_000,
): Promise<Delivery> {
  const before = new Map((await client.applications()).map((application) => [application.metadata.name, application]));
  const concerned = new Set(
    [...before.values()]
      .filter((application) => isConcerned(application, publication.files))
      .map((application) => application.metadata.name),
  );
  const contained = new Map<string, boolean>();
  let asked = Date.now();

  const contains = async (revision: string | undefined): Promise<boolean> => {
    if (revision === undefined || revision === '') return false;
    if (revision === publication.commit) return true;
    let answer = contained.get(revision);
    if (answer === undefined) {
      answer = await isAncestor(instance, publication.commit, revision);
      contained.set(revision, answer);
    }
    return answer;
  };

  return awaitApplications(
    client,
    patience,
    `the delivery of ${publication.commit.slice(0, 7)}`,
    async (applications) => {
      const reached: Application[] = [];
      const heldBack: string[] = [];
      // A commit may change a chart together with what argocd/ hands to it: until root has passed that on, others may
      // well fail.
      const root = concerned.has(ROOT) ? applications.get(ROOT) : undefined;
      const isChanging =
        root !== undefined && autoSync(root) && !((await contains(comparedRevision(root))) && isSettled(root));
      for (const name of concerned) {
        const application = applications.get(name);
        if (application === undefined) continue;
        const there = await contains(comparedRevision(application));
        if (there && !autoSync(application)) heldBack.push(name);
        else if (there && isSettled(application)) reached.push(application);
        else if (name === ROOT || !isChanging) await giveUpWhereHopeless(application, there);
      }
      if (reached.length + heldBack.length < concerned.size) {
        await askAgain(applications);
        return undefined;
      }
      // A push to argocd/ may have made or changed others; they are waited for as well.
      const others = [...applications.values()].filter(({ metadata }) => !concerned.has(metadata.name));
      return others.every((application) => isSettled(application) || !autoSync(application) || !concerned.has(ROOT))
        ? { reached, heldBack }
        : undefined;
    },
  );

  /**
   * Has Argo CD look again at what still stands at an earlier commit. When a second webhook arrives while it handles
   * the first, it drops the second's request for a refresh together with the first's, and would find the commit at its
   * next poll.
   */
  async function askAgain(applications: ReadonlyMap<string, Application>): Promise<void> {
    if (Date.now() - asked < OVERLOOKED_AFTER) return;
    asked = Date.now();
    for (const name of concerned) {
      const application = applications.get(name);
      if (application !== undefined && !(await contains(comparedRevision(application)))) await client.refresh(name);
    }
  }

  async function giveUpWhereHopeless(application: Application, there: boolean): Promise<void> {
    const { name } = application.metadata;
    // A failing sync of an earlier commit is not this one's failure: the next attempt takes this one.
    const fails = there && (await contains(deployedRevision(application)));
    const isBad = (now: Application): boolean => isUnreadable(now) || (fails && (syncFails(now) || isDegraded(now)));
    if (!isBad(application)) return;
    const bad = await confirmBad(client, name, isBad);
    if (bad === undefined) return;
    const [reason = 'no reason given', ...more] = explain(bad, await client.resourceNodes(name));
    throw new CommandError(
      `${name} did not take ${publication.commit.slice(0, 7)}: ${reason}${more.length === 0 ? '' : `\n       ${more.join('\n       ')}`}`,
      `what ran before keeps running; push a better commit, or \`make rollback APP=${name}\``,
    );
  }
}
