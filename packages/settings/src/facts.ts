import { subnetPlan } from './network.ts';
import { fixedMonthlyUsd, nodeMonthlyUsd } from './prices.ts';
import { type AwsClusterSettings, type ClusterSettings, GITHUB_REPOSITORY } from './schema.ts';

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
    Partial<AwsFacts & PreviewFacts & NodePoolFacts>;
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

/** What Karpenter needs to know, where the cluster has a node pool. */
interface NodePoolFacts {
  /** The name of the queue with EC2's notices of interruptions. */
  readonly interruptionQueue: string;
  readonly nodeInstanceProfile: string;
  /** The public parameter with the image of added nodes. */
  readonly nodeImage: string;
  /** The id of the security group that EKS makes for the cluster. */
  readonly nodeSecurityGroup: string;
}

/** What the ApplicationSets of previews ask for, where the cluster has previews. */
interface PreviewFacts {
  /** The owner and the name of this repository on GitHub. */
  readonly gitHubOwner: string;
  readonly gitHubRepository: string;
  readonly previewDomain: string;
}

/** The registry of a local cluster. .internal is reserved for private use: its nodes know where to find it. */
export const LOCAL_REGISTRY = 'registry.internal';

/** What the platform knows of a cluster on AWS once it has made it. */
export type MadeOnAws = Pick<AwsFacts, 'vpcId'> & NodePoolFacts;

/** Stands for it before the cluster is made; of the form that AWS gives. */
const UNKNOWN: MadeOnAws = {
  vpcId: 'vpc-00000000000000000',
  interruptionQueue: 'unknown',
  nodeInstanceProfile: 'unknown',
  nodeImage: '/aws/service/eks/optimized-ami/unknown/image_id',
  nodeSecurityGroup: 'sg-00000000000000000',
};

/**
 * The labels and annotations of the cluster's own Secret in Argo CD, from which ApplicationSets take all that differs.
 * This is the one home of these keys. Annotation keys are plain words without prefix or dash, so that a template can
 * write `.metadata.annotations.repoURL`, where a missing key is an error; `index` on a map returns an empty text
 * instead. The label `cluster` is also the name of the EKS cluster; each of `controllers` is a label, `enabled`, and so
 * are `argocd` on AWS and `previews`. Throws where packages/settings/data/prices.json has no price for the region or its nodes.
 * @param known.repoURL the address of a local Git server instead of that of the settings
 * @param known.aws what the platform made for a cluster on AWS, which is unknown before that
 */
export function clusterFacts(
  settings: ClusterSettings,
  known: { repoURL?: string; aws?: MadeOnAws } = {},
): ClusterFacts {
  const { accountId, region } = settings.registry;
  return {
    labels: {
      'argocd.argoproj.io/secret-type': 'cluster',
      cluster: settings.name,
      ...Object.fromEntries(settings.controllers.map((controller) => [controller, 'enabled'])),
      // Installed from its chart, and from then on by Git (argocd/applications/argocd.yaml).
      ...(settings.provider === 'aws' ? { argocd: 'enabled' } : {}),
      ...(previewsOf(settings) === undefined ? {} : { previews: 'enabled' }),
    },
    annotations: {
      repoURL: known.repoURL ?? settings.git.repository,
      repoRevision: settings.git.revision,
      imageRegistry: settings.provider === 'local' ? LOCAL_REGISTRY : `${accountId}.dkr.ecr.${region}.amazonaws.com`,
      loadBalancerCidrs: `{${loadBalancerCidrs(settings).join(',')}}`,
      ...costs(settings),
      ...(settings.provider === 'aws' ? awsFacts(settings, known.aws ?? UNKNOWN) : {}),
      ...previewFacts(settings),
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

/** Those of Karpenter only where it runs. */
const awsFacts = (
  { region, nodePool }: AwsClusterSettings,
  { vpcId, ...ofNodePool }: MadeOnAws,
): AwsFacts & Partial<NodePoolFacts> => ({ region, vpcId, ...(nodePool === undefined ? {} : ofNodePool) });

const previewsOf = (settings: ClusterSettings): { readonly domain: string } | undefined =>
  settings.provider === 'aws' ? settings.previews : undefined;

function previewFacts(settings: ClusterSettings): Partial<PreviewFacts> {
  const previews = previewsOf(settings);
  if (previews === undefined) return {};
  const [, gitHubOwner = '', gitHubRepository = ''] = GITHUB_REPOSITORY.exec(settings.git.repository) ?? [];
  return { gitHubOwner, gitHubRepository, previewDomain: previews.domain };
}

/** The repository of images of previews, in the registry of the clusters. */
export const PREVIEW_IMAGES = 'preview/fastify-service';

/** The address of the preview of a pull request; undefined where the cluster has no previews. */
export function previewURL(settings: ClusterSettings, pullRequest: string): string | undefined {
  const previews = previewsOf(settings);
  return previews === undefined ? undefined : `http://pr-${pullRequest}.${previews.domain}`;
}

/** How the names of a cluster's secrets in AWS Secrets Manager begin: External Secrets may read these, and no others. */
export const secretsOf = (cluster: string): string => `${cluster}/`;

/** The secret with the token by which Argo CD lists the pull requests on GitHub. */
export const previewToken = (cluster: string): string => `${secretsOf(cluster)}github-pull-requests`;

/** The values of the chart argocd/root, as CDKTF, packages/local and packages/manifests install it. */
export const rootValues = ({ labels, annotations }: ClusterFacts): Readonly<Record<string, string>> => ({
  cluster: labels.cluster ?? '',
  repoURL: annotations.repoURL,
  revision: annotations.repoRevision,
  ...(labels.previews === 'enabled' ? { previewToken: previewToken(labels.cluster ?? '') } : {}),
});

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
