import {
  block,
  byArn,
  type Context,
  type DataSources,
  idFromName,
  inSubnets,
  type Kinds,
  NOW,
  optional,
} from './kind.ts';
import { type Reference, regionalArn, roleNameOf, text, texts, type ThingContext, withRole } from './kind.ts';

// EKS. Known: the managed policies that the roles need, two zones, one way to the API at least, versions that go up by
// one, what nodes and add-ons wait for, deletion protection. Not known: whether a version or an add-on exists, quotas,
// and anything that happens inside the cluster.

const inCluster: Reference = {
  from: (values) => [text(values, 'cluster_name')],
  to: 'aws_eks_cluster',
  missingError: 'ResourceNotFoundException',
};

/** A role needs what EKS asks of it, before it is used. */
function requirePolicies({ all, fail }: Context, roleArn: string, policies: readonly string[]): void {
  const attachments = all('aws_iam_role_policy_attachment').filter(({ values }) => values.role === roleNameOf(roleArn));
  const held = attachments.map(({ values }) => text(values, 'policy_arn').replace(/^.*\//, ''));
  for (const policy of policies)
    if (!held.includes(policy)) fail('InvalidParameterException', `the role ${roleArn} lacks ${policy}`);
}

function checkCluster(context: Context): void {
  const { values, find, fail } = context;
  requirePolicies(context, text(values, 'role_arn'), ['AmazonEKSClusterPolicy']);
  const vpc = block(values, 'vpc_config');
  const zones = new Set<string>();
  for (const subnetId of texts(vpc, 'subnet_ids'))
    zones.add(text(find('aws_subnet', ({ id }) => id === subnetId)?.values ?? {}, 'availability_zone'));
  if (zones.size < 2) fail('InvalidParameterException', 'Subnets specified must be in at least two different AZs');
  if (vpc.endpoint_public_access === false && vpc.endpoint_private_access !== true)
    fail('InvalidParameterException', 'Private and public endpoint access cannot be false');
}

/** 36 of "1.36" */
const minorOf = (version: string): number => Number(/^1\.(\d+)$/.exec(version)?.[1] ?? 0);

function checkVersion({ thing, values, fail }: ThingContext): void {
  const before = minorOf(text(thing.values, 'version'));
  const after = minorOf(text(values, 'version'));
  if (after < before || after > before + 1)
    fail('InvalidParameterException', `Unsupported Kubernetes minor version update from 1.${before} to 1.${after}`);
}

/** EKS makes the log group where it does not exist; no stack owns it then, and it stays. */
function makeLogGroup({ cloud, caller, find, values, thing }: ThingContext): void {
  if (texts(values, 'enabled_cluster_log_types').length === 0) return;
  const name = `/aws/eks/${thing.id}/cluster`;
  if (find('aws_cloudwatch_log_group', ({ id }) => id === name) === undefined)
    cloud.plant('aws_cloudwatch_log_group', { id: name, name, unmanaged: true }, caller);
}

function checkClusterDelete({ thing, all, fail }: ThingContext): void {
  if (thing.values.deletion_protection === true)
    fail('InvalidRequestException', `cluster ${thing.id} has deletion protection`);
  if (all('aws_eks_node_group').some(({ values }) => values.cluster_name === thing.id))
    fail('ResourceInUseException', 'Cluster has nodegroups attached');
}

/** What is in a cluster goes with it. */
function emptyCluster({ cloud, all, thing }: ThingContext): void {
  for (const inside of [...all('helm_release'), ...all('kubernetes_namespace')])
    if (inside.values.cluster === thing.id) cloud.remove(inside);
}

// Add-ons that run as Deployments wait for a node, and the provider gives up in the end.
const NEED_NODES = ['coredns', 'aws-ebs-csi-driver', 'metrics-server'];
/** Service accounts without whose role an add-on does not come up. */
const NEED_ROLE: Readonly<Record<string, string>> = {
  'aws-ebs-csi-driver': 'ebs-csi-controller-sa',
  'vpc-cni': 'aws-node',
};

function checkAddon({ values, find, fail }: Context): void {
  const name = text(values, 'addon_name');
  const isHere = (other: { values: Context['values'] }): boolean => other.values.cluster_name === values.cluster_name;
  if (NEED_NODES.includes(name) && find('aws_eks_node_group', isHere) === undefined)
    fail(
      'waiting for EKS Add-On',
      `${name} is DEGRADED: InsufficientNumberOfReplicas: ` +
        "The add-on is unhealthy because it doesn't have the desired number of replicas.",
    );
  const account = NEED_ROLE[name];
  if (account === undefined) return;
  const identity = find(
    'aws_eks_pod_identity_association',
    (other) => isHere(other) && other.values.service_account === account,
  );
  if (identity === undefined)
    fail('waiting for EKS Add-On', `${name} is DEGRADED: its service account ${account} has no role`);
}

function checkNodes(context: Context): void {
  const { values, find, fail } = context;
  requirePolicies(context, text(values, 'node_role_arn'), [
    'AmazonEKSWorkerNodePolicy',
    'AmazonEC2ContainerRegistryPullOnly',
  ]);
  const cni = `${text(values, 'cluster_name')}:vpc-cni`;
  if (find('aws_eks_addon', ({ id }) => id === cni) === undefined)
    fail(
      'NodeCreationFailure',
      'Unhealthy nodes in the kubernetes cluster: ' + 'container runtime network not ready: cni plugin not initialized',
    );
  if (find('aws_route', (route) => typeof route.values.nat_gateway_id === 'string') === undefined)
    fail(
      'NodeCreationFailure',
      'Instances failed to join the kubernetes cluster: there is no way out of the private subnets',
    );
}

export const eks: Kinds = {
  aws_eks_cluster: {
    id: idFromName,
    fixed: ['name', 'role_arn', 'bootstrap_self_managed_addons', 'encryption_config', 'kubernetes_network_config'],
    existsError: 'ResourceInUseException',
    references: [
      withRole('role_arn', 'InvalidParameterException'),
      inSubnets((values) => texts(block(values, 'vpc_config'), 'subnet_ids')),
      {
        from: (values) => optional(block(block(values, 'encryption_config'), 'provider'), 'key_arn'),
        to: 'aws_kms_key',
        by: byArn,
        missingError: 'InvalidParameterException',
      },
    ],
    checkCreate: checkCluster,
    checkUpdate: checkVersion,
    checkDelete: checkClusterDelete,
    afterCreate: makeLogGroup,
    afterDelete: emptyCluster,
    computed: [
      'id',
      'arn',
      'certificate_authority',
      'created_at',
      'endpoint',
      'identity',
      'platform_version',
      'status',
    ],
    fill: (context) => ({
      arn: regionalArn(context, 'eks', `cluster/${context.id}`),
      certificate_authority: [{ data: Buffer.from('simulated').toString('base64') }],
      created_at: NOW,
      endpoint: `https://${context.id}.simulated.invalid`,
      identity: [{ oidc: [{ issuer: `https://oidc.simulated.invalid/${context.id}` }] }],
      platform_version: 'eks.1',
      status: 'ACTIVE',
    }),
  },

  aws_eks_access_entry: {
    id: ({ values }) => `${text(values, 'cluster_name')}:${text(values, 'principal_arn')}`,
    fixed: ['cluster_name', 'principal_arn', 'type'],
    existsError: 'ResourceInUseException',
    references: [inCluster],
    computed: ['id', 'access_entry_arn', 'created_at', 'modified_at', 'user_name', 'kubernetes_groups'],
    fill: (context) => ({
      access_entry_arn: regionalArn(context, 'eks', `access-entry/${context.id}`),
      created_at: NOW,
      modified_at: NOW,
      user_name: text(context.values, 'principal_arn'),
      kubernetes_groups: [],
    }),
  },

  aws_eks_access_policy_association: {
    overwrites: true,
    id: ({ values }) => ['cluster_name', 'principal_arn', 'policy_arn'].map((name) => text(values, name)).join('#'),
    fixed: ['cluster_name', 'principal_arn', 'policy_arn', 'access_scope'],
    references: [
      inCluster,
      {
        from: (values) => [`${text(values, 'cluster_name')}:${text(values, 'principal_arn')}`],
        to: 'aws_eks_access_entry',
        missingError: 'ResourceNotFoundException',
      },
    ],
    computed: ['id', 'associated_at', 'modified_at'],
    fill: () => ({ associated_at: NOW, modified_at: NOW }),
  },

  aws_eks_pod_identity_association: {
    prefix: 'a-',
    importId: ({ id, values }) => `${text(values, 'cluster_name')},${id}`,
    fixed: ['cluster_name', 'namespace', 'service_account'],
    unique: (values) => ['cluster_name', 'namespace', 'service_account'].map((name) => text(values, name)).join('/'),
    existsError: 'ResourceInUseException',
    references: [inCluster, withRole('role_arn', 'InvalidParameterException')],
    computed: ['id', 'association_id', 'association_arn', 'external_id'],
    fill: (context) => {
      const path = `podidentityassociation/${text(context.values, 'cluster_name')}/${context.id}`;
      return { association_id: context.id, association_arn: regionalArn(context, 'eks', path), external_id: '' };
    },
  },

  aws_eks_addon: {
    id: ({ values }) => `${text(values, 'cluster_name')}:${text(values, 'addon_name')}`,
    fixed: ['cluster_name', 'addon_name'],
    existsError: 'ResourceInUseException',
    references: [inCluster],
    checkCreate: checkAddon,
    computed: ['id', 'arn', 'addon_version', 'created_at', 'modified_at', 'configuration_values'],
    fill: (context) => ({
      arn: regionalArn(context, 'eks', `addon/${context.id.replace(':', '/')}`),
      addon_version: context.values.addon_version ?? 'v1.0.0-eksbuild.1',
      created_at: NOW,
      modified_at: NOW,
      configuration_values: context.values.configuration_values ?? '',
    }),
  },

  aws_eks_node_group: {
    id: ({ values }) => `${text(values, 'cluster_name')}:${text(values, 'node_group_name')}`,
    fixed: [
      'cluster_name',
      'node_group_name',
      'node_role_arn',
      'subnet_ids',
      'ami_type',
      'capacity_type',
      'instance_types',
    ],
    existsError: 'ResourceInUseException',
    references: [
      inCluster,
      withRole('node_role_arn', 'InvalidParameterException'),
      inSubnets((values) => texts(values, 'subnet_ids')),
      {
        from: (values) => optional(block(values, 'launch_template'), 'id'),
        to: 'aws_launch_template',
        missingError: 'InvalidRequestException',
      },
    ],
    checkCreate: checkNodes,
    computed: ['id', 'arn', 'resources', 'status', 'version', 'release_version'],
    fill: (context) => ({
      arn: regionalArn(context, 'eks', `nodegroup/${context.id.replace(':', '/')}`),
      resources: [],
      status: 'ACTIVE',
      version: '1.36',
      release_version: '1.36.1-20260901',
    }),
  },
};

export const eksData: DataSources = {
  aws_eks_addon_version: ({ values }) => ({
    id: values.addon_name,
    version: `v${text(values, 'kubernetes_version')}.0-eksbuild.1`,
  }),

  aws_eks_cluster: ({ values, find, fail }) => {
    const name = text(values, 'name');
    const cluster =
      find('aws_eks_cluster', ({ id }) => id === name) ??
      fail('ResourceNotFoundException', `No cluster found for name: ${name}.`);
    const { arn, endpoint, certificate_authority, version, status, role_arn } = cluster.values;
    const vpc = block(cluster.values, 'vpc_config');
    const [subnetId] = texts(vpc, 'subnet_ids');
    const vpcId = find('aws_subnet', ({ id }) => id === subnetId)?.values.vpc_id;
    return {
      id: cluster.id,
      arn,
      endpoint,
      certificate_authority,
      version,
      status,
      role_arn,
      vpc_config: [{ ...vpc, vpc_id: vpcId, cluster_security_group_id: `sg-eks-${cluster.id}` }],
    };
  },
};
