import { formatCidr, parseCidr } from '@gitops/subnets/cidr';
import { planSubnets } from '@gitops/subnets/plan';
import { type NetworkSettings, ZONES } from './schema.ts';

/**
 * The kinds of subnets that a cluster on AWS has in each of its zones.
 *
 * - private: nodes and pods, which leave through a NAT gateway. A pod takes an address of the VPC, and with prefix
 * delegation a
 *   node takes them sixteen at a time, so these are large: 8187 addresses, or some 500 prefixes, a zone.
 * - public: load balancers and NAT gateways. An ALB wants eight free addresses in each and grows to a hundred; a /24
 * has 251.
 */
const TIERS = [
  { name: 'private', prefixLength: 19 },
  { name: 'public', prefixLength: 24 },
] as const;

export type Tier = (typeof TIERS)[number]['name'];

export interface Subnet {
  readonly tier: Tier;
  readonly zone: string;
  /** As text, 10.0.0.0/19. */
  readonly cidr: string;
}

/**
 * The subnets of a cluster's network, one for each tier and zone: the VPC is laid out by it, and what must know where
 * load balancers or pods stand asks it too.
 *
 * Room for four zones is planned from the start, so that a zone added at the end moves no subnet of the others: AWS
 * cannot move one, only delete it with all that stands in it. In a /16 this leaves nearly half of the addresses for
 * tiers to come.
 * @throws PlanError where the network is too small
 */
export function subnetPlan({ cidr, zones }: Pick<NetworkSettings, 'cidr' | 'zones'>): Subnet[] {
  const spare = Array.from(
    { length: Math.max(0, ZONES - zones.length) },
    (_, index) => `number ${zones.length + index + 1}, kept free`,
  );
  const { subnets } = planSubnets({ cidr: parseCidr(cidr), zones: [...zones, ...spare], tiers: TIERS });
  return TIERS.flatMap(({ name }) =>
    subnets.flatMap((subnet) =>
      subnet.tier === name && zones.includes(subnet.zone)
        ? [{ tier: name, zone: subnet.zone, cidr: formatCidr(subnet.cidr) }]
        : [],
    ),
  );
}
