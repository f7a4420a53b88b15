import Type, { type Static } from 'typebox';
import { Freezes } from './freezes.ts';
import { NodeGroup, NodePool } from './node-schema.ts';
import { REGIONS } from './regions.ts';

// Every clusters/*/cluster.yaml is checked against this; `pnpm --filter @gitops/settings schema` writes it for editors.

const strict = { additionalProperties: false } as const;
const accountId = Type.String({
  pattern: '^[0-9]{12}$',
  description: 'AWS account, 12 digits in quotes: as a number it would lose leading zeros',
});
const region = Type.Enum([...REGIONS], { description: 'AWS region that has EKS, for instance us-east-1' });

// Each octet up to 255: otherwise only AWS would refuse 10.0.0.256/16, in the middle of an apply.
const octet = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';

const network = (description: string) =>
  Type.String({ pattern: `^(${octet}\\.){3}${octet}/([0-9]|[12][0-9]|3[0-2])$`, description });
const role = Type.String({
  pattern: '^[A-Za-z0-9+=,.@_/-]{1,128}$',
  description: 'Name of an IAM role of the account, with its path where it has one',
});

/** The controllers that Argo CD runs from upstream charts, each by an ApplicationSet of that name. */
export const CONTROLLERS = [
  'aws-load-balancer-controller',
  'metrics-server',
  'external-secrets',
  'prometheus-operator-crds',
  'kube-prometheus-stack',
  'karpenter',
] as const;
export type Controller = (typeof CONTROLLERS)[number];

const common = {
  // Names of IAM roles, of at most 64 characters, contain it and the repository's name; platform/src/names.ts refuses
  // longer ones.
  name: Type.String({
    pattern: '^[a-z][a-z0-9-]{0,30}$',
    description:
      'name of the cluster and of its folder: up to 31 lower-case letters, digits and dashes, a letter first',
  }),
  kubernetesVersion: Type.String({
    pattern: '^1\\.[0-9]{2}$',
    description: 'Minor version of Kubernetes, in quotes: as a number 1.40 would be 1.4',
  }),
  git: Type.Object(
    {
      repository: Type.String({
        pattern: '^https?://[^ ]+\\.git$',
        description: 'Address of this repository, as Argo CD clones it: http(s) and .git at the end',
      }),
      revision: Type.String({ minLength: 1, description: 'Branch that Argo CD follows' }),
      ownerId: Type.Optional(
        Type.Integer({
          minimum: 1,
          description:
            "GitHub's numeric id of the repository's owner; needed, with repositoryId, for repositories created, " +
            'renamed or moved after 2026-07-15',
        }),
      ),
      repositoryId: Type.Optional(
        Type.Integer({
          minimum: 1,
          description: "GitHub's numeric id of the repository; `gh api repos/OWNER/NAME --jq .id`",
        }),
      ),
    },
    strict,
  ),
  state: Type.Enum(['local', 's3'], {
    description:
      "Where the platform's state is kept: platform/state/ on one machine, or the S3 bucket of each account; " +
      'docs/guides/aws.md says how to move it',
  }),
  controllers: Type.Array(Type.Enum([...CONTROLLERS]), {
    uniqueItems: true,
    description: 'Upstream controllers that Argo CD runs in the cluster',
  }),
  freezes: Type.Optional(Freezes),
  registry: Type.Object(
    { accountId, region },
    {
      ...strict,
      description: 'The one ECR registry for the images of all clusters; its region may differ from theirs',
    },
  ),
};

/** The most zones that a cluster can have: its network is laid out for this many from the start (see network.ts). */
export const ZONES = 4;

const local = {
  // The addresses of their pods share one /24, half of it for each node.
  nodes: Type.Integer({
    minimum: 0,
    maximum: 2,
    description: "Nodes of this machine, each in its own zone; they run the service's pods as processes (Linux only)",
  }),
  simulatedNodes: Type.Integer({
    minimum: 1,
    maximum: 26,
    description: 'Nodes that KWOK simulates, each in its own zone; all other pods are on them',
  }),
};

/** The address of a repository on GitHub: its owner and its name. */
export const GITHUB_REPOSITORY = /^https:\/\/github\.com\/([^/]+)\/([^/]+)\.git$/;

/** The addresses of Kubernetes Services, one of the two ranges that EKS offers; no cluster's network may overlap it. */
export const SERVICE_CIDR = '172.20.0.0/16';

/** The VPC of a cluster. */
export const Network = Type.Object(
  {
    cidr: Type.String({
      pattern: `^(${octet}\\.){3}${octet}/(1[6-9]|2[0-8])$`,
      description: 'Address range of the VPC, /16 to /28, which is what AWS allows',
    }),
    zones: Type.Array(
      Type.String({ pattern: '^[a-z0-9-]+[a-z]$', description: 'Zone of the region, for instance us-east-1a' }),
      {
        minItems: 2,
        maxItems: ZONES,
        uniqueItems: true,
        description:
          `Availability zones; EKS requires two, and the network has room for ${ZONES}. ` +
          'Append a new one at the end: the subnets are numbered in this order',
      },
    ),
    natGateways: Type.Enum(['one', 'per-zone'], {
      description: 'one costs less; per-zone survives the loss of a zone',
    }),
  },
  strict,
);

export type NetworkSettings = Static<typeof Network>;

/** Who can reach the Kubernetes API of a cluster on AWS, and with which rights. */
export const Api = Type.Object(
  {
    publicCidrs: Type.Array(network('Network that may reach the API over the internet, for instance 203.0.113.0/24'), {
      maxItems: 40,
      uniqueItems: true,
      description: 'Networks that may reach the API over the internet; [] makes it private to the VPC',
    }),
    adminRoles: Type.Array(role, {
      minItems: 1,
      uniqueItems: true,
      description: 'IAM roles with full access to the cluster',
    }),
    viewerRoles: Type.Array(role, {
      uniqueItems: true,
      description: 'IAM roles that may read everything but Secrets',
    }),
  },
  strict,
);

/** The previews of pull requests in a cluster on AWS. */
export const Previews = Type.Object(
  {
    domain: Type.String({
      pattern: '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$',
      maxLength: 100,
      description: 'DNS name below which each preview has one of its own, pr-<number>.<domain>',
    }),
  },
  {
    ...strict,
    description:
      'Runs a preview of every pull request with the label `preview`; without it there are none (docs/guides/github.md)',
  },
);

const aws = {
  accountId,
  region,
  network: Network,
  api: Api,
  nodeGroup: NodeGroup,
  nodePool: Type.Optional(NodePool),
  previews: Type.Optional(Previews),
  deletionProtection: Type.Boolean({
    description: 'AWS refuses to delete the cluster until this is false and applied',
  }),
  customerKey: Type.Boolean({
    description:
      'Encrypts Secrets in the cluster and in Secrets Manager, the logs of the control plane and backups with a KMS key ' +
      "of our own, for a dollar a month, instead of AWS's",
  }),
  interfaceEndpoints: Type.Boolean({
    description:
      'AWS APIs are reached inside the VPC, for about 7 dollars a month per service and zone, instead of through the ' +
      'NAT gateways',
  }),
  // The values that CloudWatch Logs accepts, up to a year: API reference, PutRetentionPolicy.
  logRetentionDays: Type.Enum([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], {
    description: 'Days that logs of the control plane and the network are kept',
  }),
  backupRetentionDays: Type.Integer({
    minimum: 1,
    maximum: 365,
    description: 'Days that the daily backup of volumes is kept',
  }),
  budget: Type.Object(
    {
      monthlyUsd: Type.Integer({
        minimum: 1,
        description:
          'Budget of the cluster in US dollars a month: alerts use it, and the tests refuse a plan that lists for more',
      }),
      email: Type.String({ pattern: '^[^@ ]+@[^@ ]+[.][^@ ]+$', description: 'Who receives cost alerts' }),
    },
    strict,
  ),
};

/** A cluster on AWS. */
export const AwsCluster = Type.Object({ ...common, provider: Type.Literal('aws'), ...aws }, strict);

/** The cluster on one machine: a real control plane, nodes that run processes, and simulated ones. */
export const LocalCluster = Type.Object({ ...common, provider: Type.Literal('local'), ...local }, strict);

/** A cluster of either kind. */
export const Cluster = Type.Union([AwsCluster, LocalCluster]);
export type ClusterSettings = Static<typeof Cluster>;
export type AwsClusterSettings = Static<typeof AwsCluster>;
export type LocalClusterSettings = Static<typeof LocalCluster>;

/** A cluster of unknown kind: every setting of either kind, none of them required. */
export const AnyCluster = Type.Object(
  { ...common, provider: Type.Enum(['aws', 'local']), ...Type.Partial(Type.Object({ ...local, ...aws })).properties },
  strict,
);

/** The schema for a cluster with this provider; for an unknown one, what holds for either kind. */
export function schemaOf(provider: unknown): typeof AwsCluster | typeof LocalCluster | typeof AnyCluster {
  if (provider === 'aws') return AwsCluster;
  return provider === 'local' ? LocalCluster : AnyCluster;
}

/**
 * The file for editors: every setting of either kind, none required, since a file is merged over
 * clusters/shared/cluster.yaml.
 */
export function editorSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Settings of a cluster',
    type: 'object',
    properties: AnyCluster.properties,
    additionalProperties: false,
  };
  // The `required` lists are the only arrays of that name in these schemas.
  const withoutRequired = (key: string, value: unknown): unknown =>
    key === 'required' && Array.isArray(value) ? undefined : value;
  return `${JSON.stringify(schema, withoutRequired, 2)}\n`;
}
