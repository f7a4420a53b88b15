import { matchesGlob } from 'node:path';
import { groupOf, type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { type RenderedApplication, renderedOnly } from '../render/rendered.ts';
import { sourcesOf } from '../render/renderer.ts';
import { missingChartOf } from '../render/unchecked.ts';
import { applicationProblem, objectProblem } from './location.ts';
import type { Problem } from './problem.ts';
import type { ProofContext } from './proof.ts';

interface AllowedKind {
  readonly group: string;
  readonly kind: string;
  /** Of cluster-wide objects; a glob. */
  readonly name?: string;
}

interface Project {
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly destinations?: readonly { readonly namespace?: string }[];
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
    if (entry.isInstalled) continue;
    const { project: name } = entry.application.spec;
    const project = projectOf(entry, entries);
    if (project !== undefined) {
      found.push(...sourceProblems(root, entry, project));
      const refused = entry.objects.flatMap((object) => objectProblems(entry, object, project));
      for (const problem of refused) found.push(objectProblem(root, entry, problem));
    } else if (entry.application.metadata.name !== 'root') {
      // root's own project comes with root itself; Argo CD checks it on every sync of the drills.
      found.push(applicationProblem(root, entry, 'spec.project', `unknown AppProject ${name}`));
    }
  }
  return found;
}

/** The AppProject of an Application, which another one of the same cluster renders. */
function projectOf(entry: RenderedApplication, entries: readonly RenderedApplication[]): Project | undefined {
  for (const { cluster, objects } of entries) {
    if (cluster.name !== entry.cluster.name) continue;
    const project = objects.find(
      ({ kind, metadata }) => kind === 'AppProject' && metadata.name === entry.application.spec.project,
    );
    if (project !== undefined) return project;
  }
  return undefined;
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

const includesNamespace = (allowed: string | undefined, namespace: string | undefined): boolean =>
  allowed === namespace || (allowed?.endsWith('-*') === true && namespace?.startsWith(allowed.slice(0, -1)) === true);

function objectProblems(entry: RenderedApplication, object: KubernetesObject, { metadata, spec }: Project): Problem[] {
  const { destinations = [], clusterResourceWhitelist = [], namespaceResourceWhitelist = [] } = spec ?? {};
  const problems: Problem[] = [];
  const refuse = (path: string, what: string): void => {
    problems.push({ object: nameOf(object), path, rule: `AppProject ${metadata.name} does not allow ${what}` });
  };
  const group = groupOf(object);
  const isAllowed = [...namespaceResourceWhitelist, ...clusterResourceWhitelist].some(
    (allowed) =>
      allowed.group === group &&
      allowed.kind === object.kind &&
      (allowed.name === undefined || matchesGlob(object.metadata.name, allowed.name)),
  );
  if (!isAllowed) refuse('kind', group === '' ? object.kind : `${group}/${object.kind}`);
  const namespace = object.metadata.namespace ?? entry.application.spec.destination.namespace;
  if (!destinations.some((destination) => includesNamespace(destination.namespace, namespace)))
    refuse('metadata.namespace', `the namespace ${String(namespace)}`);
  return problems;
}
