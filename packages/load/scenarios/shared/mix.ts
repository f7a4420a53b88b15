/** One kind of request. */
export interface Kind {
  /** How many of a hundred requests are of this kind. */
  readonly weight: number;
  readonly method: 'GET' | 'POST';
  /**
   * What is asked for: its path, and its body where it has one.
   * @param n the number of the request, from 0
   * @param unseen a network that nobody has asked for yet, so that the cache cannot answer
   */
  readonly ask: (n: number, unseen: string) => { readonly path: string; readonly body?: object };
  /** The one status that is right. */
  readonly status: number;
}

const network = (n: number): string => `10.${n % 256}.0.0/16`;
const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const tiers = (count: number, prefixLength: number) => names('tier', count).map((name) => ({ name, prefixLength }));

/** The clients of the service: most read what the cache has, some compute, a few are wrong. */
export const MIX: readonly Kind[] = [
  // From the cache, after the first 32.
  {
    weight: 27,
    method: 'GET',
    status: 200,
    ask: (n) => ({ path: `/v1/networks/${encodeURIComponent(network(n % 32))}` }),
  },
  { weight: 10, method: 'GET', status: 200, ask: (n) => ({ path: `/v1/reserved-ranges?limit=${10 + (n % 4)}` }) },
  // Made for each.
  {
    weight: 10,
    method: 'GET',
    status: 200,
    ask: (_, unseen) => ({ path: `/v1/networks/${encodeURIComponent(unseen)}` }),
  },
  {
    weight: 10,
    method: 'POST',
    status: 200,
    ask: (n) => ({ path: '/v1/overlaps', body: { cidrs: Array.from({ length: 20 }, (_, i) => network(n + i)) } }),
  },
  {
    weight: 10,
    method: 'POST',
    status: 200,
    ask: (_, unseen) => ({
      path: '/v1/plans',
      body: { cidr: '10.0.0.0/8', zones: names('zone', 3), tiers: tiers(4, 20), taken: [unseen] },
    }),
  },
  // The largest that people ask for: 512 subnets, ten times the work of the others: these are what pods are added for.
  {
    weight: 30,
    method: 'POST',
    status: 200,
    ask: (_, unseen) => ({
      path: '/v1/plans',
      body: { cidr: '10.0.0.0/8', zones: names('zone', 16), tiers: tiers(32, 20), taken: [unseen] },
    }),
  },
  // Mistakes of clients, whose right answer is a 4xx.
  { weight: 2, method: 'GET', status: 404, ask: () => ({ path: '/v1/nothing' }) },
  { weight: 1, method: 'GET', status: 400, ask: () => ({ path: '/v1/networks/10.0.0.0%2F99' }) },
];

/** What costs the service little, for drills that count requests and not what they cost. */
export const LIGHT: readonly Kind[] = MIX.filter(({ weight, status }) => weight === 10 && status === 200);

// Coprime to the number of places, so that steps of this length meet each of them once.
const STEP = 61;

/** Each kind as often as its weight says, in an order that mixes them. */
export function schedule(kinds: readonly Kind[]): readonly Kind[] {
  const places = kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
  const order: Kind[] = [];
  for (let place = 0; order.length < places.length; place = (place + STEP) % places.length)
    order.push(...places.slice(place, place + 1));
  return order;
}
