import { timings } from '@gitops/service/timings';
import { subnetPlan, type Tier } from '@gitops/settings/network';
import { readYamlFile } from '@gitops/settings/yaml-file';
import { KUBERNETES_MINORS, type Schemas } from '@gitops/tools/schemas';
import type { Tools } from '@gitops/tools/tools';
import type { Proof } from '../commands/check.ts';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { loadSchemas, type StrictSchemas } from '../kubernetes/strict-schemas.ts';
import { deployments, inNamespace } from '../kubernetes/workload.ts';
import type { FleetApplication, FleetOptions } from '../render/fleet.ts';
import type { Renderer } from '../render/renderer.ts';
import { capacityProblems } from './capacity.ts';
import { serviceFlows, surroundingPeers } from './network-peers.ts';
import type { Problem } from './problem.ts';
import { reachabilityProblems, type Surroundings } from './reachability.ts';
import {
  hasUniqueKeys,
  isDeterministic,
  isIndependentOfCapabilities,
  isPermitted,
  isRefreshed,
  keepsPodSecurity,
  keepsSelectors,
  objectProblem,
  renderedOnly,
} from './rendered-proofs.ts';
import { excusedFrom } from './upstream-exceptions.ts';
import { workloadProblems } from './workload-rules.ts';

/** A proof, and what it is for. */
export interface NamedProof {
  readonly name: string;
  readonly intent: string;
  readonly prove: Proof;
}

export interface Proofs {
  /** What a cluster of a minor version tells Helm of itself. */
  readonly capabilities: FleetOptions['capabilities'];
  /** Every proof over a rendered fleet. */
  readonly all: readonly NamedProof[];
  /** Those that look at objects alone and render nothing; cheap enough for hundreds of variants. */
  readonly ofObjects: readonly NamedProof[];
}

/** The objects of an Application, each with the namespace that it goes to. */
export const placed = ({
  objects,
  application,
}: {
  objects: readonly KubernetesObject[];
  application: FleetApplication['application'];
}): KubernetesObject[] => inNamespace(objects, application.spec.destination.namespace ?? 'default');

// Compiling them takes longer than using them.
const loaded = new Map<string, StrictSchemas>();

/**
 * Every proof, over one repository.
 * @param root the repository's folder
 */
export function openProofs(root: string, renderer: Renderer, tools: Pick<Tools, 'bin'>, schemas: Schemas): Proofs {
  const schemaOf = (minor: string): StrictSchemas => {
    const key = `${schemas.key} ${minor}`;
    const known = loaded.get(key) ?? loadSchemas(schemas, minor);
    loaded.set(key, known);
    return known;
  };
  const told = (entry: FleetApplication, problems: readonly Problem[]): string[] =>
    problems.map(({ object, path, rule }) => objectProblem(root, entry, object, path, rule));

  const ofObjects: NamedProof[] = [
    ...KUBERNETES_MINORS.map((minor) => ({
      name: `strict schemas, Kubernetes ${minor}`,
      intent: 'every object is one that the API server knows, with no field that it does not know',
      prove: (fleet: readonly FleetApplication[]) =>
        renderedOnly(fleet).flatMap((entry) =>
          entry.objects.flatMap((object) =>
            schemaOf(minor)
              .problems(entry.chart?.isUpstream === true ? withoutNulls(object) : object)
              .map((problem) => objectProblem(root, entry, nameOf(object), '', `${problem} [Kubernetes ${minor}]`)),
          ),
        ),
    })),
    {
      name: 'workload rules',
      intent:
        'the fields of an application fit each other: probes, ports, selectors, shutdown, load balancer, autoscaling',
      prove: (fleet) =>
        renderedOnly(fleet).flatMap((entry) =>
          told(
            entry,
            workloadProblems(placed(entry), {
              keepAliveSeconds: timings.keepAlive,
              excused: entry.chart?.isUpstream === true ? excusedFrom(entry.chart.name) : [],
            }),
          ),
        ),
    },
    {
      name: 'reachability',
      intent: 'the NetworkPolicies open what a service of ours needs and nothing else',
      prove: (fleet) =>
        renderedOnly(fleet)
          .filter(({ chart }) => chart?.isUpstream !== true)
          .flatMap((entry) =>
            deployments(placed(entry)).flatMap((workload) =>
              told(
                entry,
                reachabilityProblems(
                  placed(entry),
                  surroundingsOf(entry),
                  serviceFlows(nameOf(workload), { api: 'http', admin: 'admin' }),
                ),
              ),
            ),
          ),
    },
    {
      name: 'capacity',
      intent: 'a cluster holds all its pods at their maximum when a zone is lost',
      prove: (fleet) =>
        byCluster(fleet).flatMap(([cluster, objects]) =>
          capacityProblems(cluster, objects).map(
            ({ object: file, path, rule }) =>
              `${readYamlFile(root, file).position(path.split('.')) ?? `${file}:1`}: ${path}: ${rule}`,
          ),
        ),
    },
    { name: 'selectors', intent: 'selectors stay as they are for ever', prove: (fleet) => keepsSelectors(root, fleet) },
    {
      name: 'projects',
      intent: 'Argo CD will be allowed to apply every object',
      prove: (fleet) => isPermitted(root, fleet),
    },
  ];

  return {
    capabilities: (minor) => ({
      kubeVersion: schemas.kubernetes[KUBERNETES_MINORS.find((known) => known === minor) ?? '1.36'].version,
      apiVersions: schemaOf(minor).apiVersions,
    }),
    ofObjects,
    all: [
      ...ofObjects,
      {
        name: 'refresh',
        intent: 'a push to any file that an application reads is noticed',
        prove: (fleet) => isRefreshed(root, fleet),
      },
      {
        name: 'Pod Security',
        intent: 'no pod breaks the level of its namespace',
        prove: async (fleet) => keepsPodSecurity(renderer, root, fleet),
      },
      {
        name: 'determinism',
        intent: 'two renders are equal',
        prove: async (fleet) => isDeterministic(renderer, root, fleet),
      },
      {
        name: 'capabilities',
        intent: 'every Kubernetes from 1.33 on gets the same objects',
        prove: async (fleet) => isIndependentOfCapabilities(renderer, root, fleet, KUBERNETES_MINORS),
      },
      {
        name: 'unique keys',
        intent: 'no template writes a key twice',
        prove: async (fleet) => hasUniqueKeys(tools, root, fleet),
      },
    ],
  };
}

// Each is asked for once a minor version of Kubernetes, and definitions are large.
const nullsLeftOut = new WeakMap<KubernetesObject, KubernetesObject>();

/** As the API server reads it: a list or map that is null is none. Templates of ours write none; upstream's do. */
function withoutNulls(object: KubernetesObject): KubernetesObject {
  const known =
    nullsLeftOut.get(object) ??
    (JSON.parse(JSON.stringify(object, (_, value: unknown) => value ?? undefined)) as KubernetesObject);
  nullsLeftOut.set(object, known);
  return known;
}

/** All objects of each cluster. */
export function byCluster(fleet: readonly FleetApplication[]): [FleetApplication['cluster'], KubernetesObject[]][] {
  const clusters = new Map(fleet.map(({ cluster }) => [cluster.name, cluster]));
  const rendered = renderedOnly(fleet);
  return [...clusters.values()].map((cluster) => [
    cluster,
    rendered.filter((entry) => entry.cluster.name === cluster.name).flatMap(placed),
  ]);
}

/** Who an application's pods might talk with. */
export function surroundingsOf({ cluster, application }: FleetApplication): Surroundings {
  const namespace = application.spec.destination.namespace ?? 'default';
  // The simulated load balancer of a local cluster is on loopback; its pods' addresses mean nothing.
  if (cluster.provider === 'local')
    return {
      peers: surroundingPeers({
        namespace,
        network: '127.0.0.0/8',
        loadBalancerNetworks: ['127.0.0.0/8'],
        podNetworks: [],
      }),
    };
  const networks = (tier: Tier): string[] =>
    subnetPlan(cluster.network).flatMap((subnet) => (subnet.tier === tier ? [subnet.cidr] : []));
  const podNetworks = networks('private');
  return {
    peers: surroundingPeers({
      namespace,
      network: cluster.network.cidr,
      loadBalancerNetworks: networks('public'),
      podNetworks,
    }),
    podNetworks,
  };
}
