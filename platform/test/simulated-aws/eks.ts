import { daysOfSupport, hasAddon } from '@gitops/settings/eks-versions';
import { ZONES_WITHOUT_EKS } from '@gitops/settings/network';
import { inCluster, minorOf, requirePolicies, versionOf } from './eks-nodes.ts';
import { block, byArn, type Context, type DataSources, idFromName, inSubnets, type Kinds, NOW } from './kind.ts';
import { optional, regionalArn, text, texts, type ThingContext, withRole } from './kind.ts';

// EKS; its node groups have a file of their own. Known: the managed policies that the roles need, two zones, one way to
// the API at least, versions that exist and go up by one, nodes that are not left behind, add-ons that fit their version
// and wait for nodes and roles, deletion protection. Not known: which versions of an add-on exist, quotas, and anything
// that happens inside the cluster.

/** aws/containers-roadmap#170, #2258; the words of the message are not known. */
function checkZones({ thing, values, find, fail }: ThingContext): void {
  const zonesOf = (of: Context['values']): string[] => {
    const zones = texts(block(of, 'vpc_config'), 'subnet_ids').map((subnet) =>
      text(find('aws_subnet', ({ id }) => id === subnet)?.values ?? {}, 'availability_zone'),
    );
    return [...new Set(zones)].sort();
  };
  if (zonesOf(thing.values).join() !== zonesOf(values).join())
    fail('InvalidParameterException', 'Provided subnets must be in the Availability Zones of the cluster');
}

function checkCluster(context: Context): void {
  const { values, find, fail } = context;
  requirePolicies(context, text(values, 'role_arn'), ['AmazonEKSClusterPolicy']);
  const vpc = block(values, 'vpc_config');
  const zones = new Set<string>();
  for (const subnetId of texts(vpc, 'subnet_ids'))
    zones.add(text(find('aws_subnet', ({ id }) => id === subnetId)?.values ?? {}, 'availability_zone'));
  for (const zone of zones)
    if (ZONES_WITHOUT_EKS.includes(zone))
      fail(
        'UnsupportedAvailabilityZoneException',
        `Cannot create cluster '${text(values, 'name')}' because ${zone}, the targeted availability zone, ` +
          'does not currently have sufficient capacity to support the cluster.',
      );
  if (zones.size < 2) fail('InvalidParameterException', 'Subnets specified must be in at least two different AZs');
  if (vpc.endpoint_public_access === false && vpc.endpoint_private_access !== true)
    fail('InvalidParameterException', 'Private and public endpoint access cannot be false');
}

function checkOffered({ values, fail }: Context): void {
  if (daysOfSupport(text(values, 'version'), new Date(NOW)) === undefined)
    fail('InvalidParameterException', 'unsupported Kubernetes version');
}

/** EKS API reference, UpdateClusterVersion: one minor version at a time, and all node groups are at the old one. */
function checkVersion(context: ThingContext): void {
  const { thing, values, all, fail } = context;
  const before = minorOf(text(thing.values, 'version'));
  const after = minorOf(text(values, 'version'));
  if (after === before) return;
  checkOffered(context);
  if (after < before || after > before + 1)
    fail('InvalidParameterException', `Unsupported Kubernetes minor version update from 1.${before} to 1.${after}`);
  const behind = all('aws_eks_node_group').filter(
    (group) => group.values.cluster_name === thing.id && minorOf(text(group.values, 'version')) !== before,
  );
  if (behind.length > 0)
    fail(
      'InvalidRequestException',
      `Nodegroups ${behind.map(({ values: group }) => text(group, 'node_group_name')).join(', ')} must be updated ` +
        `to match cluster version 1.${before} before updating cluster version`,
    );
}

/** An add-on's version is made for some versions of Kubernetes (EKS API reference, DescribeAddonVersions). */
function checkAddonVersion(context: Context): void {
  const { values, fail } = context;
  const made = /^v(1\.\d+)\./.exec(text(values, 'addon_version'))?.[1];
  const cluster = versionOf(text(values, 'cluster_name'), context);
  if (made !== undefined && minorOf(made) > minorOf(cluster))
    fail('InvalidParameterException', `Addon version specified is not supported in Kubernetes ${cluster}`);
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

function checkAddon(context: Context): void {
  const { values, find, fail } = context;
  checkAddonVersion(context);
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

const ENTRY_TYPES = ['STANDARD', 'EC2_LINUX', 'EC2_WINDOWS', 'FARGATE_LINUX', 'EC2', 'HYBRID_LINUX', 'HYPERPOD_LINUX'];

export const eks: Kinds = {
  aws_eks_cluster: {
    id: idFromName,
    fixed: ['name', 'role_arn', 'bootstrap_self_managed_addons', 'encryption_config', 'kubernetes_network_config'],
    // Encryption is added in place, and never taken away (hashicorp/terraform-provider-aws#17952,
    // aws/containers-roadmap#1755).
    changes: (name, before) => name === 'encryption_config' && Array.isArray(before) && before.length === 0,
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
    checkCreate: (context) => {
      checkOffered(context);
      checkCluster(context);
    },
    checkUpdate: (context) => {
      checkZones(context);
      checkVersion(context);
    },
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
    // EKS API reference, CreateAccessEntry: nodes have their groups by the type, and their role must exist.
    checkCreate: (context) => {
      const { values, find, fail } = context;
      const type = text(values, 'type');
      if (!ENTRY_TYPES.includes(type)) fail('InvalidParameterException', `The type ${type} is not supported`);
      const arn = text(values, 'principal_arn');
      if (type !== 'STANDARD' && find('aws_iam_role', ({ values: role }) => role.arn === arn) === undefined)
        fail('InvalidParameterException', 'The specified principalArn is invalid: invalid principal');
    },
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
    checkCreate: ({ values, find, fail }) => {
      const id = `${text(values, 'cluster_name')}:${text(values, 'principal_arn')}`;
      if (find('aws_eks_access_entry', (entry) => entry.id === id)?.values.type !== 'STANDARD')
        fail('InvalidRequestException', 'Access policies can only be associated with access entries of type STANDARD');
    },
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
    checkUpdate: checkAddonVersion,
    computed: ['id', 'arn', 'addon_version', 'created_at', 'modified_at', 'configuration_values'],
    fill: (context) => ({
      arn: regionalArn(context, 'eks', `addon/${context.id.replace(':', '/')}`),
      addon_version: context.values.addon_version ?? 'v1.0.0-eksbuild.1',
      created_at: NOW,
      modified_at: NOW,
      configuration_values: context.values.configuration_values ?? '',
    }),
  },
};

export const eksData: DataSources = {
  aws_eks_addon_version: ({ values, fail }) => {
    const [name, version] = [text(values, 'addon_name'), text(values, 'kubernetes_version')];
    if (!hasAddon(name, version))
      fail(`reading EKS Add-On version info (${name}, ${version})`, "couldn't find resource");
    return { id: name, version: `v${version}.0-eksbuild.1` };
  },

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
