import { type Context, inSubnets, inVpc, type Kind, type Kinds, optional, type Reference } from './kind.ts';
import { regionalArn, text, type ThingContext } from './kind.ts';

// EC2: the ways in and out of a VPC. Known: a NAT gateway needs an internet gateway in its VPC, and keeps it; one main
// association a subnet. Not known: whether packets would arrive.

const inRouteTable = (inUseError?: string): Reference => ({
  from: (values) => [text(values, 'route_table_id')],
  to: 'aws_route_table',
  missingError: 'InvalidRouteTableID.NotFound',
  ...(inUseError === undefined ? {} : { inUseError }),
});

const vpcOfSubnet = ({ values, find }: Context): string =>
  text(find('aws_subnet', ({ id }) => id === values.subnet_id)?.values ?? {}, 'vpc_id');

function checkNatGateway(context: Context): void {
  const { values, find, fail } = context;
  const vpcId = vpcOfSubnet(context);
  if (find('aws_internet_gateway', (gateway) => gateway.values.vpc_id === vpcId) === undefined)
    fail('Gateway.NotAttached', `Network ${vpcId} has no Internet gateway attached`);
  if (optional(values, 'allocation_id').length === 0)
    fail('MissingParameter', 'a public NAT gateway needs an allocation id');
}

/** An internet gateway stays while public addresses are mapped through it. */
function checkMappedAddresses({ values, all, fail }: ThingContext): void {
  const isHere = (thing: { values: Context['values'] }): boolean => thing.values.vpc_id === values.vpc_id;
  const hasInterface = all('network_interface').some((thing) => isHere(thing) && thing.values.public === true);
  if (!all('aws_nat_gateway').some(isHere) && !hasInterface) return;
  fail(
    'DependencyViolation',
    `Network ${text(values, 'vpc_id')} has some mapped public address(es). ` +
      'Please unmap those public address(es) before detaching the gateway.',
  );
}

const routeTable: Pick<Kind, 'computed' | 'fill'> = {
  computed: ['id', 'arn', 'owner_id'],
  fill: (context) => ({
    arn: regionalArn(context, 'ec2', `route-table/${context.id}`),
    owner_id: context.caller.accountId,
  }),
};

export const ec2Routing: Kinds = {
  aws_internet_gateway: {
    prefix: 'igw-',
    unique: (values) => text(values, 'vpc_id'),
    existsError: 'Resource.AlreadyAssociated',
    references: [inVpc('DependencyViolation')],
    computed: ['id', 'arn', 'owner_id'],
    fill: (context) => ({
      arn: regionalArn(context, 'ec2', `internet-gateway/${context.id}`),
      owner_id: context.caller.accountId,
    }),
    checkDelete: checkMappedAddresses,
  },

  aws_eip: {
    prefix: 'eipalloc-',
    fixed: ['domain'],
    computed: ['id', 'allocation_id', 'arn', 'public_ip'],
    fill: (context) => ({
      allocation_id: context.id,
      arn: regionalArn(context, 'ec2', `elastic-ip/${context.id}`),
      public_ip: '198.51.100.1',
    }),
  },

  aws_nat_gateway: {
    prefix: 'nat-',
    fixed: ['allocation_id', 'subnet_id', 'connectivity_type'],
    unique: (values) => text(values, 'allocation_id'),
    existsError: 'Resource.AlreadyAssociated',
    references: [
      inSubnets((values) => optional(values, 'subnet_id')),
      {
        from: (values) => optional(values, 'allocation_id'),
        to: 'aws_eip',
        missingError: 'InvalidAllocationID.NotFound',
        inUseError: 'InvalidIPAddress.InUse',
      },
    ],
    checkCreate: checkNatGateway,
    computed: ['id', 'public_ip', 'private_ip', 'network_interface_id', 'vpc_id'],
    fill: (context) => ({
      public_ip: '198.51.100.1',
      private_ip: '10.0.0.4',
      network_interface_id: 'eni-nat',
      vpc_id: vpcOfSubnet(context),
    }),
  },

  aws_route_table: {
    prefix: 'rtb-',
    fixed: ['vpc_id'],
    references: [inVpc('DependencyViolation')],
    ...routeTable,
  },

  // Comes with every VPC and goes with it; the resource takes it over.
  aws_default_route_table: {
    overwrites: true,
    fixed: ['default_route_table_id'],
    id: ({ values }) => text(values, 'default_route_table_id'),
    computed: ['id', 'arn', 'owner_id', 'vpc_id'],
    fill: (context) => ({ ...routeTable.fill?.(context), vpc_id: context.id.replace('rtb-default-', '') }),
  },

  aws_route: {
    fixed: ['route_table_id', 'destination_cidr_block'],
    id: ({ values }) => `r-${text(values, 'route_table_id')}-${text(values, 'destination_cidr_block')}`,
    failsImport: () => ['', "couldn't find resource"],
    importId: ({ values }) => `${text(values, 'route_table_id')}_${text(values, 'destination_cidr_block')}`,
    existsError: 'RouteAlreadyExists',
    references: [
      inRouteTable(),
      {
        from: (values) => optional(values, 'gateway_id'),
        to: 'aws_internet_gateway',
        missingError: 'InvalidInternetGatewayID.NotFound',
      },
      {
        from: (values) => optional(values, 'nat_gateway_id'),
        to: 'aws_nat_gateway',
        missingError: 'InvalidNatGatewayID.NotFound',
      },
    ],
    computed: ['id', 'origin', 'state'],
    fill: () => ({ origin: 'CreateRoute', state: 'active' }),
  },

  aws_route_table_association: {
    prefix: 'rtbassoc-',
    failsImport: () => ['', "couldn't find resource"],
    importId: ({ values }) => `${text(values, 'subnet_id')}/${text(values, 'route_table_id')}`,
    fixed: ['subnet_id'],
    unique: (values) => text(values, 'subnet_id'),
    existsError: 'Resource.AlreadyAssociated',
    references: [inSubnets((values) => optional(values, 'subnet_id')), inRouteTable('DependencyViolation')],
    computed: ['id'],
  },
};
