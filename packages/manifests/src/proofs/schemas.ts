import { KUBERNETES_MINORS, type KubernetesMinor, type Schemas } from '@gitops/tools/schemas';
import { type KubernetesObject, nameOf, withoutNulls } from '../kubernetes/object.ts';
import { type Definitions, loadSchemas, type StrictSchemas } from '../kubernetes/strict-schemas.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { type RenderedApplication, renderedOnly } from '../render/rendered.ts';
import { clusterModels } from './cluster-model.ts';
import { objectProblem } from './location.ts';
import type { ProofContext } from './proof.ts';

// Compiling them takes longer than using them.
const loaded = new Map<string, StrictSchemas>();

/** The schemas of a minor version of Kubernetes, loaded once for all callers. */
export function schemasOf(schemas: Schemas, minor: string): StrictSchemas {
  const key = `${schemas.key} ${minor}`;
  const known = loaded.get(key) ?? loadSchemas(schemas, minor);
  loaded.set(key, known);
  return known;
}

/** Kinds that older versions do not serve. They are no problem for clusters that run a newer one. */
const SERVED_SINCE: Readonly<Record<string, KubernetesMinor>> = {
  MutatingAdmissionPolicy: '1.36',
  MutatingAdmissionPolicyBinding: '1.36',
};

const isBefore = (minor: string, since: KubernetesMinor): boolean =>
  KUBERNETES_MINORS.findIndex((known) => known === minor) < KUBERNETES_MINORS.indexOf(since);

/** Objects against the schemas of every minor version that the platform supports. */
export function schemaProblems(fleet: readonly FleetApplication[], context: ProofContext): string[] {
  const found: string[] = [];
  const definitions = definitionsByCluster(fleet);
  for (const minor of KUBERNETES_MINORS)
    for (const entry of renderedOnly(fleet))
      found.push(...problemsOfApplication(entry, minor, definitions.get(entry.cluster.name), context));
  return found;
}

/** The CustomResourceDefinitions that each cluster gets. */
function definitionsByCluster(fleet: readonly FleetApplication[]): ReadonlyMap<string, Definitions> {
  const definitions = new Map<string, Definitions>();
  for (const { cluster, objects, unknown } of clusterModels(fleet))
    definitions.set(cluster.name, {
      objects: objects.filter(({ kind }) => kind === 'CustomResourceDefinition'),
      isComplete: unknown.length === 0,
    });
  return definitions;
}

function problemsOfApplication(
  entry: RenderedApplication,
  minor: string,
  definitions: Definitions | undefined,
  context: ProofContext,
): string[] {
  const schemas = schemasOf(context.schemas, minor);
  const found: string[] = [];
  for (const object of entry.objects) {
    const since = SERVED_SINCE[object.kind];
    if (since !== undefined && isBefore(minor, since) && !isBefore(entry.cluster.kubernetesVersion, since)) continue;
    const problems = problemsOf(schemas, entry.chart?.isUpstream === true ? withoutNulls(object) : object, definitions);
    for (const problem of problems) {
      const rule = `${problem} [Kubernetes ${minor}]`;
      found.push(objectProblem(context.root, entry, { object: nameOf(object), path: '', rule }, keysIn(problem)));
    }
  }
  return found;
}

/** The field that a problem begins with: `spec.containers[0].image: …`, `metadata.labels["a/b"]: …`. */
function keysIn(problem: string): string[] {
  const [path = ''] = problem.split(': ');
  return [...path.matchAll(/\["([^"]*)"\]|([^.[\]]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

const checked = new WeakMap<StrictSchemas, WeakMap<KubernetesObject, readonly string[]>>();

function problemsOf(
  schemas: StrictSchemas,
  object: KubernetesObject,
  definitions: Definitions | undefined,
): readonly string[] {
  const known = checked.get(schemas) ?? new WeakMap<KubernetesObject, readonly string[]>();
  checked.set(schemas, known);
  // Only large definitions are shared between clusters; custom resources are not, so that each meets its own cluster's.
  const problems = known.get(object) ?? schemas.problems(object, definitions);
  known.set(object, problems);
  return problems;
}
