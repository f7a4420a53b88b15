import { type InstanceType, podsByAddresses, podsByPrefixes } from '@gitops/settings/instance-types';
import type { Amount } from './amount.ts';

export interface NodeOptions {
  /** Whether the CNI gives pods addresses from /28 prefixes, so that more of them fit on a node. True by default. */
  readonly prefixDelegation?: boolean;
  /**
   * The number of pods for which nodeadm reserves memory: `interfaces`, one address of an interface each, as on our
   * nodes; or `all`, up to maxPods, as with a `maxPodsExpression` in their user data. `allocatable` has the source.
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
// In MiB: evictionHard["memory.available"] of nodeadm/internal/kubelet/config.go.
const EVICTION = 100;

/** What nodeadm reserves for kubelet and containerd, in MiB: getMemoryMebibytesToReserve in the same file. */
export const reservedMemory = (pods: number): number => 255 + 11 * pods;

// getCPUMillicoresToReserve in the same file.
const CPU_RESERVATION = [
  { from: 0, upTo: 1000, part: 0.06 },
  { from: 1000, upTo: 2000, part: 0.01 },
  { from: 2000, upTo: 4000, part: 0.005 },
  { from: 4000, upTo: Infinity, part: 0.0025 },
];

/** What is left of a node's memory, in MiB. */
export const memoryWithout = ({ memory }: Pick<InstanceType, 'memory'>, reserved: number): number =>
  Math.floor(memory * (1 - MEMORY_OVERHEAD)) - reserved - EVICTION;

/**
 * What pods can have of a node, before any of them runs: CPU in millicores, memory in MiB.
 *
 * The formula is nodeadm's, of awslabs/amazon-eks-ami at 81fec2e (2026-07-23). Its memory reserve follows the number of
 * pods that withDefaultReservedResources computes: the result of a `maxPodsExpression`, or without one
 * interfaces × (addresses - 1) + 2 (nodeadm/internal/kubelet/eni_max_pods.go). A `maxPods` in the kubelet's
 * configuration is written to a drop-in file afterwards and does not count (nodeadm/doc/examples.md, "Defining a Max
 * Pods Expression"; amazon-eks-ami#1698). Neither does the cap of managed node groups (EKS user guide, "How maxPods is
 * determined"; amazon-eks-ami#2580). Our user data sets `maxPods` and no expression
 * (platform/src/node-user-data.ts, which a test compares): a t3.medium takes 110 pods and reserves for 17, 442 MiB and
 * not 1,465. For that it is enough while fewer pods than that run on a node.
 */
export function allocatable(
  type: Omit<InstanceType, 'architecture'>,
  { prefixDelegation = true, reservedFor = 'interfaces' }: NodeOptions = {},
): Amount {
  const byInterfaces = podsByAddresses(type);
  const pods = prefixDelegation ? podsByPrefixes(type) : byInterfaces;
  const memory = memoryWithout(type, reservedMemory(reservedFor === 'interfaces' ? byInterfaces : pods));
  const whole = type.cpus * 1000;
  let cpu = whole;
  for (const { from, upTo, part } of CPU_RESERVATION)
    cpu -= Math.floor(Math.max(0, Math.min(whole, upTo) - from) * part);
  return { cpu, memory, pods };
}
