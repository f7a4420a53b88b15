import Type, { type Static } from 'typebox';

// Every file of clusters/*/cluster.yaml is checked against this; `pnpm --filter @platform/settings schema` writes it for editors.

const strict = { additionalProperties: false } as const;
const accountId = Type.String({ pattern: '^[0-9]{12}$', description: 'AWS account, 12 digits in quotes: as a number it would lose leading zeros' });
const region = Type.String({ pattern: '^[a-z]{2}(-[a-z]+)+-[0-9]$', description: 'AWS region, for instance eu-central-1' });

// Each octet up to 255: 10.0.0.256/16 would otherwise be told by AWS alone, in the middle of an apply.
const octet = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';

const common = {
  name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$', description: 'The cluster, named as its folder' }),
  kubernetesVersion: Type.String({ pattern: '^1\\.[0-9]{2}$', description: 'Minor version of Kubernetes, in quotes: as a number 1.40 would be 1.4' }),
  git: Type.Object(
    {
      repository: Type.String({ pattern: '^https?://[^ ]+\\.git$', description: 'Address of this repository, as Argo CD clones it: http(s) and .git at the end' }),
      revision: Type.String({ minLength: 1, description: 'Branch that Argo CD follows' }),
    },
    strict,
  ),
  registry: Type.Object({ accountId, region }, { ...strict, description: 'The one ECR that holds the images of all clusters' }),
};

/** The machines that pods run on. */
export const NodeGroup = Type.Object(
  {
    instanceType: Type.String({ pattern: '^[a-z0-9-]+\\.[a-z0-9]+$', description: 'EC2 instance type, for instance t3.medium' }),
    minSize: Type.Integer({ minimum: 1 }),
    desiredSize: Type.Integer({ minimum: 1 }),
    maxSize: Type.Integer({ minimum: 1 }),
  },
  strict,
);

/** The most zones that a cluster has: its network is laid out for this many from the start (see network.ts). */
export const ZONES = 4;

const local = { nodes: Type.Integer({ minimum: 1, maximum: 26, description: 'Simulated nodes, each in a zone of its own' }) };

/** The VPC of a cluster. */
export const Network = Type.Object(
  {
    cidr: Type.String({ pattern: `^(${octet}\\.){3}${octet}/(1[6-9]|2[0-8])$`, description: 'Address range of the VPC; /16 to /28, which is what AWS takes' }),
    zones: Type.Array(Type.String({ pattern: '^[a-z0-9-]+[a-z]$', description: 'Zone of the region, for instance eu-central-1a' }), {
      minItems: 2,
      maxItems: ZONES,
      uniqueItems: true,
      description: `Availability zones; EKS wants two or more, and the network has room for ${ZONES}. A new one is added at the end: the subnets go by this order`,
    }),
    natGateways: Type.Enum(['one', 'per-zone'], { description: 'one costs less; per-zone survives the loss of a zone' }),
  },
  strict,
);

export type NetworkSettings = Static<typeof Network>;

const aws = { accountId, region, network: Network, nodeGroup: NodeGroup };

/** A cluster on AWS. */
export const AwsCluster = Type.Object({ ...common, provider: Type.Literal('aws'), ...aws }, strict);

/** The cluster on one machine: real control plane, simulated nodes. */
export const LocalCluster = Type.Object({ ...common, provider: Type.Literal('local'), ...local }, strict);

/** Any cluster; its provider tells which kind. */
export const Cluster = Type.Union([AwsCluster, LocalCluster]);
export type ClusterSettings = Static<typeof Cluster>;

/** What can be said of a cluster whose kind is not known: every setting of either kind, none of which is required. */
export const AnyCluster = Type.Object({ ...common, provider: Type.Enum(['aws', 'local']), ...Type.Partial(Type.Object({ ...local, ...aws })).properties }, strict);

/** The file for editors: every setting of either kind, none required, since a file is merged over clusters/shared/cluster.yaml. */
export function editorSchema(): string {
  const schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Settings of a cluster', type: 'object', properties: AnyCluster.properties, additionalProperties: false };
  // A replacer sees every level; the `required` lists are the only arrays of that name in these schemas.
  return `${JSON.stringify(schema, (key, value: unknown) => (key === 'required' && Array.isArray(value) ? undefined : value), 2)}\n`;
}
