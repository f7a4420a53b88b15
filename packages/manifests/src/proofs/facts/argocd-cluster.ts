import { argocdValueFiles } from '@gitops/settings';
import { readYamlFile, valueAt } from '@gitops/settings/yaml-file';
import type { FleetApplication } from '../../render/fleet.ts';
import type { ProofContext } from '../proof.ts';

const NAME = ['notifications', 'context', 'cluster'];

/** Notifications that would speak of another cluster: the folder was copied, and the name was not changed. */
export function wrongClusterInNotifications(
  fleet: readonly FleetApplication[],
  { root }: Pick<ProofContext, 'root'>,
): string[] {
  const found: string[] = [];
  for (const cluster of new Set(fleet.map((entry) => entry.cluster.name)))
    for (const file of argocdValueFiles(cluster).slice(-1)) {
      const { content, position } = readYamlFile(root, file);
      const name = valueAt(content, NAME);
      if (name === undefined || name === cluster) continue;
      found.push(
        `${position(NAME) ?? `${file}:1`}: ${NAME.join('.')}: must be the cluster's name, ${cluster} (it is ${JSON.stringify(name)})`,
      );
    }
  return found;
}
