import { type InstanceType, podsByAddresses, podsByPrefixes } from '@gitops/settings/instance-types';
import type { Amount } from './amount.ts';

export interface NodeOptions {
  /** Whether the CNI gives pods addresses from /28 prefixes, so that more of them fit on a node. True by default. */
  readonly prefixDelegation?: boolean;
  /**
   * The number of pods that the node's memory reservation is made for. nodeadm takes that of its network interfaces,
   * and a maxPods that is set afterwards, as managed node groups do, does not change it; `all` reserves for the real
   * number.
   */
  readonly reservedFor?: 'interfaces' | 'all';
}

/** What an add-on of EKS runs. */
interface Addon {
  /** What its DaemonSet asks for on every node. */
  readonly onEachNode?: Amount;
  /** Its other pods. */
  readonly pods?: { readonly name: string; readonly count: number; readonly asked: Amount };
}

/**
 * The add-ons that the platform installs, by their names in EKS, and what they ask for by their charts (2026-11):
 * aws-node 25m for itself and 25m for the network policy agent; the EBS CSI driver 10m and 40 MiB for each container,
 * three of them on a node and six in its controller. A test of the platform compares the names with those of its
 * stacks.
 */
export const EKS_ADDONS: Readonly<Record<string, Addon>> = {
  'vpc-cni': { onEachNode: { cpu: 50, memory: 0, pods: 1 } },
  'kube-proxy': { onEachNode: { cpu: 100, memory: 0, pods: 1 } },
  'eks-pod-identity-agent': { onEachNode: { cpu: 0, memory: 0, pods: 1 } },
  'eks-node-monitoring-agent': { onEachNode: { cpu: 10, memory: 30, pods: 1 } },
  coredns: { pods: { name: 'coredns', count: 2, asked: { cpu: 100, memory: 70, pods: 1 } } },
  'aws-ebs-csi-driver': {
    onEachNode: { cpu: 30, memory: 120, pods: 1 },
    pods: { name: 'ebs-csi-controller', count: 2, asked: { cpu: 60, memory: 240, pods: 1 } },
  },
};

// Karpenter's default, VM_MEMORY_OVERHEAD_PERCENT: what kernel and hypervisor keep of the memory that AWS names. A
// t3.medium reports about 3850 MiB instead of 4096, which is a little more than this leaves.
const MEMORY_OVERHEAD = 0.075;
// nodeadm/internal/kubelet/config.go of awslabs/amazon-eks-ami at 81fec2e: eviction, kube-reserved memory and CPU.
const EVICTION = 100;
const reservedMemory = (pods: number): number => 255 + 11 * pods;
const CPU_RESERVATION = [
  { from: 0, upTo: 1000, part: 0.06 },
  { from: 1000, upTo: 2000, part: 0.01 },
  { from: 2000, upTo: 4000, part: 0.005 },
  { from: 4000, upTo: Infinity, part: 0.0025 },
];

/** What pods can have of a node, before any of them runs. */
export function allocatable(
  type: Omit<InstanceType, 'architecture'>,
  { prefixDelegation = true, reservedFor = 'interfaces' }: NodeOptions = {},
): Amount {
  const byInterfaces = podsByAddresses(type);
  const pods = prefixDelegation ? podsByPrefixes(type) : byInterfaces;
  const reserved = reservedMemory(reservedFor === 'interfaces' ? byInterfaces : pods);
  const memory = Math.floor(type.memory * (1 - MEMORY_OVERHEAD)) - reserved - EVICTION;
  const whole = type.cpus * 1000;
  let cpu = whole;
  for (const { from, upTo, part } of CPU_RESERVATION)
    cpu -= Math.floor(Math.max(0, Math.min(whole, upTo) - from) * part);
  return { cpu, memory, pods };
}
