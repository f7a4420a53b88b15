import { PATH } from './servers/answer.ts';

/** A request as the load programs send it. */
export interface LoadRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** JSON. */
  readonly body?: string;
}

const zones = Array.from({ length: 16 }, (_, index) => `zone-${index}`);
const tiers = Array.from({ length: 8 }, (_, index) => ({ name: `tier-${index}`, prefixLength: 56 + index }));

/** Kinds of load, each by the number of the request. */
export const requestKinds = {
  /** Always the same one, which a cache answers. */
  network: (): LoadRequest => ({ method: 'GET', path: PATH }),
  /** Cheap ones, 65,536 of them. */
  networks: (number: number): LoadRequest => ({
    method: 'GET',
    path: `/v1/networks/10.${(number >> 8) & 255}.${number & 255}.0/24`,
  }),
  /** Plans of 128 subnets, each another: no cache helps, and each takes the service a few milliseconds. */
  plans: (number: number): LoadRequest => ({
    method: 'POST',
    path: '/v1/plans',
    body: JSON.stringify({
      cidr: `2001:${((number >> 16) & 65_535).toString(16)}:${(number & 65_535).toString(16)}::/48`,
      zones,
      tiers,
    }),
  }),
} as const satisfies Record<string, (number: number) => LoadRequest>;

export type RequestKind = keyof typeof requestKinds;
