import { readYamlFile } from '@gitops/settings/yaml-file';
import type { FleetApplication } from '../render/fleet.ts';
import { capacityProblems } from './capacity.ts';
import { clusterModels } from './cluster-model.ts';
import type { ProofContext } from './proof.ts';

/** Clusters whose node group cannot hold all pods at their maximum after the loss of a zone. */
export function nodeCapacityProblems(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found: string[] = [];
  for (const { cluster, objects } of clusterModels(fleet))
    for (const { object: file, path, rule } of capacityProblems(cluster, objects)) {
      const place = readYamlFile(root, file).position(path.split('.')) ?? `${file}:1`;
      found.push(`${place}: ${path}: ${rule}`);
    }
  return found;
}
