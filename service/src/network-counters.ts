import client from '@prometheus-io/client';
import type { Metrics } from './metrics.ts';

/** What the business wants to know of the routes for networks. */
export function networkCounters(registry: Metrics['registry']) {
  const registers = [registry];
  return {
    plans: new client.Counter({
      name: 'subnet_plans_total',
      help: 'Plans that were asked for and had to be made, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    plannedSubnets: new client.Counter({
      name: 'subnet_plan_subnets_total',
      help: 'Subnets in all plans that were made',
      registers,
    }),
    overlapsFound: new client.Counter({
      name: 'network_overlaps_found_total',
      help: 'Pairs of overlapping networks that were found',
      registers,
    }),
  };
}

export type NetworkCounters = ReturnType<typeof networkCounters>;
