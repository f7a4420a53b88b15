import { type Change, identityOf } from '../kubernetes/changes.ts';
import { syncPolicyOf } from '../kubernetes/changes/sync-policy.ts';
import { inNamespace } from '../kubernetes/namespace.ts';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { objectProblems, type Project } from '../proofs/projects.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { sourcesOf } from '../render/renderer.ts';

// What Argo CD refuses to sync: what its project does not allow, and what belongs to another Application. And what goes
// from one Application to another.

/** The Applications of a cluster by name. */
export type ClusterState = ReadonlyMap<string, FleetApplication>;

/** A change of an Application as a whole. */
export const ofApplication = (
  { application }: FleetApplication,
  effect: Change['effect'],
  consequence: string,
  kind: Change['kind'] = 'change',
): Change => ({
  object: nameOf(application),
  namespace: application.metadata.namespace,
  path: '',
  before: effect === 'created' ? undefined : application,
  after: effect === 'deleted' || effect === 'kept' ? undefined : application,
  kind,
  effect,
  consequence,
});

/** The objects of an Application, each in its namespace; empty where it does not render. */
export const objectsOf = (entry: FleetApplication | undefined): KubernetesObject[] =>
  entry?.rendered.ok === true
    ? inNamespace(entry.rendered.value, entry.application.spec.destination.namespace ?? 'default')
    : [];

/** Who renders an object, by its identity. */
export type Makers = ReadonlyMap<string, readonly string[]>;

export function makersOf(state: ClusterState): Makers {
  const makers = new Map<string, string[]>();
  for (const [name, entry] of state)
    for (const object of objectsOf(entry)) {
      const identity = identityOf(object);
      makers.set(identity, [...(makers.get(identity) ?? []), name]);
    }
  return makers;
}

export interface Facts {
  readonly projects: readonly Project[];
  readonly projectsBefore: readonly Project[];
  readonly makers: Makers;
  readonly makersBefore: Makers;
  /** Objects that stay without being rendered, and the Application that they still belong to. */
  readonly left: Map<string, string>;
}

export interface Refusal {
  readonly change: Change;
  /** Whether it was refused before as well. */
  readonly isOld: boolean;
  /** Whether the changes of this merge may come before the refusal. */
  readonly isLate: boolean;
}

/** Why Argo CD syncs nothing of an Application; undefined where it does. */
export function refusalOf(
  is: FleetApplication,
  was: FleetApplication | undefined,
  count: number,
  facts: Facts,
): Refusal | undefined {
  const say = (consequence: string): Change => ofApplication(is, 'refused', consequence, 'not-permitted');
  const none = `Argo CD applies none of its ${count} changes`;
  const why = projectRefusal(is, facts.projects);
  if (why !== undefined) {
    const before = was === undefined ? why : projectRefusal(was, facts.projectsBefore);
    // The Application may sync these changes before root has changed its project; the drill saw it.
    const isLate = before === undefined;
    const some = count > 0 ? ', and of these perhaps some' : '';
    const consequence = isLate ? `Argo CD applies none of its later changes${some}: ${why}` : `${none}: ${why}`;
    const isOld = was !== undefined && before === why;
    return { change: { ...say(consequence), path: 'spec.project' }, isOld, isLate };
  }
  const shared = sharedWith(is, was, facts);
  if (shared === undefined) return undefined;
  const { object, other } = shared;
  const belongs = `${nameOf(object)} belongs to Application/${other}`;
  const consequence = failsOnShared(is)
    ? `${none}: ${belongs} (FailOnSharedResource)`
    : `${belongs}: the two overwrite each other for ever`;
  return { change: say(consequence), isOld: false, isLate: false };
}

const failsOnShared = ({ application }: FleetApplication): boolean =>
  syncPolicyOf(application).options.includes('FailOnSharedResource=true');

function projectRefusal({ application, rendered }: FleetApplication, projects: readonly Project[]): string | undefined {
  const { project: name } = application.spec;
  const project = projects.find(({ metadata }) => metadata.name === name);
  if (project === undefined) return `there is no AppProject ${name}`;
  for (const { repoURL } of sourcesOf(application))
    if (project.spec?.sourceRepos?.includes(repoURL) !== true)
      return `AppProject ${name} does not allow the repository ${repoURL}`;
  for (const object of rendered.ok ? rendered.value : []) {
    const [problem] = objectProblems({ application }, object, project);
    if (problem !== undefined) return `${problem.rule} (${problem.object})`;
  }
  return undefined;
}

/** An object that another Application had before, and has still. */
function sharedWith(
  is: FleetApplication,
  was: FleetApplication | undefined,
  { makers, makersBefore, left }: Facts,
): { readonly object: KubernetesObject; readonly other: string } | undefined {
  const { name } = is.application.metadata;
  const own = new Set(objectsOf(was).map(identityOf));
  for (const object of objectsOf(is)) {
    const identity = identityOf(object);
    if (own.has(identity)) continue;
    const still = makers.get(identity)?.filter((each) => makersBefore.get(identity)?.includes(each)) ?? [];
    // What only stays is taken over, unless that is forbidden.
    const other = [...still, ...(failsOnShared(is) ? [left.get(identity)] : [])].find((each) => each !== name);
    if (other !== undefined) return { object, other };
  }
  return undefined;
}

/** Objects that go from one Application to another: the old one deletes them, and the new one makes them again. */
export function moved(name: string, changes: readonly Change[], { makers, makersBefore, left }: Facts): Change[] {
  return changes.map((change) => {
    if (change.path !== '') return change;
    const object = (change.before ?? change.after) as KubernetesObject;
    const from = makersBefore.get(identityOf(object))?.[0];
    const to = makers.get(identityOf(object))?.[0];
    if (change.effect === 'deleted' && to !== undefined && to !== name)
      return { ...change, effect: 'recreated', consequence: `is deleted here, and made anew by Application/${to}` };
    if (change.effect !== 'created' || from === undefined || from === name) return change;
    if (left.has(identityOf(object)))
      return { ...change, effect: 'changed', consequence: `is taken over from Application/${from}` };
    return { ...change, effect: 'recreated', consequence: `is made anew: Application/${from} deletes its own first` };
  });
}
