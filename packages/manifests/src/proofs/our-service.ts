import { timings } from '@gitops/service/timings';
import { valueAt } from '@gitops/settings/yaml-file';
import { type Called, NEVER_CALLED } from './network-peers.ts';
import type { AllowedEgress, RequiredFlow } from './reachability.ts';

// All that the proofs know about our own service (service/, charts/fastify-service), and about who talks with it.

export const OUR_SERVICE = {
  /** The names of its container ports: the API's, and the one for probes and metrics. */
  ports: { api: 'http', admin: 'admin' },
  /** Where its metrics are. */
  metricsPath: '/metrics',
  /** The setting for how many seconds it answers open requests after SIGTERM. */
  drainVariable: 'DRAIN_SECONDS',
  /** The setting that offers fault switches at the port for operators. */
  faultsVariable: 'FAULTS',
  /** How long it keeps an idle connection, in seconds. */
  keepAliveSeconds: timings.keepAlive,
} as const;

/**
 * The connections that the service needs, behind an ALB; all others must be closed.
 * @param workload Deployment/fastify-service
 * @param check the Job that asks it after a release; undefined where there is none
 * @param called what it calls, by its values
 */
export function requiredFlows(workload: string, check?: string, called: readonly Called[] = []): RequiredFlow[] {
  const { api, admin } = OUR_SERVICE.ports;
  const ofCheck: RequiredFlow[] =
    check === undefined
      ? []
      : [{ from: check, to: workload, port: api }, { from: check, to: workload, port: admin }, ...dnsFlows(check)];
  return [
    { from: 'load balancer', to: workload, port: api },
    // Its health check.
    { from: 'load balancer', to: workload, port: admin },
    { from: 'Prometheus', to: workload, port: admin },
    ...dnsFlows(workload),
    ...called.map(({ name, port }): RequiredFlow => ({ from: workload, to: name, port })),
    ...ofCheck,
  ];
}

/** The addresses of what the service calls: a pod may have one of them, too. */
export const allowedEgress = (workload: string, called: readonly Called[]): AllowedEgress[] =>
  called.map(({ cidrs, port }) => ({ from: workload, networks: cidrs, except: NEVER_CALLED, port }));

/** What the service calls, by the values of its chart. */
export function calledBy(values: Readonly<Record<string, unknown>>): Called[] {
  const egress = valueAt(values, ['networkPolicy', 'egress']) ?? {};
  return Object.entries(egress as Readonly<Record<string, Omit<Called, 'name'>>>).map(([name, target]) => ({
    name,
    ...target,
  }));
}

const dnsFlows = (workload: string): RequiredFlow[] => [
  { from: workload, to: 'CoreDNS', port: 53, protocol: 'UDP' },
  { from: workload, to: 'CoreDNS', port: 53, protocol: 'TCP' },
  { from: workload, to: 'node-local DNS', port: 53, protocol: 'UDP' },
  { from: workload, to: 'node-local DNS', port: 53, protocol: 'TCP' },
];
