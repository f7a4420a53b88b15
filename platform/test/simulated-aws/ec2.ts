import { type Cidr, contains, overlaps, parseCidr } from '@gitops/subnets/cidr';
import {
  byArn,
  type Context,
  type DataSources,
  inSubnets,
  inVpc,
  type Kind,
  type Kinds,
  optional,
  regionalArn,
  roleNameOf,
  text,
  texts,
  type ThingContext,
  withRole,
} from './kind.ts';

// EC2: the VPC and what is in it; routing has a file of its own. Known: what must exist before what, which CIDRs and
// names may not be there twice, which networks a VPC may have and where a subnet lies, and that nothing is deleted while
// network interfaces of others are in it. Not known: which zones an account has, and what a security group lets through.

/** A resource whose ARN ends in its id, and that has an owner. */
const owned = (path: string): Pick<Kind, 'computed' | 'fill'> => ({
  computed: ['id', 'arn', 'owner_id'],
  fill: (context) => ({
    arn: regionalArn(context, 'ec2', `${path}/${context.id}`),
    owner_id: context.caller.accountId,
  }),
});

/** What controllers and services leave in a VPC keeps it from being deleted. */
const checkInterfaces =
  (name: string, attribute: string) =>
  ({ find, thing, fail }: ThingContext): void => {
    const left = find('network_interface', ({ values }) => values[attribute] === thing.id);
    if (left === undefined) return;
    const description = text(left.values, 'description');
    fail('DependencyViolation', `The ${name} '${thing.id}' has dependencies and cannot be deleted: ${description}`);
  };

const networkOf = (values: Context['values']): Cidr => parseCidr(text(values, 'cidr_block'));

/** VPC user guide, "VPC CIDR blocks": /16 to /28, and none that no packet may have. */
function checkVpcNetwork({ values, fail }: Context): void {
  const network = networkOf(values);
  const given = text(values, 'cidr_block');
  if (network.prefixLength < 16 || network.prefixLength > 28)
    fail('InvalidVpc.Range', `The CIDR '${given}' is invalid.`);
  for (const unusable of ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4'])
    if (overlaps(network, parseCidr(unusable)))
      fail(
        'InvalidParameterValue',
        `Value (${given}) for parameter cidrBlock is invalid. This is not a valid CIDR block.`,
      );
}

/** A subnet lies in its VPC, and in none of its other subnets. */
function checkSubnetNetwork({ values, all, find, fail }: Context): void {
  const network = networkOf(values);
  const given = text(values, 'cidr_block');
  const vpc = find('aws_vpc', ({ id }) => id === values.vpc_id);
  if (vpc !== undefined && !contains(networkOf(vpc.values), network))
    fail('InvalidSubnet.Range', `The CIDR '${given}' is invalid.`);
  const siblings = all('aws_subnet').filter((other) => other.values.vpc_id === values.vpc_id);
  if (siblings.some((other) => overlaps(networkOf(other.values), network)))
    fail('InvalidSubnet.Conflict', `The CIDR '${given}' conflicts with another subnet`);
}

/** Flow logs write by a role, which has to be allowed to. */
function checkFlowLogRole({ values, all, fail }: Context): void {
  const role = roleNameOf(text(values, 'iam_role_arn'));
  if (all('aws_iam_role_policy').some((policy) => policy.values.role === role)) return;
  fail(
    'Unknown error',
    `Access Denied for LogDestination: ${text(values, 'log_destination')}. ` + 'Please check LogDestination permission',
  );
}

export const ec2: Kinds = {
  aws_vpc: {
    prefix: 'vpc-',
    fixed: ['cidr_block', 'instance_tenancy'],
    computed: ['id', 'arn', 'default_route_table_id', 'default_security_group_id', 'main_route_table_id', 'owner_id'],
    fill: (context) => ({
      arn: regionalArn(context, 'ec2', `vpc/${context.id}`),
      default_route_table_id: `rtb-default-${context.id}`,
      default_security_group_id: `sg-default-${context.id}`,
      main_route_table_id: `rtb-default-${context.id}`,
      owner_id: context.caller.accountId,
    }),
    checkCreate: checkVpcNetwork,
    checkDelete: checkInterfaces('vpc', 'vpc_id'),
  },

  aws_subnet: {
    prefix: 'subnet-',
    fixed: ['vpc_id', 'cidr_block', 'availability_zone'],
    unique: (values) => `${text(values, 'vpc_id')} ${text(values, 'cidr_block')}`,
    existsError: 'InvalidSubnet.Conflict',
    references: [inVpc('DependencyViolation')],
    checkCreate: checkSubnetNetwork,
    ...owned('subnet'),
    checkDelete: checkInterfaces('subnet', 'subnet_id'),
  },

  // Comes with every VPC and goes with it; the resource takes it over.
  aws_default_security_group: {
    overwrites: true,
    fixed: ['vpc_id'],
    id: ({ values }) => `sg-default-${text(values, 'vpc_id')}`,
    references: [inVpc()],
    computed: ['id', 'arn', 'name', 'description', 'owner_id'],
    fill: (context) => ({
      arn: regionalArn(context, 'ec2', `security-group/${context.id}`),
      name: 'default',
      description: 'default VPC security group',
      owner_id: context.caller.accountId,
    }),
  },

  aws_security_group: {
    prefix: 'sg-',
    fixed: ['vpc_id', 'name', 'description'],
    unique: (values) => `${text(values, 'vpc_id')} ${text(values, 'name')}`,
    existsError: 'InvalidGroup.Duplicate',
    references: [inVpc('DependencyViolation')],
    ...owned('security-group'),
  },

  aws_vpc_security_group_ingress_rule: {
    prefix: 'sgr-',
    fixed: ['security_group_id'],
    unique: (values) =>
      ['security_group_id', 'ip_protocol', 'from_port', 'to_port', 'cidr_ipv4']
        .map((name) => String(values[name]))
        .join(' '),
    existsError: 'InvalidPermission.Duplicate',
    references: [
      {
        from: (values) => [text(values, 'security_group_id')],
        to: 'aws_security_group',
        missingError: 'InvalidGroup.NotFound',
      },
    ],
    computed: ['id', 'arn', 'security_group_rule_id'],
    fill: (context) => ({
      arn: regionalArn(context, 'ec2', `security-group-rule/${context.id}`),
      security_group_rule_id: context.id,
    }),
  },

  // One of each service in a VPC.
  aws_vpc_endpoint: {
    prefix: 'vpce-',
    fixed: ['vpc_id', 'service_name', 'vpc_endpoint_type'],
    unique: (values) => `${text(values, 'vpc_id')} ${text(values, 'service_name')}`,
    existsError: 'RouteAlreadyExists',
    references: [
      inVpc('DependencyViolation'),
      inSubnets((values) => texts(values, 'subnet_ids')),
      {
        from: (values) => texts(values, 'route_table_ids'),
        to: 'aws_route_table',
        missingError: 'InvalidRouteTableId.NotFound',
      },
      {
        from: (values) => texts(values, 'security_group_ids'),
        to: 'aws_security_group',
        missingError: 'InvalidGroup.NotFound',
        inUseError: 'DependencyViolation',
      },
    ],
    computed: [
      'id',
      'arn',
      'state',
      'prefix_list_id',
      'cidr_blocks',
      'dns_entry',
      'network_interface_ids',
      'owner_id',
      'requester_managed',
      'policy',
    ],
    fill: (context) => ({
      arn: regionalArn(context, 'ec2', `vpc-endpoint/${context.id}`),
      state: 'available',
      prefix_list_id: 'pl-1',
      cidr_blocks: [],
      dns_entry: [],
      network_interface_ids: [],
      owner_id: context.caller.accountId,
      requester_managed: false,
      policy: '{}',
    }),
  },

  aws_flow_log: {
    prefix: 'fl-',
    fixed: ['vpc_id', 'traffic_type', 'log_destination', 'iam_role_arn', 'max_aggregation_interval'],
    references: [
      inVpc(),
      withRole('iam_role_arn', 'InvalidParameter'),
      {
        from: (values) => optional(values, 'log_destination'),
        to: 'aws_cloudwatch_log_group',
        by: byArn,
        missingError: 'InvalidParameter',
      },
    ],
    checkCreate: checkFlowLogRole,
    computed: ['id', 'arn'],
    fill: (context) => ({ arn: regionalArn(context, 'ec2', `vpc-flow-log/${context.id}`) }),
  },

  aws_launch_template: {
    prefix: 'lt-',
    fixed: ['name'],
    unique: (values) => text(values, 'name'),
    existsError: 'InvalidLaunchTemplateName.AlreadyExistsException',
    computed: ['id', 'arn', 'default_version', 'latest_version'],
    fill: (context) => ({
      arn: regionalArn(context, 'ec2', `launch-template/${context.id}`),
      default_version: 1,
      latest_version: 1,
    }),
    // A version never changes: a change makes a new one.
    renewed: ['default_version', 'latest_version'],
    renew: ({ thing }) => {
      const version = Number(thing.values.latest_version) + 1;
      return { default_version: version, latest_version: version };
    },
  },

  aws_ebs_encryption_by_default: { overwrites: true, id: () => 'ebs-encryption', computed: ['id'] },
};

interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

export const ec2Data: DataSources = {
  // Filters by tags, `tag:tier`, and by zone are known; no others.
  aws_subnets: ({ caller, values, all }) => {
    const filters = (values.filter ?? []) as readonly Filter[];
    const matching = all('aws_subnet').filter((subnet) => {
      const tags = (subnet.values.tags_all ?? {}) as Readonly<Record<string, string>>;
      const valueOf = (name: string): unknown =>
        name === 'availability-zone' ? subnet.values.availability_zone : tags[name.replace('tag:', '')];
      return filters.every(({ name, values: wanted }) => wanted.includes(String(valueOf(name))));
    });
    return { id: caller.region, ids: matching.map(({ id }) => id).sort() };
  },
};
