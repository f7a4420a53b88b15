import fc from 'fast-check';
import t from 'tap';
import { bits, type Cidr, contains, formatCidr, overlaps, parseCidr, size } from '../src/cidr.ts';
import { type Plan, PlanError, type PlanRequest, planSubnets } from '../src/plan.ts';

const cidr = parseCidr;

t.test('a plan has each tier in each zone, the largest placed first, and says what is left', (t) => {
  const plan = planSubnets({
    cidr: cidr('10.0.0.0/16'),
    zones: ['a', 'b'],
    tiers: [
      { name: 'public', prefixLength: 20 },
      { name: 'private', prefixLength: 18 },
    ],
  });
  t.strictSame(
    plan.subnets.map((subnet) => [subnet.tier, subnet.zone, formatCidr(subnet.cidr)]),
    [
      ['public', 'a', '10.0.128.0/20'],
      ['public', 'b', '10.0.144.0/20'],
      ['private', 'a', '10.0.0.0/18'],
      ['private', 'b', '10.0.64.0/18'],
    ],
  );
  t.strictSame(plan.free.map(formatCidr), ['10.0.160.0/19', '10.0.192.0/18']);
  t.end();
});

t.test('what is taken is left alone, and the smallest hole that is large enough is used first', (t) => {
  const plan = planSubnets({
    cidr: cidr('192.0.2.0/24'),
    zones: ['a'],
    tiers: [{ name: 'db', prefixLength: 28 }],
    taken: [cidr('192.0.2.0/27'), cidr('192.0.2.48/28'), cidr('10.0.0.0/8'), cidr('2001:db8::/32')],
  });
  t.equal(plan.subnets.map((subnet) => formatCidr(subnet.cidr)).join(), '192.0.2.32/28');
  t.strictSame(plan.free.map(formatCidr), ['192.0.2.64/26', '192.0.2.128/25']);
  t.end();
});

t.test('where there is no plan, the message names the subnet and what is left', (t) => {
  const request: PlanRequest = {
    cidr: cidr('10.0.0.0/24'),
    zones: ['a', 'b', 'c'],
    tiers: [
      { name: 'web', prefixLength: 26 },
      { name: 'db', prefixLength: 26 },
    ],
  };
  t.throws(() => planSubnets(request), {
    name: 'PlanError',
    message:
      'the /26 of tier "db" in zone "b" does not fit into 10.0.0.0/24: 4 of 6 subnets are placed and nothing of it is left',
  });
  t.throws(() => planSubnets({ ...request, taken: [cidr('10.0.0.0/8')] }), {
    message: /tier "web" in zone "a" .* nothing of it is left$/,
  });
  t.throws(() => planSubnets({ ...request, tiers: [{ name: 'huge', prefixLength: 16 }] }), {
    message: /the \/16 of tier "huge".*the largest network left in it is 10\.0\.0\.0\/24$/,
  });
  t.throws(() => planSubnets({ ...request, tiers: [{ name: 'tiny', prefixLength: 33 }] }), {
    name: 'PlanError',
    message: 'the tier "tiny" asks for /33, and an IPv4 network has at most /32',
  });
  t.throws(
    () =>
      planSubnets({
        ...request,
        taken: [cidr('10.0.0.64/28'), cidr('10.0.0.128/28')],
        zones: ['a'],
        tiers: [{ name: 'half', prefixLength: 25 }],
      }),
    { message: /the largest network left in it is 10\.0\.0\.0\/26$/ },
  );
  t.end();
});

/** Requests in a small network at a random place of a random family, so that both ends of the address space come up. */
const requests = fc
  .record({
    family: fc.constantFrom<4 | 6>(4, 6),
    place: fc.oneof(fc.bigInt(0n, (1n << 128n) - 1n), fc.constantFrom(0n, (1n << 128n) - 1n)),
    hostBits: fc.integer({ min: 0, max: 8 }),
  })
  .chain(({ family, place, hostBits }) => {
    const network = ((place & ((1n << BigInt(bits(family))) - 1n)) >> BigInt(hostBits)) << BigInt(hostBits);
    const whole: Cidr = { family, network, prefixLength: bits(family) - hostBits };
    const inside = fc
      .record({
        offset: fc.bigInt(0n, (1n << BigInt(hostBits)) - 1n),
        free: fc.integer({ min: 0, max: Math.max(0, hostBits - 2) }),
      })
      .map(({ offset, free }): Cidr => ({
        family,
        network: ((network + offset) >> BigInt(free)) << BigInt(free),
        prefixLength: bits(family) - free,
      }));
    return fc.record({
      cidr: fc.constant(whole),
      zones: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      tiers: fc.uniqueArray(
        fc.record({
          name: fc.string({ minLength: 1, maxLength: 3 }),
          prefixLength: fc.integer({ min: bits(family) - Math.max(0, hostBits - 1), max: bits(family) }),
        }),
        { minLength: 1, maxLength: 3, selector: ({ name }) => name },
      ),
      taken: fc.array(inside, { maxLength: 4 }),
    });
  });

function attempt(request: PlanRequest): Plan | undefined {
  try {
    return planSubnets(request);
  } catch (error) {
    if (error instanceof PlanError) return undefined;
    throw error;
  }
}

const addresses = ({ network, ...rest }: Cidr): bigint[] =>
  Array.from({ length: Number(size({ network, ...rest })) }, (_, index) => network + BigInt(index));

/** Whether networks stand by address and apart. */
function areInOrder(networks: readonly Cidr[]): boolean {
  for (const [index, a] of networks.entries())
    for (const b of networks.slice(index + 1)) if (a.network >= b.network || overlaps(a, b)) return false;
  return true;
}

/** What was asked for, a line for each subnet. */
function asked({ tiers, zones }: PlanRequest): string {
  const lines: string[] = [];
  for (const { name, prefixLength } of tiers) for (const zone of zones) lines.push(`${name} ${zone} ${prefixLength}`);
  return lines.join('\n');
}

t.test(
  'property: subnets, what was taken and what is free are apart and together make up the whole, address by address',
  (t) => {
    let plans = 0;
    fc.assert(
      fc.property(requests, (request) => {
        const plan = attempt(request);
        if (plan === undefined) return;
        plans += 1;
        if (
          plan.subnets.map(({ tier, zone, cidr: { prefixLength } }) => `${tier} ${zone} ${prefixLength}`).join('\n') !==
          asked(request)
        )
          throw new Error('not what was asked for');
        const taken = new Set(request.taken.flatMap(addresses));
        const seen = [...plan.subnets.map((subnet) => subnet.cidr), ...plan.free].flatMap(addresses);
        const all = new Set(seen);
        if (all.size !== seen.length) throw new Error('two networks share an address');
        if (seen.some((address) => taken.has(address))) throw new Error('a taken address was given away');
        for (const address of addresses(request.cidr))
          if (all.has(address) === taken.has(address)) throw new Error('an address is lost');
        if (!areInOrder(plan.free)) throw new Error('what is free is not in order');
      }),
      { numRuns: 400 },
    );
    t.ok(plans > 100, `${plans} plans were made`);
    t.end();
  },
);

/** Tries every place for every subnet. */
function somePlanExists({ cidr: whole, zones, tiers, taken = [] }: PlanRequest): boolean {
  const lengths = tiers.flatMap((tier) => zones.map(() => tier.prefixLength)).toSorted((a, b) => b - a);
  const search = (rest: readonly number[], used: readonly Cidr[]): boolean => {
    const [prefixLength, ...others] = rest;
    if (prefixLength === undefined) return true;
    const step = 1n << BigInt(bits(whole.family) - prefixLength);
    for (let network = whole.network; network < whole.network + size(whole); network += step) {
      const place = { family: whole.family, network, prefixLength };
      if (
        network % step === 0n &&
        contains(whole, place) &&
        !used.some((other) => overlaps(other, place)) &&
        search(others, [...used, place])
      )
        return true;
    }
    return false;
  };
  return search(lengths, taken);
}

t.test('property: a plan is found whenever there is one', (t) => {
  const small = requests.filter(
    ({ cidr: whole, zones, tiers }) => size(whole) <= 16n && zones.length * tiers.length <= 5,
  );
  const seen = { possible: 0, impossible: 0 };
  fc.assert(
    fc.property(small, (request) => {
      const possible = somePlanExists(request);
      seen[possible ? 'possible' : 'impossible'] += 1;
      return (attempt(request) !== undefined) === possible;
    }),
    { numRuns: 300 },
  );
  t.ok(seen.possible > 30 && seen.impossible > 30, JSON.stringify(seen));
  t.end();
});
