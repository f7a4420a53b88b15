import { bits, type Cidr, contains, formatCidr, halves, overlaps } from './cidr.ts';

/** One kind of subnet: every zone gets one of this size. */
export interface Tier {
  readonly name: string;
  readonly prefixLength: number;
}

/** What is to be laid out. */
export interface PlanRequest {
  readonly cidr: Cidr;
  readonly zones: readonly string[];
  readonly tiers: readonly Tier[];
  /** Networks that the plan must leave alone; those outside the CIDR do not matter. */
  readonly taken?: readonly Cidr[];
}

export interface PlannedSubnet {
  readonly tier: string;
  readonly zone: string;
  readonly cidr: Cidr;
}

export interface Plan {
  /** One for each tier and zone, in the order of the request. */
  readonly subnets: readonly PlannedSubnet[];
  /** What is left, in as few networks as possible, by address. */
  readonly free: readonly Cidr[];
}

/** Why a plan does not fit. */
export class PlanError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PlanError';
  }
}

/**
 * Lays out a network: one subnet for each tier and zone, none sharing an address with another or with what is taken.
 *
 * The largest subnets are placed first, each into the smallest free network that holds it (the one with the lowest
 * address among equals). Since sizes are powers of two, this finds a plan whenever there is one.
 * @throws PlanError when the subnets do not fit, with the first one that does not
 */
export function planSubnets({ cidr, zones, tiers, taken = [] }: PlanRequest): Plan {
  const impossible = tiers.find(({ prefixLength }) => prefixLength > bits(cidr.family));
  if (impossible !== undefined)
    throw new PlanError(
      `the tier "${impossible.name}" asks for /${impossible.prefixLength}, and an IPv${cidr.family} network has at most /${bits(cidr.family)}`,
    );
  let free = without(cidr, taken);
  const wanted = tiers.flatMap((tier) =>
    zones.map((zone) => ({ tier: tier.name, zone, prefixLength: tier.prefixLength })),
  );
  const placed = new Map<(typeof wanted)[number], Cidr>();
  for (const subnet of wanted.toSorted((a, b) => a.prefixLength - b.prefixLength)) {
    const best = free.reduce<Cidr | undefined>(
      (best, block) =>
        block.prefixLength <= subnet.prefixLength && block.prefixLength > (best?.prefixLength ?? -1) ? block : best,
      undefined,
    );
    if (best === undefined)
      throw new PlanError(explain(subnet, { cidr, free, placed: placed.size, wanted: wanted.length }));
    const [network, rest] = take(best, subnet.prefixLength);
    placed.set(subnet, network);
    free = free.flatMap((block) => (block === best ? rest : [block]));
  }
  return {
    subnets: wanted.map((subnet) => {
      const network = placed.get(subnet);
      if (network === undefined) throw new Error('a subnet was left out');
      return { tier: subnet.tier, zone: subnet.zone, cidr: network };
    }),
    free,
  };
}

/** The first network of a size in a block, and what the block is left with, by address. */
function take(block: Cidr, prefixLength: number): [network: Cidr, rest: Cidr[]] {
  const rest: Cidr[] = [];
  let network = block;
  while (network.prefixLength < prefixLength) {
    const [low, high] = halves(network);
    rest.unshift(high);
    network = low;
  }
  return [network, rest];
}

/** What is left of a network without some others, in as few networks as possible, by address. */
function without(network: Cidr, taken: readonly Cidr[]): Cidr[] {
  const inside = taken.filter((other) => overlaps(network, other));
  if (inside.length === 0) return [network];
  if (inside.some((other) => contains(other, network))) return [];
  return halves(network).flatMap((half) => without(half, inside));
}

function explain(
  subnet: { tier: string; zone: string; prefixLength: number },
  { cidr, free, placed, wanted }: { cidr: Cidr; free: readonly Cidr[]; placed: number; wanted: number },
): string {
  const largest = free.toSorted((a, b) => a.prefixLength - b.prefixLength)[0];
  const left =
    largest === undefined ? 'nothing of it is left' : `the largest network left in it is ${formatCidr(largest)}`;
  return `the /${subnet.prefixLength} of tier "${subnet.tier}" in zone "${subnet.zone}" does not fit into ${formatCidr(cidr)}: ${placed} of ${wanted} subnets are placed and ${left}`;
}
