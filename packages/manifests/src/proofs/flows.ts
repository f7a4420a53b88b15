import { subnetPlan, type Tier } from '@gitops/settings/network';
import { nameOf } from '../kubernetes/object.ts';
import { deployments, jobs } from '../kubernetes/workload.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { placed, renderedOnly } from '../render/rendered.ts';
import { objectProblem } from './location.ts';
import { monitoringFlows } from './monitoring-flows.ts';
import { surroundingPeers } from './network-peers.ts';
import { requiredFlows } from './our-service.ts';
import type { ProofContext } from './proof.ts';
import { reachabilityProblems, type Surroundings } from './reachability.ts';

/** NetworkPolicies of ours that close a required connection, or leave another one open. */
export function flowProblems(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found: string[] = [];
  for (const entry of renderedOnly(fleet)) {
    const objects = placed(entry);
    if (entry.chart?.name === 'kube-prometheus-stack') {
      // What they reach is for each target to decide: Prometheus scrapes any pod.
      const options = { ingressOnly: true };
      for (const problem of reachabilityProblems(objects, surroundingsOf(entry), monitoringFlows(), options))
        found.push(objectProblem(root, entry, problem));
    }
    if (entry.chart?.isUpstream === true) continue;
    for (const workload of deployments(objects)) {
      const [check] = jobs(objects).map(nameOf);
      const required = requiredFlows(nameOf(workload), check);
      for (const problem of reachabilityProblems(objects, surroundingsOf(entry), required))
        found.push(objectProblem(root, entry, problem));
    }
  }
  return found;
}

/** Everything that an application's pods could connect to or be reached from. */
export function surroundingsOf({
  cluster,
  application,
}: Pick<FleetApplication, 'cluster' | 'application'>): Surroundings {
  const namespace = application.spec.destination.namespace ?? 'default';
  if (cluster.provider === 'local') {
    // The simulated load balancer of a local cluster is on loopback; the addresses of its pods mean nothing.
    const loopback = '127.0.0.0/8';
    return {
      peers: surroundingPeers({ namespace, network: loopback, loadBalancerNetworks: [loopback], podNetworks: [] }),
    };
  }
  const networks = (tier: Tier): string[] =>
    subnetPlan(cluster.network)
      .filter((subnet) => subnet.tier === tier)
      .map(({ cidr }) => cidr);
  const podNetworks = networks('private');
  const loadBalancerNetworks = networks('public');
  return {
    peers: surroundingPeers({ namespace, network: cluster.network.cidr, loadBalancerNetworks, podNetworks }),
    podNetworks,
  };
}
