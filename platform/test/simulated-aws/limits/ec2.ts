import { parseCidr } from '@gitops/subnets/cidr';
import { block, text } from '../kind.ts';
import { form, type Limits, otherThan } from './limit.ts';

export const LIMITS_OF_EC2: Readonly<Record<string, Limits>> = {
  aws_vpc: {
    source: 'Amazon VPC user guide, "Amazon VPC quotas"; "VPC CIDR blocks" (ec2.ts)',
    unknown: 'the default VPC of a region, which counts as well',
    quota: { most: 5, error: ['VpcLimitExceeded', 'The maximum number of VPCs has been reached.'] },
  },
  aws_subnet: {
    source: 'Amazon VPC user guide, "Subnet CIDR blocks", "Amazon VPC quotas"',
    unknown: 'which zones the account has, beyond their region',
    quota: {
      most: 200,
      per: (values) => text(values, 'vpc_id'),
      error: ['SubnetLimitExceeded', 'The maximum number of subnets has been reached.'],
    },
    refuses: [
      {
        what: 'a network larger than /16 or smaller than /28',
        when: ({ values }) => {
          const { prefixLength } = parseCidr(text(values, 'cidr_block'));
          return prefixLength < 16 || prefixLength > 28;
        },
        error: ['InvalidSubnet.Range', 'The CIDR is invalid: its netmask must be between /16 and /28.'],
      },
      {
        what: 'a zone of another region',
        when: ({ values, caller }) => !text(values, 'availability_zone').startsWith(caller.region),
        error: ['InvalidParameterValue', 'Value for parameter availabilityZone is invalid.'],
      },
    ],
  },
  aws_default_security_group: { source: 'EC2 API reference, DescribeSecurityGroups', unknown: 'rules of it' },
  aws_security_group: {
    source: 'EC2 API reference, CreateSecurityGroup; Amazon VPC user guide, "Amazon VPC quotas"',
    unknown: 'rules that name other groups',
    quota: {
      most: 2500,
      error: ['SecurityGroupLimitExceeded', 'The maximum number of security groups has been reached.'],
    },
    refuses: [
      form('name', /^(?!sg-)[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/, [
        'InvalidParameterValue',
        'Value for parameter GroupName is invalid. Group names may not be in the format sg-*',
      ]),
      form('description', /^[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/, [
        'InvalidParameterValue',
        'Value for parameter GroupDescription is invalid. Character sets beyond ASCII are not supported.',
      ]),
    ],
  },
  aws_vpc_security_group_ingress_rule: {
    source:
      'EC2 API reference, AuthorizeSecurityGroupIngress, IpPermission; Amazon VPC user guide, "Amazon VPC quotas"',
    unknown: 'protocols beside TCP',
    quota: {
      most: 60,
      per: (values) => text(values, 'security_group_id'),
      error: ['RulesPerSecurityGroupLimitExceeded', 'The maximum number of rules per security group has been reached.'],
    },
    refuses: [
      {
        what: 'ports in the wrong order',
        when: ({ values }) => Number(values.from_port) > Number(values.to_port),
        error: ['InvalidParameterValue', 'Invalid TCP port range: the first port is above the last'],
      },
    ],
  },
  aws_vpc_endpoint: {
    source: 'EC2 API reference, CreateVpcEndpoint; AWS PrivateLink guide, "Private DNS"',
    unknown: 'which services a region has',
    quota: {
      most: 50,
      per: (values) => text(values, 'vpc_id'),
      error: ['VpcEndpointLimitExceeded', 'The maximum number of VPC endpoints has been reached.'],
    },
    refuses: [
      {
        what: 'a private name in a VPC without names',
        when: ({ values, find }) => {
          const vpc = find('aws_vpc', ({ id }) => id === values.vpc_id)?.values ?? {};
          const named = vpc.enable_dns_support !== false && vpc.enable_dns_hostnames === true;
          return values.private_dns_enabled === true && !named;
        },
        error: [
          'InvalidParameter',
          'Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true',
        ],
      },
    ],
  },
  aws_flow_log: {
    source: 'EC2 API reference, CreateFlowLogs',
    unknown: 'formats of records; 100 flow logs a network',
    refuses: [
      otherThan(
        'max_aggregation_interval',
        [60, 600],
        ['InvalidParameter', 'Value for parameter maxAggregationInterval is invalid. Valid values are 60 and 600.'],
      ),
      otherThan(
        'traffic_type',
        ['ACCEPT', 'REJECT', 'ALL'],
        ['InvalidParameter', 'Value for parameter trafficType is invalid.'],
      ),
      {
        what: 'the same flow log twice',
        when: ({ values, all, thing }) =>
          all('aws_flow_log').some(
            (other) =>
              other !== thing &&
              ['vpc_id', 'log_destination', 'traffic_type'].every((name) => other.values[name] === values[name]),
          ),
        error: [
          'FlowLogAlreadyExists',
          'There is an existing Flow Log with the same configuration and log destination.',
        ],
      },
    ],
  },
  aws_launch_template: {
    source: 'EC2 API reference, CreateLaunchTemplate; EC2 user guide, "User data", "Instance metadata options"',
    unknown: 'whether an instance of it would start: EC2 looks at most of it then',
    refuses: [
      form('name', /^[\w().\-/]{3,128}$/, [
        'InvalidLaunchTemplateName.MalformedException',
        'A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and ().-/_',
      ]),
      {
        what: 'more than 16 KB of user data',
        when: ({ values }) => Buffer.from(text(values, 'user_data'), 'base64').length > 16_384,
        error: ['InvalidUserData.Malformed', 'User data is limited to 16384 bytes'],
      },
      {
        what: 'a hop limit that is none',
        when: ({ values }) => {
          const limit = block(values, 'metadata_options').http_put_response_hop_limit ?? 1;
          return Number(limit) < 1 || Number(limit) > 64;
        },
        error: ['InvalidParameterValue', 'HttpPutResponseHopLimit must be between 1 and 64'],
      },
    ],
  },
  aws_ebs_encryption_by_default: { source: 'EC2 API reference, EnableEbsEncryptionByDefault', unknown: 'nothing' },
  aws_internet_gateway: {
    source: 'Amazon VPC user guide, "Amazon VPC quotas"',
    unknown: 'nothing',
    quota: {
      most: 5,
      error: ['InternetGatewayLimitExceeded', 'The maximum number of internet gateways has been reached.'],
    },
  },
  aws_eip: {
    source: 'Amazon VPC user guide, "Amazon VPC quotas"',
    unknown: 'nothing',
    quota: {
      most: 5,
      error: ['AddressLimitExceeded', 'The maximum number of addresses has been reached.'],
    },
  },
  aws_nat_gateway: {
    source: 'Amazon VPC user guide, "Amazon VPC quotas"',
    unknown: 'that a deleted one shows for an hour, and holds its address for minutes',
    quota: {
      most: 5,
      per: (values) => text(values, 'subnet_id'),
      error: ['NatGatewayLimitExceeded', 'Performing this operation would exceed the limit of 5 NAT gateways'],
    },
    refuses: [
      {
        what: 'a zone without NAT gateways',
        when: ({ values, find }) => {
          const subnet = find('aws_subnet', ({ id }) => id === values.subnet_id)?.values ?? {};
          return find('zone_without_nat', ({ id }) => id === subnet.availability_zone) !== undefined;
        },
        error: ['NotAvailableInZone', 'Nat Gateway is not available in this availability zone'],
      },
    ],
  },
  aws_route_table: {
    source: 'Amazon VPC user guide, "Amazon VPC quotas"',
    unknown: 'nothing',
    quota: {
      most: 200,
      per: (values) => text(values, 'vpc_id'),
      error: ['RouteTableLimitExceeded', 'The maximum number of route tables has been reached.'],
    },
  },
  aws_default_route_table: { source: 'EC2 API reference, DescribeRouteTables', unknown: 'its routes' },
  aws_route: {
    source: 'EC2 API reference, CreateRoute',
    unknown: 'a way through something that is not yet there: a NAT gateway that is still pending',
    refuses: [
      {
        what: 'no target, or two',
        when: ({ values }) =>
          [values.gateway_id, values.nat_gateway_id].filter((id) => (id ?? null) !== null).length !== 1,
        error: ['InvalidParameterCombination', 'Exactly one target of the route must be specified'],
      },
    ],
  },
  aws_route_table_association: { source: 'EC2 API reference, AssociateRouteTable', unknown: 'nothing' },
};
