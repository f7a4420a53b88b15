import { nameOf } from '../kubernetes/object.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { type RenderedApplication, renderedOnly } from '../render/rendered.ts';
import { objectProblem } from './location.ts';
import type { ProofContext } from './proof.ts';

const ENFORCE = 'pod-security.kubernetes.io/enforce';

/**
 * Workloads that violate the Pod Security level of their namespace, by the admission plugin's own checks; a namespace
 * without a level counts as restricted.
 */
export async function podSecurityViolations(
  fleet: readonly FleetApplication[],
  { root, renderer }: ProofContext,
): Promise<string[]> {
  const entries = renderedOnly(fleet);
  const levels = levelsOf(entries);
  const asked = entries.flatMap((entry) => entry.objects.map((object) => ({ entry, object })));
  const answers = await renderer.podSecurity(
    asked.map(({ entry: { cluster, application }, object }) => {
      const namespace = object.metadata.namespace ?? application.spec.destination.namespace ?? '';
      const level = levels.get(`${cluster.name}/${namespace}`) ?? 'restricted';
      return { object, level, version: cluster.kubernetesVersion };
    }),
  );
  const found: string[] = [];
  for (const [index, { entry, object }] of asked.entries()) {
    const answer = answers[index];
    const violations = answer?.ok === true ? answer.value : [answer?.error ?? 'no answer'];
    for (const violation of violations)
      found.push(objectProblem(root, entry, { object: nameOf(object), path: '', rule: `Pod Security: ${violation}` }));
  }
  return found;
}

/** The level of each Namespace object, by cluster/namespace. */
function levelsOf(entries: readonly RenderedApplication[]): Map<string, string> {
  const levels = new Map<string, string>();
  for (const { cluster, objects } of entries)
    for (const { kind, metadata } of objects) {
      const level = metadata.labels?.[ENFORCE];
      if (kind === 'Namespace' && level !== undefined) levels.set(`${cluster.name}/${metadata.name}`, level);
    }
  return levels;
}
