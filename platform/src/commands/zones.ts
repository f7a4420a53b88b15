import { join } from 'node:path';
import { type AwsClusterSettings, settingProblem, SettingsError } from '@gitops/settings';
import type { SynthesizedStack } from '../app.ts';
import { nameIn } from '../names.ts';
import type { Values } from '../recovery/identities.ts';
import { type Held, readDeclared, readHeld } from '../recovery/stack-state.ts';
import { CLUSTER } from '../stacks/cluster.ts';
import { NODE_GROUP } from '../stacks/cluster-nodes.ts';
import { initialize, type Tofu } from '../tofu.ts';
import { platformFolder, repository, stateKind } from '../workspace.ts';
import { type AddedInstance, addedInstances } from './search.ts';
import type { Volume } from './zone-facts.ts';

/**
 * Throws SettingsError where the subnets of a network would move, which OpenTofu cannot plan without a cycle, and where it
 * would lose a zone in which nodes still run, or the control plane: its routes and its
 * gateway would go, and only then would AWS refuse to delete its subnets.
 * @param cluster the stack of the cluster in the network, initialized where it is called for
 * @param added the instances that Karpenter started
 * @param root the repository's folder
 */
export async function requireEmptyZones(
  tofu: Tofu,
  network: SynthesizedStack,
  cluster: () => Promise<SynthesizedStack>,
  added: () => Promise<readonly AddedInstance[]>,
  root: string,
): Promise<void> {
  const name = network.cluster ?? '';
  const refuse = (rule: string): never => {
    throw new SettingsError([settingProblem(root, name, ['network', 'zones'], rule)]);
  };
  const before = await readHeld(tofu, network);
  if (hasMovedSubnets(network, before))
    refuse(
      'must keep the order of the zones that are there, since subnets are numbered in it: append a new one, and take ' +
        'away the last one only',
    );
  const leaving = subnetsThatLeave(network, before);
  if (leaving.size === 0) return;
  const held = await readHeld(tofu, await cluster());
  const zonesOf = (ids: readonly string[]): string =>
    [...new Set(ids.flatMap((id) => leaving.get(id) ?? []))].sort().join(', ');
  // EKS API reference, UpdateClusterConfig: the subnets of a cluster stay in the zones that it was created in.
  const ofControlPlane = zonesOf(subnetsOfControlPlane(held));
  if (ofControlPlane !== '')
    refuse(`must keep ${ofControlPlane}: the control plane was created there, and EKS does not take it out of a zone`);
  const ofNodes = zonesOf(subnetsOfNodes(held));
  if (ofNodes !== '')
    refuse(
      `must keep ${ofNodes} until its nodes are gone; \`make apply STACK=${name}-cluster\` moves them, ` +
        `then \`make apply CLUSTER=${name}\` deletes the subnets`,
    );
  const zones = new Set(leaving.values());
  const instances = (await added()).filter(({ zone }) => zones.has(zone));
  if (instances.length > 0)
    refuse(
      `must keep the zones of nodes that Karpenter added: ${inZones(instances)}; it replaces them once Argo CD has the ` +
        'settings, and then the network can go',
    );
}

const inZones = (things: readonly { readonly id: string; readonly zone: string }[]): string =>
  things.map(({ id, zone }) => `${id} in ${zone}`).join(', ');

/** `requireEmptyZones` for the network of a cluster, whose own stack is written beside it. */
export async function requireNetwork(tofu: Tofu, stack: SynthesizedStack, cluster: AwsClusterSettings): Promise<void> {
  const name = nameIn(cluster, 'cluster');
  const clusterStack = { ...stack, name, folder: join(stack.folder, '..', name), after: [stack.name] };
  await requireEmptyZones(
    tofu,
    stack,
    async () => {
      await initialize(tofu, platformFolder, clusterStack, stateKind());
      return clusterStack;
    },
    async () => addedInstances(cluster),
    repository,
  );
}

/**
 * Throws SettingsError where the settings have no node pool any more, and nodes that Karpenter added still run: without
 * their entry in the cluster they would be lost to it, and so would be their pods.
 * @param root the repository's folder
 */
export async function requireNoAddedNodes(
  cluster: AwsClusterSettings,
  root: string,
  added: (cluster: AwsClusterSettings) => Promise<readonly AddedInstance[]>,
): Promise<void> {
  if (cluster.nodePool !== undefined) return;
  const instances = await added(cluster);
  if (instances.length === 0) return;
  const rule =
    `must stay while nodes that Karpenter added run: ${inZones(instances)}; delete the Application node-pool with what it ` +
    'deployed, and wait until they are gone';
  throw new SettingsError([settingProblem(root, cluster.name, ['nodePool'], rule)]);
}

/** What AWS knows of zones. */
export interface ZoneFacts {
  /** The zones that have an instance type; none where AWS did not say. */
  readonly offers: (cluster: AwsClusterSettings, instanceType: string) => Promise<readonly string[]>;
  readonly volumes: (cluster: AwsClusterSettings) => Promise<readonly Volume[]>;
}

/**
 * Throws SettingsError where nodes would leave a zone that has volumes of pods, which then never start again: a volume
 * stays in its zone. Throws it also where a zone lacks the instance type of the node group, or all that Karpenter may add.
 * @param root the repository's folder
 */
export async function requireZonesForNodes(
  cluster: AwsClusterSettings,
  root: string,
  { offers, volumes }: ZoneFacts,
): Promise<void> {
  const { name, network, nodeGroup, nodePool } = cluster;
  const left = (await volumes(cluster)).filter(({ zone }) => !network.zones.includes(zone));
  const problems: string[] = [];
  if (left.length > 0) {
    problems.push(
      settingProblem(
        root,
        name,
        ['network', 'zones'],
        `must keep the zones of the volumes that pods have: ${inZones(left)}; move what they hold to another zone, delete the ` +
          'claims, and apply again (docs/guides/aws.md, Backup)',
      ),
    );
  }
  const types = [...new Set([nodeGroup.instanceType, ...(nodePool?.instanceTypes ?? [])])];
  const zonesByType = new Map<string, readonly string[]>(
    await Promise.all(types.map(async (type) => [type, await offers(cluster, type)] as const)),
  );
  const requireOffers = (key: readonly string[], oneOf: readonly string[], rule: string): void => {
    const offered = new Set(oneOf.flatMap((type) => zonesByType.get(type) ?? []));
    const lacking = offered.size === 0 ? [] : network.zones.filter((zone) => !offered.has(zone));
    if (lacking.length > 0)
      problems.push(
        settingProblem(
          root,
          name,
          key,
          `must ${rule} AWS has in ${lacking.join(', ')} too; these are in ${[...offered].sort().join(', ')}`,
        ),
      );
  };
  requireOffers(['nodeGroup', 'instanceType'], [nodeGroup.instanceType], 'be a type that');
  if (nodePool !== undefined) requireOffers(['nodePool', 'instanceTypes'], nodePool.instanceTypes, 'have a type that');
  if (problems.length > 0) throw new SettingsError(problems);
}

/** Whether subnets of the state would get other addresses, in the VPC that is there. */
function hasMovedSubnets(network: SynthesizedStack, held: Held): boolean {
  const { resources } = readDeclared(network);
  const isSame = (address: string, values: Values): boolean => {
    const cidr = held.get(address)?.cidr_block;
    return cidr === undefined || cidr === values.cidr_block;
  };
  // Another VPC is a change of another setting.
  if (!resources.every(({ to, type, values }) => type !== 'aws_vpc' || isSame(to, values))) return false;
  return resources.some(({ to, type, values }) => type === 'aws_subnet' && !isSame(to, values));
}

/** Private subnets that the state has and the stack does not: zones by ids. */
function subnetsThatLeave(network: SynthesizedStack, held: Held): ReadonlyMap<string, string> {
  const declared = new Set(readDeclared(network).resources.map(({ to }) => to));
  const leaving = new Map<string, string>();
  for (const [address, { id, availability_zone: zone }] of held)
    if (address.startsWith('aws_subnet.private-') && !declared.has(address)) leaving.set(String(id), String(zone));
  return leaving;
}

const subnetsOfNodes = (held: Held): string[] => textsOf(held.get(NODE_GROUP)?.subnet_ids);

function subnetsOfControlPlane(held: Held): string[] {
  const [vpc] = (held.get(CLUSTER)?.vpc_config ?? []) as readonly { readonly subnet_ids?: unknown }[];
  return textsOf(vpc?.subnet_ids);
}

const textsOf = (list: unknown): string[] => (Array.isArray(list) ? list.map(String) : []);
