import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { DefaultRouteTable } from '@cdktf/provider-aws/lib/default-route-table/index.js';
import { DefaultSecurityGroup } from '@cdktf/provider-aws/lib/default-security-group/index.js';
import { Eip } from '@cdktf/provider-aws/lib/eip/index.js';
import { FlowLog } from '@cdktf/provider-aws/lib/flow-log/index.js';
import { InternetGateway } from '@cdktf/provider-aws/lib/internet-gateway/index.js';
import { NatGateway } from '@cdktf/provider-aws/lib/nat-gateway/index.js';
import { Route } from '@cdktf/provider-aws/lib/route/index.js';
import { RouteTable } from '@cdktf/provider-aws/lib/route-table/index.js';
import { RouteTableAssociation } from '@cdktf/provider-aws/lib/route-table-association/index.js';
import { SecurityGroup } from '@cdktf/provider-aws/lib/security-group/index.js';
import { Subnet } from '@cdktf/provider-aws/lib/subnet/index.js';
import { Vpc } from '@cdktf/provider-aws/lib/vpc/index.js';
import { VpcEndpoint } from '@cdktf/provider-aws/lib/vpc-endpoint/index.js';
import { VpcSecurityGroupIngressRule } from '@cdktf/provider-aws/lib/vpc-security-group-ingress-rule/index.js';
import type { Construct } from 'constructs';
import type { AwsClusterSettings } from '@gitops/settings';
import { INTERFACE_ENDPOINTS, subnetPlan, type Tier } from '@gitops/settings/network';
import { flowLogPolicy } from '../iam/policies.ts';
import { trustOfService } from '../iam/trust.ts';
import { clusterRole, nameIn } from '../names.ts';
import { PlatformStack } from './platform-stack.ts';

/**
 * The network of one cluster. Its subnets, with room for four zones, are those of `subnetPlan` in
 * packages/settings/src/network.ts; in 10.0.0.0/16 with two zones:
 *
 *                          internet
 *                             │
 *                      internet gateway
 *                ┌────────────┴────────────┐
 *   public    10.0.128.0/24           10.0.129.0/24      load balancers, NAT gateways
 *                │ NAT gateway             │ NAT gateway, its own or that of the first zone
 *   private   10.0.0.0/19             10.0.32.0/19       nodes and pods
 *               zone a                  zone b
 */
export class NetworkStack extends PlatformStack {
  readonly #cluster: AwsClusterSettings;
  readonly #vpc: Vpc;

  constructor(scope: Construct, cluster: AwsClusterSettings) {
    super(scope, nameIn(cluster, 'network'), cluster, {
      accountId: cluster.accountId,
      region: cluster.region,
      cluster: cluster.name,
    });
    this.#cluster = cluster;
    // EKS needs both: nodes find its private endpoint by the VPC's own DNS.
    this.#vpc = new Vpc(this, 'vpc', {
      cidrBlock: cluster.network.cidr,
      enableDnsSupport: true,
      enableDnsHostnames: true,
      tags: { Name: cluster.name },
    });
    this.#closeDefaults();

    const zones = cluster.network.zones;
    const subnets = this.#subnets();
    const internet = new InternetGateway(this, 'internet-gateway', {
      vpcId: this.#vpc.id,
      tags: { Name: cluster.name },
    });

    const publicRoutes = this.#routeTable('public');
    new Route(this, 'public-to-internet', {
      routeTableId: publicRoutes.id,
      destinationCidrBlock: '0.0.0.0/0',
      gatewayId: internet.id,
    });
    for (const zone of zones) this.#associate('public', zone, subnets, publicRoutes);

    const gateways = this.#natGateways(zones, subnets, internet);
    const privateRoutes = zones.map((zone) => {
      // A table for each zone, even where all lead to one gateway: another gateway is then another target of a route,
      // which AWS changes in place, while a subnet that changes tables has none in between.
      const routes = this.#routeTable(`private-${zone}`);
      const wayOut = new Route(this, `private-to-nat-${zone}`, {
        routeTableId: routes.id,
        destinationCidrBlock: '0.0.0.0/0',
        natGatewayId: (gateways.get(zone) ?? first([...gateways.values()])).id,
      });
      this.#associate('private', zone, subnets, routes, [wayOut]);
      return routes;
    });
    // Until 2026-11 the zones of a network with one gateway shared a table: it stays, as that of the first zone.
    this.addOverride('moved', [
      { from: 'aws_route_table.private-routes', to: `aws_route_table.private-${first(zones)}-routes` },
    ]);

    this.#endpoints(subnets, privateRoutes);
    this.#flowLogs();
  }

  /**
   * One subnet for each tier and zone. Nothing in them gets a public address by default; NAT gateways and load
   * balancers request theirs.
   */
  #subnets(): ReadonlyMap<string, Subnet> {
    return new Map(
      subnetPlan(this.#cluster.network).map(({ tier, zone, cidr }) => [
        `${tier}-${zone}`,
        new Subnet(this, `${tier}-${zone}`, {
          vpcId: this.#vpc.id,
          cidrBlock: cidr,
          availabilityZone: zone,
          mapPublicIpOnLaunch: false,
          // The load balancer controller finds its subnets by the role, the cluster's stack by the tier.
          tags: {
            Name: nameIn(this.#cluster, `${tier}-${zone}`),
            tier,
            [`kubernetes.io/role/${tier === 'public' ? 'elb' : 'internal-elb'}`]: '1',
          },
        }),
      ]),
    );
  }

  /** NAT gateways by their zones: one in the first zone for all of them, or each zone's own. */
  #natGateways(
    zones: readonly string[],
    subnets: ReadonlyMap<string, Subnet>,
    internet: InternetGateway,
  ): ReadonlyMap<string, NatGateway> {
    const cluster = this.#cluster;
    const gateways = new Map<string, NatGateway>();
    for (const zone of cluster.network.natGateways === 'one' ? zones.slice(0, 1) : zones) {
      const address = new Eip(this, `nat-address-${zone}`, {
        domain: 'vpc',
        tags: { Name: nameIn(cluster, `nat-${zone}`) },
        dependsOn: [internet],
      });
      // It does not refer to the internet gateway, without which it would reach nothing.
      const gateway = new NatGateway(this, `nat-${zone}`, {
        allocationId: address.allocationId,
        subnetId: subnetIn(subnets, 'public', zone).id,
        tags: { Name: nameIn(cluster, zone) },
        // A gateway that goes does so after the routes that led to it: without this OpenTofu deletes it first.
        lifecycle: { createBeforeDestroy: true },
        dependsOn: [internet],
      });
      gateways.set(zone, gateway);
    }
    return gateways;
  }

  /** The defaults of every VPC stay, without a rule or a route: what names no other group or table is closed. */
  #closeDefaults(): void {
    new DefaultSecurityGroup(this, 'default-security-group', {
      vpcId: this.#vpc.id,
      ingress: [],
      egress: [],
      tags: { Name: nameIn(this.#cluster, 'default-closed') },
    });
    new DefaultRouteTable(this, 'default-route-table', {
      defaultRouteTableId: this.#vpc.defaultRouteTableId,
      route: [],
      tags: { Name: nameIn(this.#cluster, 'default-closed') },
    });
  }

  #routeTable(name: string): RouteTable {
    return new RouteTable(this, `${name}-routes`, { vpcId: this.#vpc.id, tags: { Name: nameIn(this.#cluster, name) } });
  }

  /** @param after the routes without which nothing in the subnet would reach anything */
  #associate(
    tier: Tier,
    zone: string,
    subnets: ReadonlyMap<string, Subnet>,
    routes: RouteTable,
    after: readonly Route[] = [],
  ): void {
    new RouteTableAssociation(this, `${tier}-${zone}-association`, {
      subnetId: subnetIn(subnets, tier, zone).id,
      routeTableId: routes.id,
      dependsOn: [...after],
    });
  }

  /** S3, from which image layers come, costs nothing and relieves the NAT gateways; the others are a setting. */
  #endpoints(subnets: ReadonlyMap<string, Subnet>, privateRoutes: readonly RouteTable[]): void {
    const { name, region, network, interfaceEndpoints } = this.#cluster;
    new VpcEndpoint(this, 'endpoint-s3', {
      vpcId: this.#vpc.id,
      serviceName: `com.amazonaws.${region}.s3`,
      vpcEndpointType: 'Gateway',
      routeTableIds: privateRoutes.map(({ id }) => id),
      tags: { Name: `${name}-s3` },
    });
    if (!interfaceEndpoints) return;
    const group = new SecurityGroup(this, 'endpoints-security-group', {
      name: nameIn(this.#cluster, 'endpoints'),
      description: 'AWS APIs, reached from inside the network',
      vpcId: this.#vpc.id,
    });
    new VpcSecurityGroupIngressRule(this, 'endpoints-https', {
      securityGroupId: group.id,
      cidrIpv4: network.cidr,
      ipProtocol: 'tcp',
      fromPort: 443,
      toPort: 443,
      description: 'HTTPS from the network',
    });
    for (const service of INTERFACE_ENDPOINTS) {
      new VpcEndpoint(this, `endpoint-${service}`, {
        vpcId: this.#vpc.id,
        serviceName: `com.amazonaws.${region}.${service}`,
        vpcEndpointType: 'Interface',
        privateDnsEnabled: true,
        subnetIds: network.zones.map((zone) => subnetIn(subnets, 'private', zone).id),
        securityGroupIds: [group.id],
        tags: { Name: `${name}-${service}` },
      });
    }
  }

  /**
   * Refused connections only: they are what one looks for when something cannot connect. All of the traffic would cost
   * more than it is worth.
   */
  #flowLogs(): void {
    const logs = new CloudwatchLogGroup(this, 'flow-logs', {
      name: flowLogGroup(this.#cluster),
      retentionInDays: this.#cluster.logRetentionDays,
    });
    const role = this.role('flow-log-role', {
      name: clusterRole(this.project, this.#cluster, 'flow-logs'),
      trust: trustOfService('vpc-flow-logs.amazonaws.com', this.#cluster.accountId),
      policy: flowLogPolicy(logs.arn),
    });
    new FlowLog(this, 'flow-log', {
      vpcId: this.#vpc.id,
      trafficType: 'REJECT',
      logDestinationType: 'cloud-watch-logs',
      logDestination: logs.arn,
      iamRoleArn: role.arn,
      maxAggregationInterval: 600,
      tags: { Name: this.#cluster.name },
      dependsOn: [...role.permissions],
    });
  }
}

/** The log group of refused connections of a cluster's network. */
export const flowLogGroup = ({ name }: Pick<AwsClusterSettings, 'name'>): string => `/aws/vpc/${name}/flow-logs`;

function subnetIn(subnets: ReadonlyMap<string, Subnet>, tier: Tier, zone: string): Subnet {
  const subnet = subnets.get(`${tier}-${zone}`);
  if (subnet === undefined) throw new Error(`no ${tier} subnet is planned in ${zone}`);
  return subnet;
}

function first<T>([item]: readonly T[]): T {
  if (item === undefined) throw new Error('a network needs at least one zone');
  return item;
}
