import { subnetPlan, type Tier } from '@gitops/settings/network';
import { valueAt } from '@gitops/settings/yaml-file';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { deployments, ingresses, jobs } from '../kubernetes/workload.ts';
import { declarationOf } from '../render/declaration.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { placed, renderedOnly } from '../render/rendered.ts';
import { layersOf, merged } from '../render/values.ts';
import { clusterModels } from './cluster-model.ts';
import { objectProblem } from './location.ts';
import { monitoringFlows } from './monitoring-flows.ts';
import { type ScrapedPort, scrapedPorts } from './monitors.ts';
import { type Called, surroundingPeers } from './network-peers.ts';
import { textProblem } from './origin.ts';
import { allowedEgress, calledBy, requiredFlows } from './our-service.ts';
import type { ProofContext } from './proof.ts';
import { closedFlows, reachabilityProblems, type RequiredFlow, type Surroundings } from './reachability.ts';

/**
 * NetworkPolicies of ours that close a required connection, or leave another one open. Of an upstream chart's pods only
 * what Prometheus scrapes is required, and of kube-prometheus-stack's all that they accept.
 */
export function flowProblems(fleet: readonly FleetApplication[], { root }: ProofContext): string[] {
  const found: string[] = [];
  const scraped = new Map(clusterModels(fleet).map(({ cluster, objects }) => [cluster.name, scrapedPorts(objects)]));
  for (const entry of renderedOnly(fleet)) {
    const objects = placed(entry);
    const called = calledIn(root, entry);
    const surroundings = surroundingsOf(entry, fleet, called);
    if (entry.chart?.name === 'kube-prometheus-stack') {
      // What they reach is for each target to decide: Prometheus scrapes any pod.
      const options = { ingressOnly: true };
      for (const problem of reachabilityProblems(objects, surroundings, monitoringFlows(), options))
        found.push(objectProblem(root, entry, problem));
    }
    if (entry.chart?.isUpstream === true) {
      const required = scrapesOf(objects, scraped.get(entry.cluster.name) ?? []);
      for (const problem of closedFlows(objects, surroundings, required))
        found.push(objectProblem(root, entry, problem));
      continue;
    }
    if (entry.cluster.provider === 'aws' && loadBalancerTier(entry, fleet) === 'private') {
      found.push(amongPods(root, entry));
      continue;
    }
    for (const workload of deployments(objects)) {
      const [check] = jobs(objects).map(nameOf);
      const required = requiredFlows(nameOf(workload), check, called);
      const allowed = allowedEgress(nameOf(workload), called);
      for (const problem of reachabilityProblems(objects, surroundings, required, { allowed }))
        found.push(objectProblem(root, entry, problem));
    }
  }
  return found;
}

/** Prometheus' connections to the pods of an Application, by the monitors of its cluster. */
function scrapesOf(objects: readonly KubernetesObject[], scraped: readonly ScrapedPort[]): RequiredFlow[] {
  const own = new Set(objects);
  return scraped
    .filter(({ workload }) => own.has(workload))
    .map(({ workload, port }) => ({ from: 'Prometheus', to: nameOf(workload), port }));
}

/** An internal load balancer that would stand among the pods: what lets it in lets in all of them. */
function amongPods(root: string, entry: FleetApplication): string {
  const rule =
    'an internal load balancer would stand in the private subnets, and no NetworkPolicy can tell it from the pods there; ' +
    'set ingressClassParams.spec.subnets.tags.tier in clusters/shared/aws-load-balancer-controller.yaml to [public]';
  const path = 'metadata.annotations[alb.ingress.kubernetes.io/scheme]';
  const object = `Ingress/${entry.application.metadata.name}`;
  return textProblem(root, entry, { object, path, rule }, 'internal', { key: 'scheme' });
}

/** What a service of ours calls, by its values. */
export const calledIn = (root: string, { chart, application }: FleetApplication): Called[] =>
  chart === undefined || chart.isUpstream
    ? []
    : calledBy(merged(layersOf(root, chart, declarationOf(root, application.metadata.name))));

/**
 * Everything that an application's pods could connect to or be reached from.
 * @param fleet with the other Applications of its cluster
 * @param called what they call
 */
export function surroundingsOf(
  entry: FleetApplication,
  fleet: readonly FleetApplication[],
  called: readonly Called[],
): Surroundings {
  const { cluster, application } = entry;
  const namespace = application.spec.destination.namespace ?? 'default';
  if (cluster.provider === 'local') {
    // The simulated load balancer of a local cluster is on loopback; the addresses of its pods mean nothing.
    const loopback = '127.0.0.0/8';
    return {
      peers: surroundingPeers({
        namespace,
        network: loopback,
        loadBalancerNetworks: [loopback],
        podNetworks: [],
        called,
      }),
    };
  }
  const networks = (tier: Tier): string[] =>
    subnetPlan(cluster.network)
      .filter((subnet) => subnet.tier === tier)
      .map(({ cidr }) => cidr);
  const podNetworks = networks('private');
  const loadBalancerNetworks = networks(loadBalancerTier(entry, fleet));
  return {
    peers: surroundingPeers({ namespace, network: cluster.network.cidr, loadBalancerNetworks, podNetworks, called }),
    podNetworks,
  };
}

/**
 * Which subnets the load balancer of an Application stands in: those that the class of its Ingress chooses by their
 * tags, or else, since the controller then looks for tags of the role (platform/src/stacks/network.ts), public ones if it
 * faces the internet and private ones if it does not.
 */
function loadBalancerTier({ cluster, rendered }: FleetApplication, fleet: readonly FleetApplication[]): Tier {
  const [ingress] = rendered.ok ? ingresses(rendered.value) : [];
  const scheme = ingress?.metadata.annotations?.['alb.ingress.kubernetes.io/scheme'] ?? 'internal';
  if (ingress === undefined || scheme === 'internet-facing') return 'public';
  const others = fleet.filter((other) => other.cluster.name === cluster.name);
  // A chart that is not on this machine may render the class.
  if (others.some((other) => !other.rendered.ok)) return 'public';
  const all = renderedOnly(others).flatMap(({ objects }) => objects);
  const chosen = all.find(({ kind }) => kind === 'IngressClassParams');
  const [tier] = (valueAt(chosen, ['spec', 'subnets', 'tags', 'tier']) ?? []) as readonly Tier[];
  return tier ?? 'private';
}
