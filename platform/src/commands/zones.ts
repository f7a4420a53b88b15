import { settingProblem, SettingsError } from '@gitops/settings';
import type { SynthesizedStack } from '../app.ts';
import { type Held, readDeclared, readHeld } from '../recovery/stack-state.ts';
import { NODE_GROUP } from '../stacks/cluster-nodes.ts';
import type { Tofu } from '../tofu.ts';

/**
 * Throws SettingsError where a network would lose a zone in which nodes still run: its routes and its gateway would go,
 * and only then would AWS refuse to delete its subnets.
 * @param cluster the stack of the cluster in the network, initialized where it is called for
 * @param root the repository's folder
 */
export async function requireEmptyZones(
  tofu: Tofu,
  network: SynthesizedStack,
  cluster: () => Promise<SynthesizedStack>,
  root: string,
): Promise<void> {
  const leaving = await subnetsThatLeave(tofu, network);
  if (leaving.size === 0) return;
  const inUse = new Set<string>();
  for (const id of subnetsOfNodes(await readHeld(tofu, await cluster()))) {
    const zone = leaving.get(id);
    if (zone !== undefined) inUse.add(zone);
  }
  if (inUse.size === 0) return;
  const name = network.cluster ?? '';
  const zones = [...inUse].sort().join(', ');
  throw new SettingsError([
    settingProblem(
      root,
      name,
      ['network', 'zones'],
      `must keep ${zones} until its nodes are gone; \`make apply STACK=${name}-cluster\` moves them, ` +
        `then \`make apply CLUSTER=${name}\` deletes the subnets`,
    ),
  ]);
}

/** Private subnets that the state has and the stack does not: zones by ids. */
async function subnetsThatLeave(tofu: Tofu, network: SynthesizedStack): Promise<ReadonlyMap<string, string>> {
  const declared = new Set(readDeclared(network).resources.map(({ to }) => to));
  const leaving = new Map<string, string>();
  for (const [address, { id, availability_zone: zone }] of await readHeld(tofu, network))
    if (address.startsWith('aws_subnet.private-') && !declared.has(address)) leaving.set(String(id), String(zone));
  return leaving;
}

function subnetsOfNodes(held: Held): string[] {
  const ids = held.get(NODE_GROUP)?.subnet_ids;
  return Array.isArray(ids) ? ids.map(String) : [];
}
