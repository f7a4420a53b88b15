import { INSTANCE_TYPES } from '@gitops/settings/instance-types';
import { contains, overlaps, parseCidr } from '@gitops/subnets/cidr';
import { block, type Context, optional, text, texts } from '../kind.ts';
import type { Values } from '../values.ts';
import { allowsService, form, given, json, type Limits, otherThan, roleBy } from './limit.ts';

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(parseCidr);
const LOG_TYPES = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'];
const ACCESS_POLICIES =
  /^arn:aws:eks::aws:cluster-access-policy\/AmazonEKS(Admin|ClusterAdmin|AdminView|Edit|View)Policy$/;

/** The VPC of a cluster, by the first of its subnets. */
const vpcOf = ({ values, find }: Context): Values => {
  const [subnetId] = texts(block(values, 'vpc_config'), 'subnet_ids');
  const vpcId = find('aws_subnet', ({ id }) => id === subnetId)?.values.vpc_id;
  return find('aws_vpc', ({ id }) => id === vpcId)?.values ?? {};
};

export const LIMITS_OF_EKS: Readonly<Record<string, Limits>> = {
  aws_eks_cluster: {
    source: 'EKS API reference, CreateCluster, KubernetesNetworkConfigRequest, LogSetup; EKS service quotas',
    unknown: 'free addresses in the subnets, of which it needs six each',
    quota: { most: 100, error: ['ResourceLimitExceededException', 'clusters per region: 100'] },
    refuses: [
      form('name', /^[0-9A-Za-z][\w-]{0,99}$/, ['InvalidParameterException', 'The cluster name is invalid']),
      {
        what: 'a log type that does not exist',
        when: ({ values }) => texts(values, 'enabled_cluster_log_types').some((type) => !LOG_TYPES.includes(type)),
        error: ['InvalidParameterException', 'Invalid cluster log type'],
      },
      {
        what: 'a network of services that is not private, or not between /24 and /12',
        when: ({ values }) => {
          const [cidr] = optional(block(values, 'kubernetes_network_config'), 'service_ipv4_cidr');
          if (cidr === undefined) return false;
          const services = parseCidr(cidr);
          const isPrivate = PRIVATE.some((network) => contains(network, services));
          return !isPrivate || services.prefixLength < 12 || services.prefixLength > 24;
        },
        error: ['InvalidParameterException', 'serviceIpv4Cidr must be a private network between /24 and /12'],
      },
      {
        what: 'a network of services within that of the VPC',
        when: (context) => {
          const [cidr] = optional(block(context.values, 'kubernetes_network_config'), 'service_ipv4_cidr');
          const [network] = optional(vpcOf(context), 'cidr_block');
          return cidr !== undefined && network !== undefined && overlaps(parseCidr(cidr), parseCidr(network));
        },
        error: ['InvalidParameterException', "serviceIpv4Cidr must not overlap with the VPC's network"],
      },
      {
        what: 'more than 40 networks that may reach the API',
        when: ({ values }) => texts(block(values, 'vpc_config'), 'public_access_cidrs').length > 40,
        error: ['InvalidParameterException', 'The maximum number of public access CIDRs is 40'],
      },
    ],
  },
  aws_eks_access_entry: {
    source: 'EKS API reference, CreateAccessEntry',
    unknown: "whether people's roles exist, which EKS looks up (the provider repeats it for two minutes)",
    refuses: [
      form('principal_arn', /^arn:aws:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/, [
        'InvalidParameterException',
        'The specified principalArn is invalid: invalid principal',
      ]),
    ],
  },
  aws_eks_access_policy_association: {
    source: 'EKS user guide, "Review access policy permissions"',
    unknown: 'policies of other services of AWS',
    refuses: [
      form('policy_arn', ACCESS_POLICIES, ['ResourceNotFoundException', 'The specified policyArn could not be found']),
      {
        what: 'namespaces beside a scope of the cluster',
        when: ({ values }) => {
          const scope = block(values, 'access_scope');
          return (text(scope, 'type') === 'cluster') === texts(scope, 'namespaces').length > 0;
        },
        error: ['InvalidParameterException', 'Namespaces belong to a scope of type namespace, and to no other'],
      },
    ],
  },
  aws_eks_pod_identity_association: {
    source:
      'EKS user guide, "Create IAM role with trust policy required by EKS Pod Identity", "EKS Pod Identity considerations"',
    unknown: 'whether the service account exists, which EKS does not look up',
    quota: {
      most: 5000,
      per: (values) => text(values, 'cluster_name'),
      error: ['ResourceLimitExceededException', 'EKS Pod Identity associations per cluster: 5000'],
    },
    refuses: [
      {
        what: 'a role that pods may not assume',
        when: (context) =>
          !allowsService(json(roleBy(context, 'role_arn'), 'assume_role_policy'), 'pods.eks.amazonaws.com'),
        error: ['InvalidParameterException', 'Trust policy of role is not valid for EKS Pod Identity'],
      },
    ],
  },
  aws_eks_addon: {
    source: 'EKS API reference, CreateAddon',
    unknown: 'which add-ons and versions exist, and the schema of their configuration',
    refuses: [
      otherThan(
        'resolve_conflicts_on_create',
        ['NONE', 'OVERWRITE'],
        ['InvalidParameterException', 'PRESERVE is for updates alone'],
      ),
      {
        what: 'a configuration that is no JSON',
        when: ({ values }) =>
          text(values, 'configuration_values') !== '' && Object.keys(json(values, 'configuration_values')).length === 0,
        error: ['InvalidParameterException', 'ConfigurationValue provided in request is not supported: not valid JSON'],
      },
    ],
  },
  aws_eks_node_group: {
    source:
      'EKS API reference, CreateNodegroup; EKS user guide, "Customize managed nodes with launch templates"; EKS service quotas',
    unknown: 'the quota of instances, and what a zone has of a type at the moment',
    quota: {
      most: 30,
      per: (values) => text(values, 'cluster_name'),
      error: ['ResourceLimitExceededException', 'managed node groups per cluster: 30'],
    },
    refuses: [
      {
        what: 'the size of a disk beside a launch template',
        when: ({ values }) => given(values, 'disk_size') && Object.keys(block(values, 'launch_template')).length > 0,
        error: ['InvalidParameterException', 'Disk size must be specified within the launch template.'],
      },
      {
        what: 'an instance type of another architecture than the image',
        when: ({ values }) => {
          const wanted = text(values, 'ami_type').includes('ARM_64') ? 'arm64' : 'amd64';
          return texts(values, 'instance_types').some(
            (type) => (INSTANCE_TYPES[type]?.architecture ?? wanted) !== wanted,
          );
        },
        error: ['InvalidParameterException', 'is not a valid instance type for requested amiType'],
      },
      {
        what: 'more than 450 nodes',
        when: ({ values }) => Number(block(values, 'scaling_config').max_size) > 450,
        error: ['InvalidParameterException', 'nodes per managed node group: 450'],
      },
      {
        what: 'a name of more than 63 characters',
        when: ({ values }) =>
          (optional(values, 'node_group_name')[0] ?? '').length > 63 ||
          text(values, 'node_group_name_prefix').length > 37,
        error: ['InvalidParameterException', "nodegroupName can't be longer than 63 characters"],
      },
      {
        what: 'both a number and a share of nodes that an update may take',
        when: ({ values }) => {
          const { max_unavailable: count, max_unavailable_percentage: share } = block(values, 'update_config');
          return (count ?? null) !== null && (share ?? null) !== null;
        },
        error: ['InvalidParameterException', 'Only one of maxUnavailable and maxUnavailablePercentage may be set'],
      },
    ],
  },
};
