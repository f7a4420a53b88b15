import { formatCidr, parseCidr } from '@gitops/subnets/cidr';
import { planSubnets } from '@gitops/subnets/plan';
import { type NetworkSettings, ZONES } from './schema.ts';

export { ZONES_WITHOUT_EKS } from './regions.ts';

/**
 * The kinds of subnets that a cluster on AWS has in each of its zones.
 *
 * - private: nodes and pods, which reach the internet through a NAT gateway. A pod has an address of the VPC, and with
 *   prefix delegation a node takes them sixteen at a time, so these are large: 8187 addresses, or about 500 prefixes, a
 *   zone.
 * - public: load balancers and NAT gateways. An ALB needs eight free addresses in each and grows to a hundred; a /24
 *   has 251.
 */
const TIERS = [
  { name: 'private', prefixLength: 19 },
  { name: 'public', prefixLength: 24 },
] as const;

/** The AWS APIs that nodes and pods call all the time: images, tokens, logs, their own cluster. */
export const INTERFACE_ENDPOINTS = ['ec2', 'ecr.api', 'ecr.dkr', 'eks', 'eks-auth', 'logs', 'ssm', 'sts'] as const;

export type Tier = (typeof TIERS)[number]['name'];

export interface Subnet {
  readonly tier: Tier;
  readonly zone: string;
  /** As text, 10.0.0.0/19. */
  readonly cidr: string;
}

/**
 * The subnets of a cluster's network, one for each tier and zone. The VPC is laid out by it; NetworkPolicies and proofs
 * ask it where load balancers and pods are.
 *
 * Room for four zones is planned from the start, so that a zone added at the end moves no subnet of the others: AWS
 * cannot move a subnet, only delete it with all that is in it. In a /16 nearly half of the addresses stay free for
 * further tiers.
 * @throws PlanError where the network is too small
 */
export function subnetPlan({ cidr, zones }: Pick<NetworkSettings, 'cidr' | 'zones'>): Subnet[] {
  const spare: string[] = [];
  for (let number = zones.length + 1; number <= ZONES; number += 1) spare.push(`number ${number}, kept free`);
  const { subnets } = planSubnets({ cidr: parseCidr(cidr), zones: [...zones, ...spare], tiers: TIERS });
  const planned: Subnet[] = [];
  for (const { name } of TIERS) {
    const used = subnets.filter(({ tier, zone }) => tier === name && zones.includes(zone));
    for (const subnet of used) planned.push({ tier: name, zone: subnet.zone, cidr: formatCidr(subnet.cidr) });
  }
  return planned;
}
