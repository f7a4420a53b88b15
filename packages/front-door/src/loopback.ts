import type { Node } from './kubernetes.ts';

/** Annotation of a node whose pods are processes: the network of loopback that stands for its podCIDR. */
export const LOOPBACK_NETWORK = 'gitops.local/loopback-network';

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const addressOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');

function networkOf(cidr: string): { first: number; size: number } | undefined {
  const [, address, bits] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? [];
  return address === undefined ? undefined : { first: numberOf(address), size: 2 ** (32 - Number(bits)) };
}

/**
 * Where a pod's process listens: a pod reports an address of its node's podCIDR, which is nobody's, and its process has
 * the address with the same offset in the node's loopback network. Undefined for a simulated pod: nothing must ever be
 * sent to an address that was not translated.
 */
export function loopbackAddress(podIP: string, node: Node | undefined): string | undefined {
  const pods = networkOf(node?.spec?.podCIDR ?? '');
  const loopback = networkOf(node?.metadata?.annotations?.[LOOPBACK_NETWORK] ?? '');
  if (pods === undefined || loopback === undefined) return undefined;
  const offset = numberOf(podIP) - pods.first;
  return offset >= 0 && offset < Math.min(pods.size, loopback.size) ? addressOf(loopback.first + offset) : undefined;
}
