import { groupKindOf, type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { type RenderedApplication, renderedOnly } from '../render/rendered.ts';
import type { Outcome, PodSecurityRequest, Renderer } from '../render/renderer.ts';
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
  const asked: Asked[] = [];
  for (const entry of entries)
    for (const object of entry.objects) {
      if (!WITH_PODS.has(groupKindOf(object))) continue;
      const namespace = object.metadata.namespace ?? entry.application.spec.destination.namespace ?? '';
      const level = levels.get(`${entry.cluster.name}/${namespace}`) ?? 'restricted';
      asked.push({ entry, object, level, version: entry.cluster.kubernetesVersion });
    }
  await ask(
    asked.filter((one) => knownAnswer(one) === undefined),
    renderer,
  );
  const found: string[] = [];
  for (const one of asked) {
    const answer = knownAnswer(one);
    const violations = answer?.ok === true ? answer.value : [answer?.error ?? 'no answer'];
    const object = nameOf(one.object);
    for (const violation of violations)
      found.push(objectProblem(root, one.entry, { object, path: '', rule: `Pod Security: ${violation}` }));
  }
  return found;
}

/** The kinds that the admission plugin looks at. */
const WITH_PODS = new Set([
  ...['/Pod', '/PodTemplate', '/ReplicationController'],
  ...['apps/DaemonSet', 'apps/Deployment', 'apps/ReplicaSet', 'apps/StatefulSet'],
  ...['batch/CronJob', 'batch/Job'],
]);

interface Asked extends PodSecurityRequest {
  readonly entry: RenderedApplication;
}

type Answers = Map<string, Outcome<string[]>>;

// Fleets that share a render share its objects: each is asked about once.
const answers = new WeakMap<KubernetesObject, Answers>();

const keyOf = ({ level, version }: Asked): string => `${level} ${version}`;
const knownAnswer = (one: Asked): Outcome<string[]> | undefined => answers.get(one.object)?.get(keyOf(one));

async function ask(unknown: readonly Asked[], renderer: Renderer): Promise<void> {
  const requests = unknown.map(({ object, level, version }) => ({ object, level, version }));
  const outcomes = await renderer.podSecurity(requests);
  for (const [index, one] of unknown.entries()) {
    const ofObject = answers.get(one.object) ?? (new Map() as Answers);
    answers.set(one.object, ofObject);
    const outcome = outcomes[index];
    if (outcome !== undefined) ofObject.set(keyOf(one), outcome);
  }
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
