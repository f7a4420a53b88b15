import { type Change, changesBetween, identityOf, syncBetween } from '../kubernetes/changes.ts';
import { deletesApplications, isCascading } from '../kubernetes/changes/application-set.ts';
import { hasOption, pruneOptionOf, type SyncPolicy, syncPolicyOf } from '../kubernetes/changes/sync-policy.ts';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { objectProblems, type Project, projectsIn } from '../proofs/projects.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { renderedOnly } from '../render/rendered.ts';
import { missingChartOf } from '../render/unchecked.ts';
import { type ClusterState, type Facts, makersOf, moved, objectsOf, ofApplication, refusalOf } from './ownership.ts';

// What becomes of the Applications of one cluster, and of what they deploy, when root goes from one state to another:
// whose Application stays although no generator lists it, who takes over what, and what Argo CD refuses.

/** The changes of an Application, by its name. */
type Changes = Map<string, Change[]>;

/** The state of a cluster. */
export interface Reached {
  /** With the Applications that stay without a generator, or as it no longer has them. */
  readonly state: ClusterState;
  /** The names of those. */
  readonly orphans: ReadonlySet<string>;
}

interface Step extends Reached {
  readonly changes: ReadonlyMap<string, readonly Change[]>;
}

/**
 * Goes from one state of a cluster to the next.
 * @param render an Application that stays, from the files of the next state
 */
export async function stepBetween(
  { state: before, orphans: known }: Reached,
  next: ClusterState,
  render: (entry: FleetApplication) => Promise<FleetApplication>,
): Promise<Step> {
  const changes: Changes = new Map();
  const add = (name: string, found: readonly Change[]): void => {
    changes.set(name, [...(changes.get(name) ?? []), ...found]);
  };
  const orphans = new Set<string>();
  const state = new Map([...next].filter(([, entry]) => !isFailedSet(entry)));
  const projects = projectsOf(state);
  const projectsBefore = projectsOf(before);
  for (const [name, entry] of before) {
    const is = state.get(name);
    const refused = is === undefined ? undefined : refusedBySet(is, projects);
    if (refused !== undefined) {
      const stays = await render(entry);
      state.set(name, stays.rendered.ok ? stays : entry);
      orphans.add(name);
      if (!known.has(name) && refusedBySet(entry, projectsBefore) === undefined) add(name, [refused]);
      continue;
    }
    // One that does not render stays as it is.
    if (is !== undefined) {
      if (!is.rendered.ok && missingChartOf(is) === undefined) state.set(name, { ...is, rendered: entry.rendered });
      if (isMadeAnew(entry, is, next)) add(name, [madeAnew(entry, is)]);
      continue;
    }
    const fate = fateOf(entry, next);
    if (fate === 'unknown' || fate.effect === 'kept') {
      const stays = fate === 'unknown' ? entry : await render(entry);
      state.set(name, stays.rendered.ok ? stays : entry);
    }
    if (fate === 'unknown') continue;
    if (fate.effect === 'kept') orphans.add(name);
    if (!known.has(name)) add(name, [fate]);
  }
  for (const [name, is] of state) {
    const refused = before.has(name) ? undefined : refusedBySet(is, projects);
    if (refused === undefined) continue;
    state.delete(name);
    add(name, [refused]);
  }
  const facts: Facts = {
    projects,
    projectsBefore,
    makers: makersOf(state),
    makersBefore: makersOf(before),
    left: new Map(),
  };
  const found = new Map<string, Change[]>();
  for (const name of new Set([...before.keys(), ...state.keys()])) {
    const was = before.get(name);
    const own = objectChanges(was, state.get(name), facts);
    found.set(name, own);
    const stay = state.has(name) ? own.filter(staysBehind).map(({ before: object }) => object) : objectsOf(was);
    for (const object of stay as KubernetesObject[]) facts.left.set(identityOf(object), name);
  }
  for (const [name, own] of found) {
    const was = before.get(name);
    const is = state.get(name);
    if (was === undefined && is !== undefined) add(name, [ofApplication(is, 'created', 'is created')]);
    const refusal = is === undefined ? undefined : refusalOf(is, was, own.length, facts);
    if (refusal === undefined) add(name, moved(name, own, facts));
    else if (refusal.isLate) add(name, [refusal.change, ...moved(name, own, facts)]);
    else if (own.length > 0 || !refusal.isOld)
      add(name, [refusal.change, ...own.filter(({ effect }) => effect === 'kept')]);
  }
  return { changes, state, orphans };
}

const projectsOf = (state: ClusterState): Project[] => projectsIn(renderedOnly([...state.values()]));

/** An ApplicationSet neither makes nor changes an Application whose project does not exist. */
function refusedBySet(entry: FleetApplication, projects: readonly Project[]): Change | undefined {
  const { application, applicationSet } = entry;
  const { project } = application.spec;
  if (applicationSet === undefined || projects.some(({ metadata }) => metadata.name === project)) return undefined;
  const consequence = `${nameOf(applicationSet)} leaves it as it is, or out: there is no AppProject ${project}`;
  return { ...ofApplication(entry, 'refused', consequence, 'not-permitted'), path: 'spec.project' };
}

/** Whether a change leaves an object in the cluster that its Application no longer has. */
const staysBehind = ({ path, effect, after }: Change): boolean =>
  path === '' && after === undefined && ['kept', 'waits'].includes(effect);

/** An ApplicationSet that generates nothing, because a fact is missing: its Applications stay as they are. */
const isFailedSet = ({ application }: FleetApplication): boolean => application.kind === 'ApplicationSet';

const rootOf = (state: ClusterState): FleetApplication | undefined =>
  [...state.values()].find(({ installedWith }) => installedWith !== undefined);

/** The ApplicationSet as it is after the change; undefined where root prunes it. */
function setAfter(set: KubernetesObject, next: ClusterState): KubernetesObject | undefined {
  const root = rootOf(next);
  if (!root?.rendered.ok) return set;
  const found = root.rendered.value.find((object) => object.kind === set.kind && nameOf(object) === nameOf(set));
  const { isAutomated, prunes } = syncPolicyOf(root.application);
  return (
    found ?? (isAutomated && prunes && pruneOptionOf(set, syncPolicyOf(root.application)) === 'true' ? undefined : set)
  );
}

/** What becomes of an Application that nothing generates any more; unknown where its ApplicationSet fails. */
function fateOf(entry: FleetApplication, next: ClusterState): Change | 'unknown' {
  const { applicationSet: set, application } = entry;
  if (set === undefined) return 'unknown';
  if ([...next.values()].some((each) => isFailedSet(each) && nameOf(each.application) === nameOf(set)))
    return 'unknown';
  const after = setAfter(set, next);
  if (after !== undefined && !deletesApplications(after))
    return ofApplication(
      entry,
      'kept',
      `stays, with all that it deploys: ${nameOf(set)} no longer lists it, and deletes nothing (${policyOf(after)}); ` +
        'Argo CD goes on syncing it from Git until somebody deletes it',
      'removed',
    );
  const why = after === undefined ? `is deleted with ${nameOf(set)}` : `is deleted: ${nameOf(set)} no longer lists it`;
  if (isCascading(application))
    return ofApplication(entry, 'deleted', `${why}, and so is all that it deploys`, 'application-deleted');
  // Argo CD takes the set's name off it, and Kubernetes deletes what has that name.
  const race = after === undefined && !deletesApplications(set) ? ', or stays where Argo CD is faster' : '';
  return ofApplication(entry, 'deleted', `${why}${race}; what it deploys stays and belongs to nobody`, 'removed');
}

const policyOf = (set: KubernetesObject): string =>
  (set as { readonly spec?: { readonly syncPolicy?: { readonly applicationsSync?: string } } }).spec?.syncPolicy
    ?.applicationsSync ?? 'sync';

const setNameOf = ({ applicationSet }: FleetApplication): string | undefined => applicationSet?.metadata.name;

/** Whether an Application is deleted with its ApplicationSet, and another one makes it again. */
const isMadeAnew = (was: FleetApplication, is: FleetApplication, next: ClusterState): boolean =>
  was.applicationSet !== undefined &&
  setNameOf(was) !== setNameOf(is) &&
  setAfter(was.applicationSet, next) === undefined;

const madeAnew = (was: FleetApplication, is: FleetApplication): Change => {
  const how = `is deleted with ApplicationSet/${String(setNameOf(was))} and made anew by ApplicationSet/${String(setNameOf(is))}`;
  return isCascading(was.application)
    ? ofApplication(was, 'recreated', `${how}, and so is all that it deploys`, 'application-deleted')
    : ofApplication(was, 'recreated', `${how}, or taken over as it is; what it deploys stays, and the new set has it`);
};

/** What differs in the objects of an Application. */
function objectChanges(
  was: FleetApplication | undefined,
  is: FleetApplication | undefined,
  { projects, projectsBefore }: Pick<Facts, 'projects' | 'projectsBefore'>,
): Change[] {
  if ([was, is].some((entry) => entry !== undefined && missingChartOf(entry) !== undefined)) return [];
  if (is === undefined) {
    if (was === undefined || !isCascading(was.application)) return [];
    const policy = syncPolicyOf(was.application);
    return changesBetween(objectsOf(was), [], { ...policy, allowsEmpty: true }).map((change) =>
      withItsApplication(change, policy),
    );
  }
  const policy = syncPolicyOf(is.application);
  const old = was === undefined ? undefined : syncPolicyOf(was.application);
  const known = [projectsBefore, projects].map((all) =>
    all.find(({ metadata }) => metadata.name === is.application.spec.project),
  );
  return syncBetween(objectsOf(was), objectsOf(is), policy).map((change) =>
    tooEarly(unseen(change, is, known), old, policy),
  );
}

/** A deletion of the Application asks neither for pruning nor for hooks: all goes, but for what says Delete=false. */
function withItsApplication(change: Change, policy: SyncPolicy): Change {
  if (hasOption(change.before as KubernetesObject, policy, 'Delete=false'))
    return { ...change, kind: 'removed', effect: 'kept', consequence: 'stays, by its option Delete=false' };
  if (change.effect === 'deleted') return change;
  return { ...change, kind: 'removed', effect: 'deleted', consequence: 'is deleted with its Application' };
}

/** Argo CD does not see what the project does not allow, before the merge and after it, and so prunes none of it. */
function unseen(change: Change, is: FleetApplication, projects: readonly (Project | undefined)[]): Change {
  if (change.effect !== 'deleted') return change;
  const rules = projects.map((project) =>
    project === undefined ? undefined : objectProblems(is, change.before as KubernetesObject, project)[0]?.rule,
  );
  return rules.includes(undefined)
    ? change
    : { ...change, effect: 'kept', consequence: `stays: ${String(rules[1])}, so Argo CD does not see it` };
}

/** A merge that also switches pruning off may be overtaken by the last sync with the old policy. */
function tooEarly(change: Change, old: SyncPolicy | undefined, policy: SyncPolicy): Change {
  const prunes = ({ isAutomated, prunes: isOn }: SyncPolicy): boolean => isAutomated && isOn;
  if (old === undefined || change.kind !== 'removed' || !prunes(old) || prunes(policy)) return change;
  return {
    ...change,
    effect: 'deleted',
    consequence: 'Argo CD may delete it before it learns of the new sync policy: merge that alone, and this later',
  };
}
