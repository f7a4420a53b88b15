import type { SynthesizedStack } from '../app.ts';
import { nameIn } from '../names.ts';
import type { Tofu } from '../tofu.ts';
import { clusterNamed, repository } from '../workspace.ts';
import { accountFacts, requireVcpus, requireZones } from './account.ts';
import { requireEntry } from './entry.ts';
import { addedInstances } from './search.ts';
import { offers, volumes } from './zone-facts.ts';
import { requireNetwork, requireNoAddedNodes, requireZonesForNodes } from './zones.ts';

/**
 * Throws SettingsError for what AWS would refuse in the midst of an apply, or do and break something, and what neither
 * the settings nor a plan say: it is asked of AWS, and of the state. `make plan` and `make apply` both call it first.
 */
export async function requirePreconditions(
  tofu: Tofu,
  stack: SynthesizedStack,
  print: (text: string) => void,
): Promise<void> {
  if (stack.cluster === undefined) return;
  const cluster = clusterNamed(stack.cluster);
  const isStack = (part: 'network' | 'cluster' | 'argocd'): boolean => stack.name === nameIn(cluster, part);
  if (isStack('network')) {
    await requireZones(cluster, repository, accountFacts);
    await requireNetwork(tofu, stack, cluster);
  }
  if (isStack('cluster')) {
    for (const warning of await requireVcpus(cluster, repository, accountFacts)) print(warning);
    await requireZonesForNodes(cluster, repository, { offers, volumes });
    await requireNoAddedNodes(cluster, repository, addedInstances);
  }
  if (isStack('argocd')) await requireEntry(cluster, repository);
}
