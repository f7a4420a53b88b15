import type { Api } from './api.ts';
import { networkCounters } from './network-counters.ts';
import { networks } from './routes/networks.ts';
import { overlaps } from './routes/overlaps.ts';
import { plans } from './routes/plans.ts';
import { reservedRanges } from './routes/reserved-ranges.ts';

/** The first service: it plans networks. */
export const networksApi: Api = {
  name: 'fastify-service',
  document: {
    title: 'Networks',
    description:
      'Plans networks: facts of a CIDR, subnets for zones and tiers, overlaps, and the ranges that are reserved. Numbers in a path or a query are whole decimal numbers, such as 10: no +, no leading zeros, no fraction, no exponent. Every answer that is not a success is a problem document (RFC 9457).',
    version: '1.1.0',
    tags: [{ name: 'networks', description: 'CIDR planning for IPv4 and IPv6' }],
  },
  async routes(app, registry) {
    const counters = networkCounters(registry);
    await app.register(networks);
    await app.register(plans, { counters });
    await app.register(overlaps, { counters });
    await app.register(reservedRanges);
  },
};
