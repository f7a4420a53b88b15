import type { FleetApplication } from '../render/fleet.ts';
import type { ProofContext } from './proof.ts';
import { bareRenders, differencesOnceMore, representatives } from './render-again.ts';

/**
 * Objects that depend on the capabilities that Helm sees: one that needs an API would be deleted while its
 * operator is not installed yet. Tried without any API, and with the oldest and the newest minor version of Kubernetes:
 * what begins or ends with a version in between differs from one end to the other.
 */
export async function dependentOnCapabilities(
  fleet: readonly FleetApplication[],
  context: ProofContext,
): Promise<string[]> {
  const found: string[] = [];
  const entries = representatives(fleet);
  const renders = new Map(entries.flatMap(bareRenders).map((again) => [again.rule, again]));
  for (const again of renders.values()) {
    const others = entries.filter((entry) => bareRenders(entry).some(({ rule }) => rule === again.rule));
    found.push(...(await differencesOnceMore(others, context, again)));
  }
  return found;
}
