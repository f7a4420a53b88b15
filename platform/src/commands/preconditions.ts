import type { SynthesizedStack } from '../app.ts';
import { nameIn } from '../names.ts';
import type { Tofu } from '../tofu.ts';
import { clusterNamed, repository } from '../workspace.ts';
import { requireAccount } from './account.ts';
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
  await requireAccount(stack, print);
  const isStack = (part: 'network' | 'cluster' | 'argocd'): boolean =>
    stack.name === nameIn({ name: stack.cluster ?? '' }, part);
  if (isStack('network')) await requireNetwork(tofu, stack);
  if (isStack('cluster')) {
    await requireZonesForNodes(clusterNamed(stack.cluster), repository, { offers, volumes });
    await requireNoAddedNodes(clusterNamed(stack.cluster), repository, addedInstances);
  }
  if (isStack('argocd')) await requireEntry(clusterNamed(stack.cluster), repository);
}
