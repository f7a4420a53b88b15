import Type from 'typebox';
import { INSTANCE_TYPES } from './instance-types.ts';

const strict = { additionalProperties: false } as const;

/** The nodes that pods run on. */
export const NodeGroup = Type.Object(
  {
    instanceType: Type.Enum(Object.keys(INSTANCE_TYPES), {
      description: 'EC2 instance type of packages/settings/src/instance-types.ts',
    }),
    capacityType: Type.Enum(['on-demand', 'spot'], {
      description: 'spot costs about 40 %; AWS may interrupt a node with two minutes of notice',
    }),
    diskGiB: Type.Integer({
      minimum: 20,
      maximum: 1000,
      description: 'Disk of each node in GiB; images and logs of pods need at least 20',
    }),
    minSize: Type.Integer({ minimum: 1, description: 'The fewest nodes; at most desiredSize' }),
    desiredSize: Type.Integer({ minimum: 1, description: 'The nodes that run; an apply sets it' }),
    maxSize: Type.Integer({ minimum: 1, description: 'The most nodes; at least desiredSize' }),
    release: Type.Optional(
      Type.String({
        pattern: '^1\\.[0-9]{2}\\.[0-9]+-[0-9]{8}$',
        description:
          'Release of the image of the nodes, for instance 1.36.1-20260901, to stay with it; without it an apply takes ' +
          'the one that EKS recommends',
      }),
    ),
  },
  strict,
);

/** The nodes that Karpenter adds to the node group while pods find no room, and takes away when they are gone. */
export const NodePool = Type.Object(
  {
    instanceTypes: Type.Array(Type.Enum(Object.keys(INSTANCE_TYPES)), {
      minItems: 1,
      uniqueItems: true,
      description:
        'EC2 instance types that may be added, of packages/settings/src/instance-types.ts; Karpenter takes the cheapest ' +
        'that the pods fit on. Several make spot capacity easier to get',
    }),
    capacityTypes: Type.Array(Type.Enum(['on-demand', 'spot']), {
      minItems: 1,
      uniqueItems: true,
      description: 'What may be bought; of both, spot first',
    }),
    expectedNodes: Type.Integer({
      minimum: 0,
      description:
        'Added nodes on an ordinary day, with every autoscaler at its minimum: `make cost` and the budget count them, and ' +
        '`make check` refuses fewer than the pods need',
    }),
    maxCpus: Type.Integer({
      minimum: 2,
      description: 'The most CPUs that added nodes have together: what the cluster can cost, and all that it can hold',
    }),
  },
  strict,
);
