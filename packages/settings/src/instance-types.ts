/** What an EC2 instance type offers. */
export interface InstanceType {
  /** As images and nodes name it. */
  readonly architecture: 'amd64' | 'arm64';
  readonly cpus: number;
  /** In MiB, as AWS lists it; the kernel and the hypervisor use a part. */
  readonly memory: number;
  /** Network interfaces, and IPv4 addresses of each: they limit the number of pods. */
  readonly interfaces: number;
  readonly addresses: number;
}

const type = (
  cpus: number,
  gibibytes: number,
  interfaces: number,
  addresses: number,
  architecture: InstanceType['architecture'] = 'amd64',
): InstanceType => ({ architecture, cpus, memory: gibibytes * 1024, interfaces, addresses });

/**
 * The types that a small platform needs. Interfaces and addresses: nodeadm's instance-info.jsonl of
 * awslabs/amazon-eks-ami at 81fec2e (2026-07-23), which every node of EKS reads. CPUs and memory: the instance
 * families' pages of AWS, 2026-11; `aws ec2 describe-instance-types` gives all of it.
 */
export const INSTANCE_TYPES: Readonly<Record<string, InstanceType>> = {
  't3.medium': type(2, 4, 3, 6),
  't3.large': type(2, 8, 3, 12),
  't3.xlarge': type(4, 16, 4, 15),
  't4g.medium': type(2, 4, 3, 6, 'arm64'),
  't4g.large': type(2, 8, 3, 12, 'arm64'),
  'm6i.large': type(2, 8, 3, 10),
  'm7i-flex.large': type(2, 8, 3, 10),
  'm7i.large': type(2, 8, 3, 10),
  'm7i.xlarge': type(4, 16, 4, 15),
  'm7g.large': type(2, 8, 3, 10, 'arm64'),
  'm7g.xlarge': type(4, 16, 4, 15, 'arm64'),
  'm8g.large': type(2, 8, 3, 10, 'arm64'),
};

/** An instance type by its name. Throws for one that the settings do not know. */
export function instanceType(name: string): InstanceType {
  const found = INSTANCE_TYPES[name];
  if (found === undefined)
    throw new Error(`unknown instance type ${name}; packages/settings/src/instance-types.ts lists them`);
  return found;
}

/** The most pods of a node where each has an address of an interface, as nodeadm counts them. */
export const podsByAddresses = ({ interfaces, addresses }: Pick<InstanceType, 'interfaces' | 'addresses'>): number =>
  interfaces * (addresses - 1) + 2;

/**
 * The most pods of a node with prefix delegation, where each address is a prefix of sixteen. Managed node groups cap
 * it (EKS user guide, "How maxPods is determined"), and so does the platform in the node's user data.
 */
export const podsByPrefixes = ({
  cpus,
  interfaces,
  addresses,
}: Pick<InstanceType, 'cpus' | 'interfaces' | 'addresses'>): number =>
  Math.min(cpus < 30 ? 110 : 250, interfaces * (addresses - 1) * 16 + 2);
