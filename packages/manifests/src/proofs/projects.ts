import { matchesGlob } from 'node:path';
import { isClusterWide } from '../kubernetes/namespace.ts';
import { groupOf, type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { type RenderedApplication, renderedOnly } from '../render/rendered.ts';
import { sourcesOf } from '../render/renderer.ts';
import { missingChartOf } from '../render/unchecked.ts';
import { applicationProblem, objectProblem } from './location.ts';
import type { Problem } from './problem.ts';
import type { ProofContext } from './proof.ts';

/** A kind that an AppProject allows. */
export interface AllowedKind {
  readonly group: string;
  readonly kind: string;
  /** Of cluster-wide objects; a glob. */
  readonly name?: string;
}

/** The fields of an AppProject that proofs read. */
export interface Project {
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly destinations?: readonly { readonly server?: string; readonly namespace?: string }[];
    readonly sourceRepos?: readonly string[];
    readonly clusterResourceWhitelist?: readonly AllowedKind[];
    readonly namespaceResourceWhitelist?: readonly AllowedKind[];
  };
}

/**
 * Sources, kinds and namespaces that the AppProject of an Application does not allow. A star counts as one only in the
 * names of cluster-wide objects and after a prefix of a namespace, `preview-*`: rule 7 of the design forbids the others.
 */
export function forbiddenByProjects(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const entries = renderedOnly(fleet);
  // Without its chart an Application has no objects here; the repository of the chart is checked all the same.
  const unchecked = fleet
    .filter((entry) => missingChartOf(entry) !== undefined)
    .map((entry): RenderedApplication => ({ ...entry, objects: [] }));
  const found: string[] = [];
  for (const entry of [...entries, ...unchecked]) {
    const { project: name } = entry.application.spec;
    const project = projectOf(entry, entries);
    if (project !== undefined) {
      found.push(...sourceProblems(root, entry, project), ...serverProblems(root, entry, project));
      const refused = entry.objects.flatMap((object) => objectProblems(entry, object, project));
      for (const problem of refused) found.push(objectProblem(root, entry, problem));
    } else {
      found.push(applicationProblem(root, entry, 'spec.project', `unknown AppProject ${name}`));
    }
  }
  return found;
}

/** The AppProject of an Application, in the same cluster. */
const projectOf = (entry: RenderedApplication, entries: readonly RenderedApplication[]): Project | undefined =>
  projectsIn(entries.filter(({ cluster }) => cluster.name === entry.cluster.name)).find(
    ({ metadata }) => metadata.name === entry.application.spec.project,
  );

/** The AppProjects that root renders, and its own, which is installed with it. */
export function projectsIn(entries: readonly RenderedApplication[]): Project[] {
  const projects: Project[] = [];
  for (const { objects, installedWith = [] } of entries)
    for (const object of [...installedWith, ...objects]) if (object.kind === 'AppProject') projects.push(object);
  return projects;
}

function sourceProblems(root: string, entry: RenderedApplication, { metadata, spec }: Project): string[] {
  const foreign = new Set<string>();
  for (const { repoURL } of sourcesOf(entry.application))
    if (spec?.sourceRepos?.includes(repoURL) !== true) foreign.add(repoURL);
  return [...foreign].map((repoURL) => {
    const rule = `AppProject ${metadata.name} does not allow the repository ${repoURL}`;
    return applicationProblem(root, entry, 'spec.sources', rule);
  });
}

/** An Application for another cluster than its project's: each Argo CD deploys to its own. */
function serverProblems(root: string, entry: RenderedApplication, { metadata, spec }: Project): string[] {
  const { server } = entry.application.spec.destination;
  const servers = new Set((spec?.destinations ?? []).map((destination) => destination.server));
  if (servers.has(server)) return [];
  const rule = `AppProject ${metadata.name} allows only ${[...servers].join(', ')} (it is ${server ?? 'absent'})`;
  return [applicationProblem(root, entry, 'spec.destination.server', rule)];
}

/** Whether a namespace is the one that is allowed, or begins with its prefix. */
export const includesNamespace = (allowed: string | undefined, namespace: string | undefined): boolean =>
  allowed === namespace || (allowed?.endsWith('-*') === true && namespace?.startsWith(allowed.slice(0, -1)) === true);

/** Whether a grant is about an object. */
export const allowsKind = ({ group, kind, name }: AllowedKind, object: KubernetesObject): boolean =>
  group === groupOf(object) && kind === object.kind && (name === undefined || matchesGlob(object.metadata.name, name));

/** Why the AppProject of an Application does not allow an object; empty where it does. */
export function objectProblems(
  entry: Pick<RenderedApplication, 'application'>,
  object: KubernetesObject,
  { metadata, spec }: Project,
): Problem[] {
  const { destinations = [], clusterResourceWhitelist = [], namespaceResourceWhitelist = [] } = spec ?? {};
  const problems: Problem[] = [];
  const refuse = (path: string, what: string): void => {
    const rule = `AppProject ${metadata.name} does not allow ${what}${howToAllow(entry)}`;
    problems.push({ object: nameOf(object), path, rule });
  };
  // As Argo CD does: a grant of the other list allows nothing.
  const [list, grants] = isClusterWide(object)
    ? (['clusterResourceWhitelist', clusterResourceWhitelist] as const)
    : (['namespaceResourceWhitelist', namespaceResourceWhitelist] as const);
  const group = groupOf(object);
  if (!grants.some((allowed) => allowsKind(allowed, object)))
    refuse('kind', `${group === '' ? object.kind : `${group}/${object.kind}`} in its ${list}`);
  const namespace = object.metadata.namespace ?? entry.application.spec.destination.namespace;
  if (!destinations.some((destination) => includesNamespace(destination.namespace, namespace)))
    refuse('metadata.namespace', `the namespace ${String(namespace)}`);
  return problems;
}

/** Root's project is not synced from Git: its installer brings it, and until then a merge fails as a whole. */
const howToAllow = ({ application }: Pick<RenderedApplication, 'application'>): string =>
  application.metadata.name === 'root'
    ? '; allow it in argocd/root/templates/project.yaml, and run `make apply` for each cluster before this is merged: ' +
      'until then Argo CD applies nothing of the commit'
    : '';
