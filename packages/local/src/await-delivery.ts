import type { Publication } from '@gitops/delivery/commit';
import { gitIn, isAncestor } from '@gitops/delivery/git';
import { CommandError } from '@gitops/report/errors';
import {
  comparedRevision,
  deployedRevision,
  isAffected,
  isAutoSynced,
  isDegraded,
  isOperating,
  isSettled,
  isShared,
  isSyncFailing,
  isUnreadable,
  ROOT,
  shortCommit,
  syncStatus,
} from './applications.ts';
import type { Application, ArgoClient } from './argocd-api.ts';
import { type ApplicationsByName, awaitApplications, confirmBad, explain, PATIENCE } from './await-applications.ts';
import { type ActiveFreeze, frozenApplications } from './freezes.ts';
import type { Instance } from './instance.ts';
import { servedRepository } from './repository.ts';

// Longer than a webhook, a refresh and a render take together.
const OVERLOOKED_AFTER = 4000;

// Once root is synced, the ApplicationSet controller writes the Applications that changed; a busy machine takes seconds.
const REGENERATED_WITHIN = 15_000;

/** How a publication ended. */
export interface Delivery {
  /** The Applications that run it. */
  readonly reached: readonly Application[];
  /** Affected, but rolled back: auto-sync is off, so they stay as they are. */
  readonly heldBack: readonly string[];
  /** Affected, but in a freeze: Argo CD deploys them when it ends. */
  readonly frozen: readonly Frozen[];
}

/** An Application that waits for the end of a freeze. */
export interface Frozen {
  readonly name: string;
  readonly freeze: ActiveFreeze;
}

/**
 * Waits until every Application that the commit affects is Synced and Healthy at it (or at a later one), and all others
 * are at rest. Throws CommandError with Argo CD's reason when an affected one does not render, cannot be applied or
 * does not become healthy.
 * @param onSynced called once, when the first of them has been applied
 */
export async function awaitDelivery(
  instance: Instance,
  client: ArgoClient,
  publication: Publication,
  patience = PATIENCE,
  onSynced: () => void = () => undefined,
): Promise<Delivery> {
  const before = await client.applications();
  const affected = before.filter((application) => isAffected(application, publication.files));
  const names = affected.map(({ metadata }) => metadata.name);
  const commit = shortCommit(publication.commit);
  const git = gitIn(servedRepository(instance));
  const contains = memoize(async (revision) => isAncestor(git, publication.commit, revision));
  /** Whether Argo CD has compared the Application with the commit or a later one. */
  const isCompared = async (application: Application): Promise<boolean> => contains(comparedRevision(application));
  let lastRequest = Date.now();
  const specsBefore = new Map(before.map(({ metadata, spec }) => [metadata.name, JSON.stringify(spec)]));
  let rootPassedOnAt: number | undefined;
  let isAnySynced = false;

  return awaitApplications(client, patience, `the delivery of ${commit}`, async (applications) => {
    const reached: Application[] = [];
    const heldBack: string[] = [];
    const frozen: Frozen[] = [];
    const waiting = await frozenApplications(client, [...applications.values()]);
    const root = applications.get(ROOT);
    const isRootBusy = names.includes(ROOT) && (root === undefined || (await isPassingOn(root)));
    if (names.includes(ROOT) && !isRootBusy) rootPassedOnAt ??= Date.now();
    for (const name of names) {
      const application = applications.get(name);
      if (application === undefined) continue;
      // What the commit removes may complain to its end.
      if (application.metadata.deletionTimestamp !== undefined) continue;
      const isCurrent = await isCompared(application);
      if (!isAnySynced && !isOperating(application) && (await contains(deployedRevision(application)))) {
        isAnySynced = true;
        onSynced();
      }
      const freeze = isCurrent ? waiting.get(name) : undefined;
      if (isCurrent && !isAutoSynced(application)) heldBack.push(name);
      else if (freeze !== undefined) frozen.push({ name, freeze });
      else if (isCurrent && isSettled(application)) reached.push(application);
      // A commit may change a chart together with what argocd/ passes to it: until root has passed that on, the others
      // may fail.
      else if (name === ROOT || !(isRootBusy || isAwaitingApplicationSet(application)))
        await giveUpWhenBad(application, isCurrent);
    }
    const ended = reached.length + heldBack.length + frozen.length;
    if (ended < names.length && !(await areOthersRemoved(ended))) {
      await refreshOverlooked(applications);
      return undefined;
    }
    const others = restlessOthers(applications, waiting);
    if (others.length === 0) {
      const created = [...applications.values()].filter(({ metadata }) => !specsBefore.has(metadata.name));
      return { reached: [...reached, ...created], heldBack, frozen };
    }
    if (root !== undefined && !isRootBusy) for (const other of others) await giveUpOnOther(other);
    // A freeze that is gone: Argo CD itself would look again at its next poll.
    await refresh(others.filter((other) => syncStatus(other) === 'OutOfSync' && !isOperating(other)));
    return undefined;
  });

  /** Whether root is still to be synced with the commit. */
  async function isPassingOn(root: Application): Promise<boolean> {
    return isAutoSynced(root) && !(isSettled(root) && (await isCompared(root)));
  }

  /** Whether the ApplicationSet controller may still change this Application after the sync of root. */
  function isAwaitingApplicationSet({ metadata, spec }: Application): boolean {
    return (
      rootPassedOnAt !== undefined &&
      Date.now() - rootPassedOnAt < REGENERATED_WITHIN &&
      JSON.stringify(spec) === specsBefore.get(metadata.name)
    );
  }

  /** Whether all affected Applications that have not ended well are gone: the commit removes them. */
  async function areOthersRemoved(ended: number): Promise<boolean> {
    if (rootPassedOnAt === undefined) return false;
    const present = (await client.applications()).map(({ metadata }) => metadata.name);
    return names.filter((name) => present.includes(name)).length === ended;
  }

  /** A push to argocd/ may create or change other Applications; those that are not at rest are waited for as well. */
  function restlessOthers(applications: ApplicationsByName, waiting: ReadonlyMap<string, ActiveFreeze>): Application[] {
    if (!names.includes(ROOT)) return [];
    return [...applications.values()].filter(
      (application) =>
        !names.includes(application.metadata.name) &&
        !waiting.has(application.metadata.name) &&
        isAutoSynced(application) &&
        !isSettled(application),
    );
  }

  /**
   * Has Argo CD look again at what is still at an earlier commit. When a second webhook arrives while it handles the
   * first, it drops the second's request for a refresh together with the first's, and would find the commit at its next
   * poll.
   */
  async function refreshOverlooked(applications: ApplicationsByName): Promise<void> {
    const overlooked: Application[] = [];
    for (const name of names) {
      const application = applications.get(name);
      if (application !== undefined && !(await isCompared(application))) overlooked.push(application);
    }
    await refresh(overlooked);
  }

  /** Has Argo CD look at these again, unless it was asked for anything a moment ago. */
  async function refresh(applications: readonly Application[]): Promise<void> {
    if (applications.length === 0 || Date.now() - lastRequest < OVERLOOKED_AFTER) return;
    lastRequest = Date.now();
    for (const { metadata } of applications) await client.refresh(metadata.name);
  }

  /**
   * Throws when an Application that the commit creates or changes by way of its ApplicationSet fails as no time will mend:
   * it cannot be compared, or the objects that it would deploy belong to another one.
   */
  async function giveUpOnOther(application: Application): Promise<void> {
    const { name } = application.metadata;
    const before = specsBefore.get(name);
    if (before === JSON.stringify(application.spec)) return;
    const isBad = (now: Application): boolean => isUnreadable(now) || (isShared(now) && isSyncFailing(now));
    const bad = isBad(application) ? await confirmBad(client, name, isBad) : undefined;
    if (bad === undefined) return;
    throw new CommandError(
      `${name}, which ${commit} ${before === undefined ? 'creates' : 'changes'}, does not work: ` +
        (await explain(client, bad)).join('\n       '),
      'what ran before keeps running; push a fix',
    );
  }

  /** Throws when the commit itself is what fails. */
  async function giveUpWhenBad(application: Application, isCurrent: boolean): Promise<void> {
    const { name } = application.metadata;
    // A failing sync of an earlier commit is not this one's failure: the next attempt takes this one.
    const isOperatedOn = isCurrent && (await contains(deployedRevision(application)));
    const isBad = (now: Application): boolean =>
      isUnreadable(now) || (isOperatedOn && (isSyncFailing(now) || isDegraded(now)));
    const bad = isBad(application) ? await confirmBad(client, name, isBad) : undefined;
    if (bad === undefined) return;
    const deployed = isUnreadable(bad) ? comparedRevision(bad) : deployedRevision(bad);
    const isLater = deployed !== undefined && deployed !== publication.commit && (await contains(deployed));
    const what = isLater ? `${shortCommit(deployed)}, which came after ${commit}` : commit;
    throw new CommandError(
      `${name} did not take ${what}: ${(await explain(client, bad)).join('\n       ')}`,
      `the previous version keeps running; push a fix, or \`make rollback APP=${name}\``,
    );
  }
}

/** Answers each revision once; no revision is no. */
function memoize(ask: (revision: string) => Promise<boolean>): (revision: string | undefined) => Promise<boolean> {
  const answers = new Map<string, boolean>();
  return async (revision = '') => {
    if (revision === '') return false;
    const answer = answers.get(revision) ?? (await ask(revision));
    answers.set(revision, answer);
    return answer;
  };
}
