import type { Caller, SimulatedAws, Thing } from './cloud.ts';
import type { Values } from './values.ts';

// The rules of the simulated AWS, one entry a type: what a thing is called, what it needs, what keeps it from going,
// what can never be changed, and what AWS says of it. From the API references of the services and from the provider's
// documentation.

export interface Context {
  readonly cloud: SimulatedAws;
  readonly caller: Caller;
  readonly values: Values;
  readonly fail: (code: string, message: string) => never;
}

/** Something that a thing names, and that must be there before it. */
export interface Reference {
  /** The names in it; none where it names none. */
  readonly from: (values: Values) => readonly string[];
  readonly to: string;
  /** How the other is named, where that is not its id. */
  readonly by?: (values: Values) => string;
  /** AWS's error when it is not there. */
  readonly missing: string;
  /** AWS's error when the other is to go while this is there; none where AWS lets it. */
  readonly blocks?: string;
}

export interface Kind {
  readonly scope?: 'account' | 'region';
  /** Beginning of an id that AWS makes up. */
  readonly prefix?: string;
  readonly id?: (context: Context) => string;
  /** What no two of them share, besides the id. */
  readonly unique?: (values: Values) => string;
  /** AWS's error when there is one already. */
  readonly exists?: string;
  /** Whether AWS writes over what is there already, as its calls named Put and Attach do. */
  readonly isPut?: boolean;
  /** What the provider imports it by, where that is not its id. */
  readonly importId?: (thing: Thing) => string;
  /** Whether the provider looks it up when it is imported, and fails where it is not there. */
  readonly isRefusedImport?: boolean;
  readonly references?: readonly Reference[];
  readonly requires?: (context: Context) => void;
  /** The attributes that AWS fills in; unknown until then. */
  readonly computed?: readonly string[];
  readonly gives?: (context: Context & { readonly id: string }) => Values;
  readonly created?: (context: Context & { readonly thing: Thing }) => void;
  readonly updated?: (context: Context & { readonly thing: Thing }) => void;
  readonly deleted?: (context: Context & { readonly thing: Thing }) => void;
  readonly blocksDeletion?: (context: Context & { readonly thing: Thing }) => void;
  /** What cannot be changed: another value is another thing. */
  readonly fixed?: readonly string[];
}

const text = (values: Values, name: string): string => (typeof values[name] === 'string' ? values[name] : '');
const texts = (values: Values, name: string): string[] =>
  Array.isArray(values[name]) ? (values[name] as unknown[]).map(String) : [];
/** The first of a block, or an empty one. */
const block = (values: Values, name: string): Values => {
  const given = values[name];
  return ((Array.isArray(given) ? given[0] : given) ?? {}) as Values;
};
const optional = (values: Values, name: string): string[] => (typeof values[name] === 'string' ? [values[name]] : []);

const vpc = (blocks?: string): Reference => ({
  from: (values) => optional(values, 'vpc_id'),
  to: 'aws_vpc',
  missing: 'InvalidVpcID.NotFound',
  ...(blocks === undefined ? {} : { blocks }),
});
const subnets = (from: Reference['from']): Reference => ({
  from,
  to: 'aws_subnet',
  missing: 'InvalidSubnetID.NotFound',
  blocks: 'DependencyViolation',
});
const byArn = (values: Values): string => text(values, 'arn');
const byName = (values: Values): string => text(values, 'name');
const role = (attribute: string, missing: string, blocks?: string): Reference => ({
  from: (values) => optional(values, attribute),
  to: 'aws_iam_role',
  by: byArn,
  missing,
  ...(blocks === undefined ? {} : { blocks }),
});
const roleByName: Reference = {
  from: (values) => [text(values, 'role')],
  to: 'aws_iam_role',
  by: byName,
  missing: 'NoSuchEntity',
  blocks: 'DeleteConflict',
};
const cluster = (blocks?: string): Reference => ({
  from: (values) => [text(values, 'cluster_name')],
  to: 'aws_eks_cluster',
  missing: 'ResourceNotFoundException',
  ...(blocks === undefined ? {} : { blocks }),
});
const bucket: Reference = { from: (values) => [text(values, 'bucket')], to: 'aws_s3_bucket', missing: 'NoSuchBucket' };
const regional = ({ caller }: Context, service: string, rest: string): string =>
  `arn:aws:${service}:${caller.region}:${caller.accountId}:${rest}`;
const global = ({ caller }: Context, service: string, rest: string): string =>
  `arn:aws:${service}::${caller.accountId}:${rest}`;

const hasGateway = ({ cloud, caller }: Context, vpcId: string): boolean =>
  cloud.find('aws_internet_gateway', caller, (thing) => thing.values.vpc_id === vpcId) !== undefined;
const attachedTo = ({ cloud, caller }: Context, roleName: string): string[] =>
  cloud
    .visible('aws_iam_role_policy_attachment', caller)
    .filter(({ values }) => values.role === roleName)
    .map(({ values }) => text(values, 'policy_arn').replace(/^.*\//, ''));
const roleNameOf = (arn: string): string => arn.replace(/^.*\//, '');

/** A role has what an AWS service asks of it. */
function requirePolicies(context: Context, arn: string, wanted: readonly string[], code: string): void {
  const held = attachedTo(context, roleNameOf(arn));
  for (const policy of wanted) if (!held.includes(policy)) context.fail(code, `the role ${arn} lacks ${policy}`);
}

const MINOR = /^1\.(\d+)$/;
const minorOf = (values: Values): number => Number(MINOR.exec(text(values, 'version'))?.[1] ?? 0);

/** A log group that AWS makes by itself is nobody's: it stays, and stands in the way of whoever makes it later. */
function makeLogGroup({ cloud, caller }: Context, name: string): void {
  if (cloud.find('aws_cloudwatch_log_group', caller, ({ id }) => id === name) === undefined)
    cloud.plant('aws_cloudwatch_log_group', { id: name, name, unmanaged: true }, caller);
}

export const kinds: Readonly<Record<string, Kind>> = {
  // --- the network
  aws_vpc: {
    prefix: 'vpc-',
    fixed: ['cidr_block', 'instance_tenancy'],
    computed: ['id', 'arn', 'default_route_table_id', 'default_security_group_id', 'main_route_table_id', 'owner_id'],
    gives: (context) => ({
      arn: regional(context, 'ec2', `vpc/${context.id}`),
      default_route_table_id: `rtb-default-${context.id}`,
      default_security_group_id: `sg-default-${context.id}`,
      main_route_table_id: `rtb-default-${context.id}`,
      owner_id: context.caller.accountId,
    }),
    blocksDeletion: (context) => {
      const left = context.cloud.find(
        'network_interface',
        context.caller,
        ({ values }) => values.vpc_id === context.thing.id,
      );
      if (left !== undefined)
        context.fail(
          'DependencyViolation',
          `The vpc '${context.thing.id}' has dependencies and cannot be deleted: ${text(left.values, 'description')}`,
        );
    },
  },
  aws_subnet: {
    prefix: 'subnet-',
    fixed: ['vpc_id', 'cidr_block', 'availability_zone'],
    unique: (values) => `${text(values, 'vpc_id')} ${text(values, 'cidr_block')}`,
    exists: 'InvalidSubnet.Conflict',
    references: [vpc('DependencyViolation')],
    computed: ['id', 'arn', 'owner_id'],
    gives: (context) => ({ arn: regional(context, 'ec2', `subnet/${context.id}`), owner_id: context.caller.accountId }),
    blocksDeletion: (context) => {
      const left = context.cloud.find(
        'network_interface',
        context.caller,
        ({ values }) => values.subnet_id === context.thing.id,
      );
      if (left !== undefined)
        context.fail(
          'DependencyViolation',
          `The subnet '${context.thing.id}' has dependencies and cannot be deleted: ${text(left.values, 'description')}`,
        );
    },
  },
  aws_internet_gateway: {
    prefix: 'igw-',
    unique: (values) => text(values, 'vpc_id'),
    exists: 'Resource.AlreadyAssociated',
    references: [vpc('DependencyViolation')],
    computed: ['id', 'arn', 'owner_id'],
    gives: (context) => ({
      arn: regional(context, 'ec2', `internet-gateway/${context.id}`),
      owner_id: context.caller.accountId,
    }),
    blocksDeletion: (context) => {
      const mapped =
        context.cloud
          .visible('aws_nat_gateway', context.caller)
          .some(({ values }) => values.vpc_id === context.values.vpc_id) ||
        context.cloud.find(
          'network_interface',
          context.caller,
          ({ values }) => values.vpc_id === context.values.vpc_id && values.public === true,
        ) !== undefined;
      if (mapped)
        context.fail(
          'DependencyViolation',
          `Network ${text(context.values, 'vpc_id')} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.`,
        );
    },
  },
  aws_eip: {
    prefix: 'eipalloc-',
    computed: ['id', 'allocation_id', 'arn', 'public_ip'],
    requires: (context) => {
      // EC2's default quota of a region.
      if (context.cloud.visible('aws_eip', context.caller).length >= 5)
        context.fail('AddressLimitExceeded', 'The maximum number of addresses has been reached.');
    },
    gives: (context) => ({
      allocation_id: context.id,
      arn: regional(context, 'ec2', `elastic-ip/${context.id}`),
      public_ip: '198.51.100.1',
    }),
  },
  aws_nat_gateway: {
    prefix: 'nat-',
    fixed: ['allocation_id', 'subnet_id', 'connectivity_type'],
    references: [
      subnets((values) => optional(values, 'subnet_id')),
      {
        from: (values) => optional(values, 'allocation_id'),
        to: 'aws_eip',
        missing: 'InvalidAllocationID.NotFound',
        blocks: 'InvalidIPAddress.InUse',
      },
    ],
    computed: ['id', 'public_ip', 'private_ip', 'network_interface_id', 'vpc_id'],
    requires: (context) => {
      const subnet = context.cloud.find('aws_subnet', context.caller, ({ id }) => id === context.values.subnet_id);
      const vpcId = text(subnet?.values ?? {}, 'vpc_id');
      if (!hasGateway(context, vpcId))
        context.fail('Gateway.NotAttached', `Network ${vpcId} has no Internet gateway attached`);
      if (optional(context.values, 'allocation_id').length === 0)
        context.fail('MissingParameter', 'a public NAT gateway needs an allocation id');
    },
    gives: ({ cloud, caller, values }) => ({
      public_ip: '198.51.100.1',
      private_ip: '10.0.0.4',
      network_interface_id: 'eni-nat',
      vpc_id: cloud.find('aws_subnet', caller, ({ id }) => id === values.subnet_id)?.values.vpc_id,
    }),
  },
  aws_route_table: {
    prefix: 'rtb-',
    fixed: ['vpc_id'],
    references: [vpc('DependencyViolation')],
    computed: ['id', 'arn', 'owner_id'],
    gives: (context) => ({
      arn: regional(context, 'ec2', `route-table/${context.id}`),
      owner_id: context.caller.accountId,
    }),
  },
  aws_route: {
    fixed: ['route_table_id', 'destination_cidr_block'],
    id: ({ values }) => `r-${text(values, 'route_table_id')}-${text(values, 'destination_cidr_block')}`,
    isRefusedImport: true,
    importId: ({ values }) => `${text(values, 'route_table_id')}_${text(values, 'destination_cidr_block')}`,
    exists: 'RouteAlreadyExists',
    references: [
      {
        from: (values) => [text(values, 'route_table_id')],
        to: 'aws_route_table',
        missing: 'InvalidRouteTableID.NotFound',
      },
      {
        from: (values) => optional(values, 'gateway_id'),
        to: 'aws_internet_gateway',
        missing: 'InvalidInternetGatewayID.NotFound',
      },
      {
        from: (values) => optional(values, 'nat_gateway_id'),
        to: 'aws_nat_gateway',
        missing: 'InvalidNatGatewayID.NotFound',
      },
    ],
    computed: ['id', 'origin', 'state'],
    gives: () => ({ origin: 'CreateRoute', state: 'active' }),
  },
  aws_route_table_association: {
    prefix: 'rtbassoc-',
    isRefusedImport: true,
    importId: ({ values }) => `${text(values, 'subnet_id')}/${text(values, 'route_table_id')}`,
    fixed: ['subnet_id'],
    unique: (values) => text(values, 'subnet_id'),
    exists: 'Resource.AlreadyAssociated',
    references: [
      subnets((values) => optional(values, 'subnet_id')),
      {
        from: (values) => [text(values, 'route_table_id')],
        to: 'aws_route_table',
        missing: 'InvalidRouteTableID.NotFound',
        blocks: 'DependencyViolation',
      },
    ],
    computed: ['id'],
  },
  // These two take over what every VPC has; they go with it.
  aws_default_route_table: {
    isPut: true,
    id: ({ values }) => text(values, 'default_route_table_id'),
    computed: ['id', 'arn', 'owner_id', 'vpc_id'],
    gives: (context) => ({
      arn: regional(context, 'ec2', `route-table/${context.id}`),
      owner_id: context.caller.accountId,
      vpc_id: context.id.replace('rtb-default-', ''),
    }),
  },
  aws_default_security_group: {
    isPut: true,
    id: ({ values }) => `sg-default-${text(values, 'vpc_id')}`,
    references: [vpc()],
    computed: ['id', 'arn', 'name', 'description', 'owner_id'],
    gives: (context) => ({
      arn: regional(context, 'ec2', `security-group/${context.id}`),
      name: 'default',
      description: 'default VPC security group',
      owner_id: context.caller.accountId,
    }),
  },
  aws_security_group: {
    prefix: 'sg-',
    fixed: ['vpc_id', 'name', 'description'],
    unique: (values) => `${text(values, 'vpc_id')} ${text(values, 'name')}`,
    exists: 'InvalidGroup.Duplicate',
    references: [vpc('DependencyViolation')],
    computed: ['id', 'arn', 'owner_id'],
    gives: (context) => ({
      arn: regional(context, 'ec2', `security-group/${context.id}`),
      owner_id: context.caller.accountId,
    }),
  },
  aws_vpc_security_group_ingress_rule: {
    prefix: 'sgr-',
    references: [
      {
        from: (values) => [text(values, 'security_group_id')],
        to: 'aws_security_group',
        missing: 'InvalidGroup.NotFound',
      },
    ],
    computed: ['id', 'arn', 'security_group_rule_id'],
    gives: (context) => ({
      arn: regional(context, 'ec2', `security-group-rule/${context.id}`),
      security_group_rule_id: context.id,
    }),
  },
  aws_vpc_endpoint: {
    prefix: 'vpce-',
    fixed: ['vpc_id', 'service_name', 'vpc_endpoint_type'],
    unique: (values) => `${text(values, 'vpc_id')} ${text(values, 'service_name')}`,
    exists: 'RouteAlreadyExists',
    references: [
      vpc('DependencyViolation'),
      subnets((values) => texts(values, 'subnet_ids')),
      {
        from: (values) => texts(values, 'route_table_ids'),
        to: 'aws_route_table',
        missing: 'InvalidRouteTableId.NotFound',
      },
      {
        from: (values) => texts(values, 'security_group_ids'),
        to: 'aws_security_group',
        missing: 'InvalidGroup.NotFound',
        blocks: 'DependencyViolation',
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
    gives: (context) => ({
      arn: regional(context, 'ec2', `vpc-endpoint/${context.id}`),
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
      vpc(),
      role('iam_role_arn', 'InvalidParameter'),
      {
        from: (values) => optional(values, 'log_destination'),
        to: 'aws_cloudwatch_log_group',
        by: byArn,
        missing: 'InvalidParameter',
      },
    ],
    computed: ['id', 'arn'],
    gives: (context) => ({ arn: regional(context, 'ec2', `vpc-flow-log/${context.id}`) }),
    requires: (context) => {
      const allows = context.cloud
        .visible('aws_iam_role_policy', context.caller)
        .some(({ values }) => values.role === roleNameOf(text(context.values, 'iam_role_arn')));
      if (!allows)
        context.fail(
          'Unknown error',
          `Access Denied for LogDestination: ${text(context.values, 'log_destination')}. Please check LogDestination permission`,
        );
    },
  },
  aws_cloudwatch_log_group: {
    id: ({ values }) => text(values, 'name'),
    fixed: ['name'],
    exists: 'ResourceAlreadyExistsException',
    computed: ['id', 'arn'],
    gives: (context) => ({ arn: regional(context, 'logs', `log-group:${context.id}`) }),
  },

  // --- identity
  aws_iam_role: {
    scope: 'account',
    id: ({ values }) => text(values, 'name'),
    fixed: ['name', 'path'],
    exists: 'EntityAlreadyExists',
    computed: ['id', 'arn', 'create_date', 'unique_id'],
    references: [
      {
        from: (values) => optional(values, 'permissions_boundary'),
        to: 'aws_iam_policy',
        by: byArn,
        missing: 'NoSuchEntity',
        blocks: 'DeleteConflict',
      },
    ],
    requires: ({ values, fail, cloud, caller }) => {
      if (text(values, 'name').length > 64)
        fail('ValidationError', `the name ${text(values, 'name')} is longer than 64 characters`);
      const federated = /arn:aws:iam::\d+:oidc-provider\/[^"]+/.exec(text(values, 'assume_role_policy'))?.[0];
      if (
        federated !== undefined &&
        cloud.find('aws_iam_openid_connect_provider', caller, (thing) => thing.values.arn === federated) === undefined
      )
        fail('MalformedPolicyDocument', `Invalid principal in policy: ${federated}`);
    },
    gives: (context) => ({
      arn: global(context, 'iam', `role/${context.id}`),
      create_date: '2026-01-01T00:00:00Z',
      unique_id: 'AROASIMULATED',
    }),
  },
  aws_iam_role_policy_attachment: {
    scope: 'account',
    isPut: true,
    id: ({ values }) => `${text(values, 'role')}-${text(values, 'policy_arn').replace(/^.*\//, '')}`,
    fixed: ['role', 'policy_arn'],
    references: [roleByName],
    computed: ['id'],
  },
  aws_iam_role_policy: {
    scope: 'account',
    isPut: true,
    id: ({ values }) => `${text(values, 'role')}:${text(values, 'name')}`,
    fixed: ['role', 'name'],
    references: [roleByName],
    computed: ['id'],
    requires: ({ values, fail }) => {
      // All inline policies of a role together, without whitespace.
      if (text(values, 'policy').replace(/\s/g, '').length > 10_240)
        fail('LimitExceeded', `Maximum policy size of 10240 bytes exceeded for role ${text(values, 'role')}`);
    },
  },
  aws_iam_policy: {
    scope: 'account',
    id: (context) => global(context, 'iam', `policy/${text(context.values, 'name')}`),
    fixed: ['name', 'description'],
    exists: 'EntityAlreadyExists',
    computed: ['id', 'arn', 'policy_id', 'attachment_count'],
    requires: ({ values, fail }) => {
      if (text(values, 'policy').replace(/\s/g, '').length > 6_144)
        fail('LimitExceeded', 'Cannot exceed quota for PolicySize: 6144');
    },
    gives: ({ id }) => ({ arn: id, policy_id: 'ANPASIMULATED', attachment_count: 0 }),
  },
  aws_iam_openid_connect_provider: {
    scope: 'account',
    id: (context) => global(context, 'iam', `oidc-provider/${text(context.values, 'url').replace('https://', '')}`),
    fixed: ['url'],
    exists: 'EntityAlreadyExists',
    computed: ['id', 'arn', 'thumbprint_list'],
    gives: ({ id }) => ({ arn: id, thumbprint_list: [] }),
  },
  aws_accessanalyzer_analyzer: {
    id: ({ values }) => text(values, 'analyzer_name'),
    fixed: ['analyzer_name', 'type'],
    exists: 'ConflictException',
    computed: ['id', 'arn'],
    gives: (context) => ({ arn: regional(context, 'access-analyzer', `analyzer/${context.id}`) }),
  },

  // --- the cluster
  aws_eks_cluster: {
    id: ({ values }) => text(values, 'name'),
    fixed: ['name', 'role_arn', 'bootstrap_self_managed_addons', 'encryption_config', 'kubernetes_network_config'],
    exists: 'ResourceInUseException',
    references: [
      role('role_arn', 'InvalidParameterException'),
      subnets((values) => texts(block(values, 'vpc_config'), 'subnet_ids')),
      {
        from: (values) => optional(block(block(values, 'encryption_config'), 'provider'), 'key_arn'),
        to: 'aws_kms_key',
        by: byArn,
        missing: 'InvalidParameterException',
      },
    ],
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
    requires: (context) => {
      const { values, cloud, caller, fail } = context;
      requirePolicies(context, text(values, 'role_arn'), ['AmazonEKSClusterPolicy'], 'InvalidParameterException');
      const zones = new Set(
        texts(block(values, 'vpc_config'), 'subnet_ids').map((id) =>
          text(cloud.find('aws_subnet', caller, (thing) => thing.id === id)?.values ?? {}, 'availability_zone'),
        ),
      );
      if (zones.size < 2) fail('InvalidParameterException', 'Subnets specified must be in at least two different AZs');
      const { endpoint_public_access: isPublic, endpoint_private_access: isPrivate } = block(values, 'vpc_config');
      if (isPublic === false && isPrivate !== true)
        fail('InvalidParameterException', 'Private and public endpoint access cannot be false');
    },
    gives: (context) => ({
      arn: regional(context, 'eks', `cluster/${context.id}`),
      certificate_authority: [{ data: Buffer.from('simulated').toString('base64') }],
      created_at: '2026-01-01T00:00:00Z',
      endpoint: `https://${context.id}.simulated.invalid`,
      identity: [{ oidc: [{ issuer: `https://oidc.simulated.invalid/${context.id}` }] }],
      platform_version: 'eks.1',
      status: 'ACTIVE',
    }),
    created: (context) => {
      if (texts(context.values, 'enabled_cluster_log_types').length > 0)
        makeLogGroup(context, `/aws/eks/${context.thing.id}/cluster`);
    },
    updated: ({ thing, values, fail }) => {
      const [before, after] = [minorOf(thing.values), minorOf(values)];
      if (after < before)
        fail('InvalidParameterException', `Unsupported Kubernetes minor version update from 1.${before} to 1.${after}`);
      if (after > before + 1)
        fail('InvalidParameterException', `Unsupported Kubernetes minor version update from 1.${before} to 1.${after}`);
    },
    blocksDeletion: (context) => {
      const { cloud, caller, thing, fail } = context;
      if (thing.values.deletion_protection === true)
        fail('InvalidRequestException', `cluster ${thing.id} has deletion protection`);
      if (cloud.visible('aws_eks_node_group', caller).some(({ values }) => values.cluster_name === thing.id))
        fail('ResourceInUseException', 'Cluster has nodegroups attached');
    },
    // What is in a cluster goes with it.
    deleted: ({ cloud, caller, thing }) => {
      for (const type of ['helm_release', 'kubernetes_namespace'])
        for (const inside of cloud.visible(type, caller)) if (inside.values.cluster === thing.id) cloud.remove(inside);
    },
  },
  aws_eks_access_entry: {
    id: ({ values }) => `${text(values, 'cluster_name')}:${text(values, 'principal_arn')}`,
    fixed: ['cluster_name', 'principal_arn', 'type'],
    exists: 'ResourceInUseException',
    references: [cluster()],
    computed: ['id', 'access_entry_arn', 'created_at', 'modified_at', 'user_name', 'kubernetes_groups'],
    gives: (context) => ({
      access_entry_arn: regional(context, 'eks', `access-entry/${context.id}`),
      created_at: '2026-01-01T00:00:00Z',
      modified_at: '2026-01-01T00:00:00Z',
      user_name: text(context.values, 'principal_arn'),
      kubernetes_groups: [],
    }),
  },
  aws_eks_access_policy_association: {
    isPut: true,
    id: ({ values }) => ['cluster_name', 'principal_arn', 'policy_arn'].map((name) => text(values, name)).join('#'),
    fixed: ['cluster_name', 'principal_arn', 'policy_arn', 'access_scope'],
    references: [
      cluster(),
      {
        from: (values) => [`${text(values, 'cluster_name')}:${text(values, 'principal_arn')}`],
        to: 'aws_eks_access_entry',
        missing: 'ResourceNotFoundException',
      },
    ],
    computed: ['id', 'associated_at', 'modified_at'],
    gives: () => ({ associated_at: '2026-01-01T00:00:00Z', modified_at: '2026-01-01T00:00:00Z' }),
  },
  aws_eks_pod_identity_association: {
    prefix: 'a-',
    importId: ({ id, values }) => `${text(values, 'cluster_name')},${id}`,
    fixed: ['cluster_name', 'namespace', 'service_account'],
    unique: (values) => ['cluster_name', 'namespace', 'service_account'].map((name) => text(values, name)).join('/'),
    exists: 'ResourceInUseException',
    references: [cluster(), role('role_arn', 'InvalidParameterException')],
    computed: ['id', 'association_id', 'association_arn', 'external_id'],
    gives: (context) => ({
      association_id: context.id,
      association_arn: regional(
        context,
        'eks',
        `podidentityassociation/${text(context.values, 'cluster_name')}/${context.id}`,
      ),
      external_id: '',
    }),
  },
  aws_eks_addon: {
    id: ({ values }) => `${text(values, 'cluster_name')}:${text(values, 'addon_name')}`,
    fixed: ['cluster_name', 'addon_name'],
    exists: 'ResourceInUseException',
    references: [cluster()],
    computed: ['id', 'arn', 'addon_version', 'created_at', 'modified_at', 'configuration_values'],
    requires: (context) => {
      const { values, cloud, caller, fail } = context;
      const name = text(values, 'addon_name');
      const nodes = cloud.find(
        'aws_eks_node_group',
        caller,
        (thing) => thing.values.cluster_name === values.cluster_name,
      );
      // Those that run as Deployments wait for a node, and the provider gives up in the end.
      if (['coredns', 'aws-ebs-csi-driver', 'metrics-server'].includes(name) && nodes === undefined)
        fail(
          'waiting for EKS Add-On',
          `${name} is DEGRADED: InsufficientNumberOfReplicas: The add-on is unhealthy because it doesn't have the desired number of replicas.`,
        );
      const identity = { 'aws-ebs-csi-driver': 'ebs-csi-controller-sa', 'vpc-cni': 'aws-node' }[name];
      const hasIdentity = cloud
        .visible('aws_eks_pod_identity_association', caller)
        .some(
          (thing) => thing.values.cluster_name === values.cluster_name && thing.values.service_account === identity,
        );
      if (identity !== undefined && !hasIdentity)
        fail('waiting for EKS Add-On', `${name} is DEGRADED: its service account ${identity} has no role`);
    },
    gives: (context) => ({
      arn: regional(context, 'eks', `addon/${context.id.replace(':', '/')}`),
      addon_version: context.values.addon_version ?? 'v1.0.0-eksbuild.1',
      created_at: '2026-01-01T00:00:00Z',
      modified_at: '2026-01-01T00:00:00Z',
      configuration_values: context.values.configuration_values ?? '',
    }),
  },
  aws_launch_template: {
    prefix: 'lt-',
    unique: (values) => text(values, 'name'),
    exists: 'InvalidLaunchTemplateName.AlreadyExistsException',
    fixed: ['name'],
    computed: ['id', 'arn', 'default_version', 'latest_version'],
    gives: (context) => ({
      arn: regional(context, 'ec2', `launch-template/${context.id}`),
      default_version: 1,
      latest_version: 1,
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
    exists: 'ResourceInUseException',
    references: [
      cluster(),
      role('node_role_arn', 'InvalidParameterException'),
      subnets((values) => texts(values, 'subnet_ids')),
      {
        from: (values) => optional(block(values, 'launch_template'), 'id'),
        to: 'aws_launch_template',
        missing: 'InvalidRequestException',
      },
    ],
    computed: ['id', 'arn', 'resources', 'status', 'version', 'release_version'],
    requires: (context) => {
      const { values, cloud, caller, fail } = context;
      requirePolicies(
        context,
        text(values, 'node_role_arn'),
        ['AmazonEKSWorkerNodePolicy', 'AmazonEC2ContainerRegistryPullOnly'],
        'InvalidParameterException',
      );
      const network = cloud.find('aws_eks_addon', caller, ({ id }) => id === `${text(values, 'cluster_name')}:vpc-cni`);
      if (network === undefined)
        fail(
          'NodeCreationFailure',
          'Unhealthy nodes in the kubernetes cluster: container runtime network not ready: cni plugin not initialized',
        );
      const leaves = cloud
        .visible('aws_route', caller)
        .some((thing) => thing.values.nat_gateway_id !== null && thing.values.nat_gateway_id !== undefined);
      if (!leaves)
        fail(
          'NodeCreationFailure',
          'Instances failed to join the kubernetes cluster: there is no way out of the private subnets',
        );
    },
    gives: (context) => ({
      arn: regional(context, 'eks', `nodegroup/${context.id.replace(':', '/')}`),
      resources: [],
      status: 'ACTIVE',
      version: '1.36',
      release_version: '1.36.1-20260901',
    }),
  },

  // --- keys, secrets, backups
  aws_kms_key: {
    prefix: '',
    fixed: ['key_usage'],
    computed: ['id', 'arn', 'key_id', 'policy'],
    gives: (context) => ({ arn: regional(context, 'kms', `key/${context.id}`), key_id: context.id, policy: '{}' }),
  },
  aws_kms_alias: {
    id: ({ values }) => text(values, 'name'),
    fixed: ['name'],
    exists: 'AlreadyExistsException',
    references: [
      { from: (values) => [text(values, 'target_key_id')], to: 'aws_kms_key', missing: 'NotFoundException' },
    ],
    computed: ['id', 'arn', 'target_key_arn'],
    gives: (context) => ({
      arn: regional(context, 'kms', context.id),
      target_key_arn: regional(context, 'kms', `key/${text(context.values, 'target_key_id')}`),
    }),
  },
  aws_secretsmanager_secret: {
    id: (context) => regional(context, 'secretsmanager', `secret:${text(context.values, 'name')}-AbCdEf`),
    fixed: ['name'],
    exists: 'ResourceExistsException',
    computed: ['id', 'arn', 'policy'],
    gives: ({ id }) => ({ arn: id, policy: '' }),
    requires: ({ cloud, caller, values, fail }) => {
      if (cloud.find('secret_pending_deletion', caller, ({ id }) => id === values.name) !== undefined)
        fail(
          'InvalidRequestException',
          `You can't create this secret because a secret with this name is already scheduled for deletion.`,
        );
    },
    deleted: ({ cloud, caller, values }) => {
      if (values.recovery_window_in_days !== 0) cloud.plant('secret_pending_deletion', { id: values.name }, caller);
    },
  },
  aws_backup_vault: {
    id: ({ values }) => text(values, 'name'),
    fixed: ['name'],
    exists: 'AlreadyExistsException',
    computed: ['id', 'arn', 'recovery_points', 'kms_key_arn'],
    gives: (context) => ({
      arn: regional(context, 'backup', `backup-vault:${context.id}`),
      recovery_points: 0,
      kms_key_arn: regional(context, 'kms', 'key/aws-backup'),
    }),
    blocksDeletion: ({ cloud, caller, thing, fail }) => {
      if (
        thing.values.force_destroy !== true &&
        cloud.find('recovery_point', caller, ({ values }) => values.vault === thing.id) !== undefined
      )
        fail('InvalidRequestException', 'Backup vault cannot be deleted because it contains recovery points.');
    },
  },
  aws_backup_plan: {
    prefix: '',
    references: [
      {
        from: (values) => [text(block(values, 'rule'), 'target_vault_name')],
        to: 'aws_backup_vault',
        missing: 'ResourceNotFoundException',
      },
    ],
    computed: ['id', 'arn', 'version'],
    gives: (context) => ({ arn: regional(context, 'backup', `backup-plan:${context.id}`), version: '1' }),
  },
  aws_backup_selection: {
    prefix: '',
    unique: (values) => `${text(values, 'plan_id')} ${text(values, 'name')}`,
    importId: ({ id, values }) => `${text(values, 'plan_id')}|${id}`,
    fixed: ['name', 'plan_id', 'iam_role_arn', 'selection_tag'],
    references: [
      {
        from: (values) => [text(values, 'plan_id')],
        to: 'aws_backup_plan',
        missing: 'InvalidParameterValueException',
        blocks: 'InvalidRequestException',
      },
      role('iam_role_arn', 'InvalidParameterValueException'),
    ],
    computed: ['id'],
  },

  // --- the account
  aws_s3_bucket: {
    id: ({ values }) => text(values, 'bucket'),
    fixed: ['bucket'],
    exists: 'BucketAlreadyOwnedByYou',
    computed: ['id', 'arn', 'bucket_domain_name', 'bucket_regional_domain_name', 'hosted_zone_id'],
    gives: ({ id }) => ({
      arn: `arn:aws:s3:::${id}`,
      bucket_domain_name: `${id}.s3.amazonaws.com`,
      bucket_regional_domain_name: `${id}.s3.amazonaws.com`,
      hosted_zone_id: 'Z0',
    }),
    blocksDeletion: ({ cloud, caller, thing, fail }) => {
      if (cloud.find('s3_object', caller, ({ values }) => values.bucket === thing.id) !== undefined)
        fail('BucketNotEmpty', 'The bucket you tried to delete is not empty');
    },
  },
  ...Object.fromEntries(
    [
      'aws_s3_bucket_public_access_block',
      'aws_s3_bucket_versioning',
      'aws_s3_bucket_server_side_encryption_configuration',
      'aws_s3_bucket_policy',
      'aws_s3_bucket_lifecycle_configuration',
    ].map((type): [string, Kind] => [
      type,
      {
        isPut: true,
        id: ({ values }) => text(values, 'bucket'),
        fixed: ['bucket'],
        references: [bucket],
        computed: ['id'],
      },
    ]),
  ),
  aws_s3_account_public_access_block: {
    isPut: true,
    scope: 'account',
    id: ({ caller }) => caller.accountId,
    computed: ['id', 'account_id'],
    gives: ({ caller }) => ({ account_id: caller.accountId }),
  },
  aws_ebs_encryption_by_default: { isPut: true, id: () => 'ebs-encryption', computed: ['id'] },
  aws_budgets_budget: {
    scope: 'account',
    id: ({ caller, values }) => `${caller.accountId}:${text(values, 'name')}`,
    fixed: ['name'],
    exists: 'DuplicateRecordException',
    computed: ['id', 'arn', 'account_id', 'time_period_start', 'time_period_end'],
    gives: (context) => ({
      arn: global(context, 'budgets', `budget/${text(context.values, 'name')}`),
      account_id: context.caller.accountId,
      time_period_start: '2026-01-01_00:00',
      time_period_end: '2087-06-15_00:00',
    }),
  },
  aws_ce_anomaly_monitor: {
    scope: 'account',
    id: (context) => global(context, 'ce', `anomalymonitor/${text(context.values, 'name')}`),
    fixed: ['monitor_type', 'monitor_specification'],
    computed: ['id', 'arn'],
    gives: ({ id }) => ({ arn: id }),
  },
  aws_ce_anomaly_subscription: {
    scope: 'account',
    id: (context) => global(context, 'ce', `anomalysubscription/${text(context.values, 'name')}`),
    fixed: ['name'],
    references: [
      {
        from: (values) => texts(values, 'monitor_arn_list'),
        to: 'aws_ce_anomaly_monitor',
        missing: 'UnknownMonitorException',
      },
    ],
    computed: ['id', 'arn', 'account_id'],
    gives: ({ id, caller }) => ({ arn: id, account_id: caller.accountId }),
  },

  // --- the registry
  aws_ecr_repository: {
    id: ({ values }) => text(values, 'name'),
    fixed: ['name', 'encryption_configuration'],
    exists: 'RepositoryAlreadyExistsException',
    computed: ['id', 'arn', 'registry_id', 'repository_url'],
    gives: (context) => ({
      arn: regional(context, 'ecr', `repository/${context.id}`),
      registry_id: context.caller.accountId,
      repository_url: `${context.caller.accountId}.dkr.ecr.${context.caller.region}.amazonaws.com/${context.id}`,
    }),
    blocksDeletion: ({ cloud, caller, thing, fail }) => {
      if (
        thing.values.force_delete !== true &&
        cloud.find('ecr_image', caller, ({ values }) => values.repository === thing.id) !== undefined
      )
        fail(
          'RepositoryNotEmptyException',
          `The repository with name '${thing.id}' cannot be deleted because it still contains images`,
        );
    },
  },
  ...Object.fromEntries(
    ['aws_ecr_lifecycle_policy', 'aws_ecr_repository_policy'].map((type): [string, Kind] => [
      type,
      {
        isPut: true,
        id: ({ values }) => text(values, 'repository'),
        fixed: ['repository'],
        references: [
          {
            from: (values) => [text(values, 'repository')],
            to: 'aws_ecr_repository',
            missing: 'RepositoryNotFoundException',
          },
        ],
        computed: ['id', 'registry_id'],
        gives: ({ caller }) => ({ registry_id: caller.accountId }),
      },
    ]),
  ),
  aws_ecr_registry_scanning_configuration: {
    isPut: true,
    id: ({ caller }) => caller.accountId,
    computed: ['id', 'registry_id'],
    gives: ({ caller }) => ({ registry_id: caller.accountId }),
  },

  // --- inside the cluster
  helm_release: {
    importId: ({ id, values }) => `${text(values, 'namespace')}/${id}`,
    id: ({ values }) => text(values, 'name'),
    fixed: ['name', 'namespace'],
    exists: 'cannot re-use a name that is still in use',
    computed: ['id', 'metadata', 'status'],
    gives: ({ values }) => ({ metadata: [], status: 'deployed', cluster: values.cluster }),
    requires: ({ cloud, caller, values, fail }) => {
      const mayEnter = cloud
        .visible('aws_eks_access_policy_association', caller)
        .some(
          (thing) =>
            thing.values.cluster_name === values.cluster &&
            text(thing.values, 'policy_arn').endsWith('/AmazonEKSClusterAdminPolicy'),
        );
      if (!mayEnter)
        fail('Kubernetes cluster unreachable', 'the server has asked for the client to provide credentials');
      if (values.create_namespace === true)
        cloud.plant('kubernetes_namespace', { id: text(values, 'namespace'), cluster: values.cluster }, caller);
      if (
        cloud.find(
          'kubernetes_namespace',
          caller,
          ({ id, values: found }) => id === values.namespace && found.cluster === values.cluster,
        ) === undefined
      )
        fail('create: failed to create', `namespaces "${text(values, 'namespace')}" not found`);
      // The kinds of Argo CD come with its own chart.
      if (
        text(values, 'chart').includes('root') &&
        cloud.find(
          'helm_release',
          caller,
          (thing) => thing.values.chart === 'argo-cd' && thing.values.cluster === values.cluster,
        ) === undefined
      )
        fail(
          'unable to build kubernetes objects',
          'no matches for kind "Application" in version "argoproj.io/v1alpha1": ensure CRDs are installed first',
        );
    },
  },

  // --- what no stack makes, and tests put there
  ...Object.fromEntries(
    [
      'network_interface',
      'recovery_point',
      's3_object',
      'ecr_image',
      'secret_pending_deletion',
      'kubernetes_namespace',
    ].map((type): [string, Kind] => [type, {}]),
  ),
};

/** What can be asked. */
export const dataSources: Readonly<Record<string, (context: Context) => Values>> = {
  aws_subnets: ({ cloud, caller, values }) => {
    const filters = (values.filter as { name: string; values: string[] }[] | undefined) ?? [];
    const fits = ({ values: { tags_all: tags } }: Thing): boolean =>
      filters.every(({ name, values: wanted }) =>
        wanted.includes(String((tags as Record<string, string> | undefined)?.[name.replace('tag:', '')])),
      );
    return {
      id: caller.region,
      ids: cloud
        .visible('aws_subnet', caller)
        .filter(fits)
        .map(({ id }) => id)
        .sort(),
    };
  },
  aws_eks_addon_version: ({ values }) => ({
    id: values.addon_name,
    version: `v${text(values, 'kubernetes_version')}.0-eksbuild.1`,
  }),
  aws_eks_cluster: ({ cloud, caller, values, fail }) => {
    const found =
      cloud.find('aws_eks_cluster', caller, ({ id }) => id === values.name) ??
      fail('ResourceNotFoundException', `No cluster found for name: ${text(values, 'name')}.`);
    const [subnet] = texts(block(found.values, 'vpc_config'), 'subnet_ids');
    const { arn, endpoint, certificate_authority, version, status, role_arn } = found.values;
    return {
      id: found.id,
      arn,
      endpoint,
      certificate_authority,
      version,
      status,
      role_arn,
      vpc_config: [
        {
          ...block(found.values, 'vpc_config'),
          vpc_id: cloud.find('aws_subnet', caller, ({ id }) => id === subnet)?.values.vpc_id,
          cluster_security_group_id: `sg-eks-${found.id}`,
        },
      ],
    };
  },
};
