import Type, { type Static } from 'typebox';

// Every file of clusters/*/cluster.yaml is checked against this; `pnpm --filter @platform/settings schema` writes it for editors.

const strict = { additionalProperties: false } as const;
const accountId = Type.String({ pattern: '^[0-9]{12}$', description: 'AWS account, 12 digits in quotes: as a number it would lose leading zeros' });
const region = Type.String({ pattern: '^[a-z]{2}(-[a-z]+)+-[0-9]$', description: 'AWS region, for instance eu-central-1' });

const common = {
  name: Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$', description: 'The cluster, named as its folder' }),
  kubernetesVersion: Type.String({ pattern: '^1\\.[0-9]{2}$', description: 'Minor version of Kubernetes, in quotes: as a number 1.40 would be 1.4' }),
  git: Type.Object(
    {
      repository: Type.String({ pattern: '^https?://[^ ]+\\.git$', description: 'Address of this repository, as Argo CD clones it' }),
      revision: Type.String({ minLength: 1, description: 'Branch that Argo CD follows' }),
    },
    strict,
  ),
  registry: Type.Object({ accountId, region }, { ...strict, description: 'The one ECR that holds the images of all clusters' }),
};

/** A cluster on AWS. */
export const AwsCluster = Type.Object(
  {
    ...common,
    provider: Type.Literal('aws'),
    accountId,
    region,
    network: Type.Object(
      {
        cidr: Type.String({ pattern: '^[0-9.]+/(1[6-9]|2[0-8])$', description: 'Address range of the VPC; /16 to /28, which is what AWS takes' }),
        zones: Type.Array(Type.String({ pattern: '^[a-z0-9-]+[a-z]$' }), { minItems: 2, uniqueItems: true, description: 'Availability zones; EKS wants two or more' }),
        natGateways: Type.Enum(['one', 'per-zone'], { description: 'one costs less; per-zone survives the loss of a zone' }),
      },
      strict,
    ),
    nodeGroup: Type.Object(
      {
        instanceType: Type.String({ pattern: '^[a-z0-9-]+\\.[a-z0-9]+$' }),
        minSize: Type.Integer({ minimum: 1 }),
        desiredSize: Type.Integer({ minimum: 1 }),
        maxSize: Type.Integer({ minimum: 1 }),
      },
      strict,
    ),
  },
  strict,
);

/** The cluster on one machine: real control plane, simulated nodes. */
export const LocalCluster = Type.Object(
  { ...common, provider: Type.Literal('local'), nodes: Type.Integer({ minimum: 1, maximum: 26, description: 'Simulated nodes, each in a zone of its own' }) },
  strict,
);

export type ClusterSettings = Static<typeof AwsCluster> | Static<typeof LocalCluster>;

/** For editors: every key of either kind, none required, since a file is merged over clusters/shared/cluster.yaml. */
export function editorSchema(): object {
  const properties = { ...LocalCluster.properties, ...AwsCluster.properties, provider: Type.Enum(['aws', 'local']) };
  // A replacer sees every level; the `required` lists are the only arrays of that name in these schemas.
  const withoutRequired = JSON.stringify({ type: 'object', properties, additionalProperties: false }, (key, value: unknown) => (key === 'required' && Array.isArray(value) ? undefined : value));
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'Settings of a cluster', ...(JSON.parse(withoutRequired) as object) };
}
