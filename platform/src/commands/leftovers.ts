import type { AwsClusterSettings } from '@gitops/settings';
import { clusterRolePrefix } from '../names.ts';
import { controlPlaneLogGroup } from '../stacks/cluster.ts';
import { flowLogGroup } from '../stacks/network.ts';
import { callProgram } from './programs.ts';
import { tagged } from './search.ts';

/** What AWS makes for a cluster does not carry our tags: each is looked for as its maker marks it. */
export interface Search {
  /** In words, for whoever reads the result. */
  readonly looked: string;
  /** ARNs. */
  readonly run: () => Promise<readonly string[]>;
}

/**
 * Everything by which something of a cluster may be found after its end: our tag and those of EKS, its CNI, the load
 * balancer controller and the CSI driver; log groups, which EKS makes again without tags when it writes after their
 * deletion; roles, which AWS's search by tags does not know.
 * @param project whose roles they are
 */
export function searches({ name, region }: AwsClusterSettings, project: string): Search[] {
  const byTag = (key: string, value: string | null): Search => ({
    looked: value === null ? key : `${key}=${value}`,
    run: async () => (await tagged(region, { [key]: value })).map(({ arn }) => arn),
  });
  const byName = (looked: string, args: readonly string[], next: string): Search => ({
    looked,
    run: async () => JSON.parse(await callProgram('aws', [...args, '--output', 'json'], { next })) as string[],
  });
  const logGroup = (group: string): Search =>
    byName(
      `log group ${group}`,
      // A prefix finds others as well.
      [
        ...['logs', 'describe-log-groups', '--region', region, '--log-group-name-prefix', group],
        ...['--query', `logGroups[?logGroupName=='${group}'].arn`],
      ],
      'allow logs:DescribeLogGroups to the role that calls',
    );
  const prefix = clusterRolePrefix(project, name);
  return [
    byTag('cluster', name),
    byTag(`kubernetes.io/cluster/${name}`, null),
    // EKS's own: its security group; instances, templates and scaling groups of node groups.
    byTag('aws:eks:cluster-name', name),
    byTag('eks:cluster-name', name),
    // Network interfaces of the CNI, which delete themselves unless their node ended at once.
    byTag('cluster.k8s.amazonaws.com/name', name),
    byTag('elbv2.k8s.aws/cluster', name),
    // Volumes and snapshots of the CSI driver.
    byTag('ebs.csi.aws.com/cluster-name', name),
    logGroup(controlPlaneLogGroup({ name })),
    logGroup(flowLogGroup({ name })),
    byName(
      `roles ${prefix}*`,
      ['iam', 'list-roles', '--query', `Roles[?starts_with(RoleName, '${prefix}')].Arn`],
      'allow iam:ListRoles to the role that calls',
    ),
  ];
}
