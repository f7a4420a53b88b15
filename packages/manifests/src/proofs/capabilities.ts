import { KUBERNETES_MINORS } from '@gitops/tools/schemas';
import type { FleetApplication } from '../render/fleet.ts';
import type { ProofContext } from './proof.ts';
import { differencesOnceMore } from './render-again.ts';

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
  for (const minor of new Set([KUBERNETES_MINORS[0], KUBERNETES_MINORS.at(-1) ?? KUBERNETES_MINORS[0]])) {
    const others = fleet.filter(({ cluster }) => cluster.kubernetesVersion !== minor);
    const bare = { apiVersions: [], kubeVersion: `v${minor}.0` };
    const rule = `is different in Kubernetes ${minor} without any operator`;
    found.push(...(await differencesOnceMore(others, context, (request) => ({ ...request, ...bare }), rule)));
  }
  return found;
}
