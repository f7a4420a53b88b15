import { subnetPlan } from './network.ts';
import { fixedMonthlyUsd, nodeMonthlyUsd } from './prices.ts';
import type { ClusterSettings } from './schema.ts';

/** The values that Argo CD's own chart is given for a cluster, from the repository's root; later ones win. */
export const argocdValueFiles = (cluster: string): readonly string[] => [
  'argocd/values.yaml',
  `clusters/${cluster}/argocd.yaml`,
];

/** What Argo CD knows of the cluster that it runs in. */
export interface ClusterFacts {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: {
    readonly repoURL: string;
    readonly repoRevision: string;
    readonly imageRegistry: string;
    readonly loadBalancerCidrs: string;
  } & Costs &
    Partial<AwsFacts>;
}

/** US dollars a month as text, `75.62`; `none` where nothing is paid. */
interface Costs {
  readonly nodeMonthlyUsd: string;
  readonly fixedMonthlyUsd: string;
  readonly monthlyBudgetUsd: string;
}

interface AwsFacts {
  readonly region: string;
  readonly vpcId: string;
}

/** The registry of a local cluster. .internal is reserved for private use: its nodes know where to find it. */
export const LOCAL_REGISTRY = 'registry.internal';

/** Stands for the VPC before it exists; of the form that AWS gives. */
const UNKNOWN_VPC = 'vpc-00000000000000000';

/**
 * The labels and annotations of the cluster's own Secret in Argo CD, from which ApplicationSets take all that differs.
 * This is the one home of these keys. Annotation keys are plain words without prefix or dash, so that a template can
 * write `.metadata.annotations.repoURL`, where a missing key is an error; `index` on a map returns an empty text
 * instead. The label `cluster` is also the name of the EKS cluster; each of `controllers` is a label, `enabled`.
 * Throws where packages/settings/data/prices.json has no price for the region or its nodes.
 * @param known.repoURL the address of a local Git server instead of that of the settings
 * @param known.vpcId the VPC of a cluster on AWS, which is unknown before it is created
 */
export function clusterFacts(
  settings: ClusterSettings,
  known: { repoURL?: string; vpcId?: string } = {},
): ClusterFacts {
  const { accountId, region } = settings.registry;
  return {
    labels: {
      'argocd.argoproj.io/secret-type': 'cluster',
      cluster: settings.name,
      ...Object.fromEntries(settings.controllers.map((controller) => [controller, 'enabled'])),
    },
    annotations: {
      repoURL: known.repoURL ?? settings.git.repository,
      repoRevision: settings.git.revision,
      imageRegistry: settings.provider === 'local' ? LOCAL_REGISTRY : `${accountId}.dkr.ecr.${region}.amazonaws.com`,
      loadBalancerCidrs: `{${loadBalancerCidrs(settings).join(',')}}`,
      ...costs(settings),
      ...(settings.provider === 'aws' ? { region: settings.region, vpcId: known.vpcId ?? UNKNOWN_VPC } : {}),
    },
  };
}

/** What the cluster's nodes and the rest of it cost by list price, and what they may. */
const costs = (settings: ClusterSettings): Costs =>
  settings.provider === 'local'
    ? { nodeMonthlyUsd: 'none', fixedMonthlyUsd: 'none', monthlyBudgetUsd: 'none' }
    : {
        nodeMonthlyUsd: nodeMonthlyUsd(settings).toFixed(2),
        fixedMonthlyUsd: fixedMonthlyUsd(settings).toFixed(2),
        monthlyBudgetUsd: settings.budget.monthlyUsd.toFixed(2),
      };

/** The networks that load balancers send from. The annotation has them as a list for Helm's --set: `{a,b}`. */
function loadBalancerCidrs(settings: ClusterSettings): string[] {
  // The load balancer is simulated on the machine itself.
  if (settings.provider === 'local') return ['127.0.0.0/8'];
  return subnetPlan(settings.network)
    .filter(({ tier }) => tier === 'public')
    .map(({ cidr }) => cidr);
}

/** The Secret by which Argo CD knows the cluster that it runs in, and ApplicationSets know the cluster's facts. */
export function clusterSecret({ labels, annotations }: ClusterFacts): object {
  const content = { name: 'in-cluster', server: 'https://kubernetes.default.svc', config: '{}' };
  const data = Object.fromEntries(
    Object.entries(content).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'in-cluster', namespace: 'argocd', labels, annotations },
    data,
  };
}
