import { BackupPlan } from '@cdktf/provider-aws/lib/backup-plan/index.js';
import { BackupSelection } from '@cdktf/provider-aws/lib/backup-selection/index.js';
import { BackupVault } from '@cdktf/provider-aws/lib/backup-vault/index.js';
import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { DataAwsEksAddonVersion } from '@cdktf/provider-aws/lib/data-aws-eks-addon-version/index.js';
import { DataAwsSubnets } from '@cdktf/provider-aws/lib/data-aws-subnets/index.js';
import { EksAccessEntry } from '@cdktf/provider-aws/lib/eks-access-entry/index.js';
import { EksAccessPolicyAssociation } from '@cdktf/provider-aws/lib/eks-access-policy-association/index.js';
import { EksAddon } from '@cdktf/provider-aws/lib/eks-addon/index.js';
import { EksCluster } from '@cdktf/provider-aws/lib/eks-cluster/index.js';
import { EksNodeGroup } from '@cdktf/provider-aws/lib/eks-node-group/index.js';
import { EksPodIdentityAssociation } from '@cdktf/provider-aws/lib/eks-pod-identity-association/index.js';
import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias/index.js';
import { KmsKey } from '@cdktf/provider-aws/lib/kms-key/index.js';
import { LaunchTemplate } from '@cdktf/provider-aws/lib/launch-template/index.js';
import { SecretsmanagerSecret } from '@cdktf/provider-aws/lib/secretsmanager-secret/index.js';
import type { ITerraformDependable } from 'cdktf';
import type { Construct } from 'constructs';
import { type AwsClusterSettings, SERVICE_CIDR } from '@gitops/settings';
import { instanceType } from '@gitops/settings/instance-types';
import { podIdentities } from '../iam/pod-identities.ts';
import { trustOfEks, trustOfPodIdentity, trustOfService } from '../iam/trust.ts';
import { clusterRole, deployRole, nameIn } from '../names.ts';
import { nodeUserData } from '../node-user-data.ts';
import { PlatformStack, type Role } from './platform-stack.ts';

/** The tag of volumes that are backed up; its value is the cluster's name. */
export const BACKUP_TAG = 'backup';

/**
 * One EKS cluster in the network of its name. What waits for what, from top to bottom:
 *
 *   roles, log group, key
 *          │
 *       cluster ──────────── access entries: who may do what in it
 *          │ ├────────────── Pod Identity: which pods have which role
 *   vpc-cni, kube-proxy, pod identity agent       (nodes are not ready without them)
 *          │
 *      node group
 *          │
 *   coredns, ebs-csi-driver, node monitoring      (they need nodes to run on)
 */
export class ClusterStack extends PlatformStack {
  readonly #settings: AwsClusterSettings;

  constructor(scope: Construct, settings: AwsClusterSettings) {
    super(scope, nameIn(settings, 'cluster'), settings, {
      accountId: settings.accountId,
      region: settings.region,
      cluster: settings.name,
    });
    this.#settings = settings;
    const key = settings.customerKey ? this.#key() : undefined;
    const cluster = this.#cluster(key);
    this.#access(cluster);
    const identities = this.#podIdentities(cluster, key);

    const beforeNodes = [
      this.#addon(cluster, 'vpc-cni', identities, {
        // A node has 17 addresses for pods of its own, and 110 with prefixes. NetworkPolicies are not enforced without
        // the switch.
        env: { ENABLE_PREFIX_DELEGATION: 'true', WARM_PREFIX_TARGET: '1' },
        enableNetworkPolicy: 'true',
      }),
      this.#addon(cluster, 'kube-proxy', identities),
      this.#addon(cluster, 'eks-pod-identity-agent', identities),
    ];
    const nodes = this.#nodes(cluster, beforeNodes);
    this.#addon(cluster, 'coredns', [nodes]);
    this.#addon(cluster, 'aws-ebs-csi-driver', [...identities, nodes], {
      defaultStorageClass: { enabled: true },
      controller: { extraVolumeTags: { ...this.tags, [BACKUP_TAG]: settings.name } },
    });
    this.#addon(cluster, 'eks-node-monitoring-agent', [nodes]);

    this.#secrets(key);
    this.#backups();
  }

  /**
   * Encrypts Secrets, in Kubernetes and in Secrets Manager. Deleted a month after the cluster, should someone need a
   * backup of it.
   */
  #key(): KmsKey {
    const key = new KmsKey(this, 'key', {
      description: `Secrets of the cluster ${this.#settings.name}`,
      enableKeyRotation: true,
      deletionWindowInDays: 30,
    });
    new KmsAlias(this, 'key-alias', { name: `alias/${this.#settings.name}`, targetKeyId: key.keyId });
    return key;
  }

  #cluster(key: KmsKey | undefined): EksCluster {
    const { name, kubernetesVersion, api, deletionProtection } = this.#settings;
    const role = this.role('cluster-role', {
      name: clusterRole(this.project, this.#settings, 'cluster'),
      trust: trustOfEks(),
      managed: ['AmazonEKSClusterPolicy'],
    });
    // EKS would make it by itself, to be kept for ever.
    const logs = new CloudwatchLogGroup(this, 'logs', {
      name: controlPlaneLogGroup(this.#settings),
      retentionInDays: this.#settings.logRetentionDays,
    });
    return new EksCluster(this, 'cluster', {
      name,
      version: kubernetesVersion,
      roleArn: role.arn,
      vpcConfig: {
        subnetIds: this.#privateSubnets(),
        // Nodes reach the API inside the network, whoever else may reach it from outside.
        endpointPrivateAccess: true,
        endpointPublicAccess: api.publicCidrs.length > 0,
        ...(api.publicCidrs.length > 0 ? { publicAccessCidrs: api.publicCidrs } : {}),
      },
      accessConfig: { authenticationMode: 'API', bootstrapClusterCreatorAdminPermissions: false },
      kubernetesNetworkConfig: { ipFamily: 'ipv4', serviceIpv4Cidr: SERVICE_CIDR },
      // Add-ons are ours from the start, with our settings.
      bootstrapSelfManagedAddons: false,
      enabledClusterLogTypes: ['api', 'audit', 'authenticator'],
      // Extended support costs 365 dollars a month; an upgrade in time costs nothing.
      upgradePolicy: { supportType: 'STANDARD' },
      zonalShiftConfig: { enabled: true },
      deletionProtection,
      ...(key === undefined ? {} : { encryptionConfig: { provider: { keyArn: key.arn }, resources: ['secrets'] } }),
      timeouts: { create: '60m', update: '60m', delete: '60m' },
      // These two can be said once; a later change would replace the cluster.
      lifecycle: {
        ignoreChanges: [
          'access_config[0].bootstrap_cluster_creator_admin_permissions',
          'bootstrap_self_managed_addons',
        ],
      },
      dependsOn: [logs, ...role.permissions],
    });
  }

  #privateSubnetIds: string[] | undefined;

  /** Found by their tags, so that this stack needs nothing of the other one's state. */
  #privateSubnets(): string[] {
    const {
      name,
      network: { zones },
    } = this.#settings;
    this.#privateSubnetIds ??= new DataAwsSubnets(this, 'private-subnets', {
      filter: [
        { name: 'tag:cluster', values: [name] },
        { name: 'tag:tier', values: ['private'] },
      ],
      // AWS gives an empty list where there are none, and EKS would be the first to say so, in the midst of the apply.
      lifecycle: {
        postcondition: [
          {
            condition: `\${length(self.ids) == ${zones.length}}`,
            errorMessage: `The network of ${name} has not one private subnet for each of its ${zones.length} zones; apply ${nameIn(this.#settings, 'network')} first.`,
          },
        ],
      },
    }).ids;
    return this.#privateSubnetIds;
  }

  /** CI's role applies the Argo CD stack; people come by the roles of the settings. */
  #access(cluster: EksCluster): void {
    const { api, accountId } = this.#settings;
    const grant = (role: string, policy: string): void => {
      const principalArn = `arn:aws:iam::${accountId}:role/${role}`;
      const id = `access-${role.replaceAll('/', '-')}`;
      const entry = new EksAccessEntry(this, id, { clusterName: cluster.name, principalArn, type: 'STANDARD' });
      new EksAccessPolicyAssociation(this, `${id}-policy`, {
        clusterName: cluster.name,
        principalArn,
        policyArn: `arn:aws:eks::aws:cluster-access-policy/${policy}`,
        accessScope: { type: 'cluster' },
        dependsOn: [entry],
      });
    };
    for (const role of [deployRole(this.project, this.#settings), ...api.adminRoles])
      grant(role, 'AmazonEKSClusterAdminPolicy');
    for (const role of api.viewerRoles) grant(role, 'AmazonEKSViewPolicy');
  }

  /** A role for each service account that calls AWS, tied to this cluster, its namespace and its name. */
  #podIdentities(cluster: EksCluster, key: KmsKey | undefined): EksPodIdentityAssociation[] {
    const { accountId, name, region, controllers } = this.#settings;
    return podIdentities({ accountId, cluster: name, region, keyArn: key?.arn, controllers }).map(
      ({ id, namespace, serviceAccount, managed, policy }) => {
        const role = this.role(`${id}-role`, {
          name: clusterRole(this.project, this.#settings, id),
          trust: trustOfPodIdentity({ accountId, cluster: name, namespace, serviceAccount }),
          ...(managed === undefined ? {} : { managed }),
          ...(policy === undefined ? {} : { policy }),
        });
        return new EksPodIdentityAssociation(this, `${id}-identity`, {
          clusterName: cluster.name,
          namespace,
          serviceAccount,
          roleArn: role.arn,
          tags: { Name: nameIn(this.#settings, id) },
          dependsOn: [...role.permissions],
        });
      },
    );
  }

  /**
   * An add-on in the version that EKS recommends for the cluster's Kubernetes: an upgrade of either shows in the plan.
   */
  #addon(cluster: EksCluster, name: string, after: readonly ITerraformDependable[], configuration?: object): EksAddon {
    const version = new DataAwsEksAddonVersion(this, `${name}-version`, {
      addonName: name,
      kubernetesVersion: this.#settings.kubernetesVersion,
    });
    return new EksAddon(this, name, {
      clusterName: cluster.name,
      addonName: name,
      addonVersion: version.version,
      ...(configuration === undefined ? {} : { configurationValues: JSON.stringify(configuration) }),
      resolveConflictsOnCreate: 'OVERWRITE',
      resolveConflictsOnUpdate: 'PRESERVE',
      dependsOn: [...after],
    });
  }

  #nodes(cluster: EksCluster, after: readonly ITerraformDependable[]): EksNodeGroup {
    const { nodeGroup, name } = this.#settings;
    const role: Role = this.role('node-role', {
      name: clusterRole(this.project, this.#settings, 'nodes'),
      trust: trustOfService('ec2.amazonaws.com'),
      // No rights of the CNI here: they are its own pods', by Pod Identity.
      managed: ['AmazonEKSWorkerNodePolicy', 'AmazonEC2ContainerRegistryPullOnly', 'AmazonSSMManagedInstanceCore'],
    });
    const tags = { ...this.tags, Name: nameIn(this.#settings, 'node') };
    const template = new LaunchTemplate(this, 'node-template', {
      name: nameIn(this.#settings, 'nodes'),
      updateDefaultVersion: true,
      // Pods do not reach the node's credentials: one hop ends at the node.
      metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1 },
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: { volumeType: 'gp3', volumeSize: nodeGroup.diskGiB, encrypted: 'true', deleteOnTermination: 'true' },
        },
      ],
      // The provider's default tags do not reach what a template makes.
      tagSpecifications: ['instance', 'volume', 'network-interface'].map((resourceType) => ({ resourceType, tags })),
      userData: Buffer.from(nodeUserData(nodeGroup.instanceType)).toString('base64'),
    });
    return new EksNodeGroup(this, 'nodes', {
      clusterName: cluster.name,
      nodeGroupName: name,
      nodeRoleArn: role.arn,
      subnetIds: this.#privateSubnets(),
      amiType: AMI_TYPES[instanceType(nodeGroup.instanceType).architecture],
      instanceTypes: [nodeGroup.instanceType],
      capacityType: nodeGroup.capacityType === 'spot' ? 'SPOT' : 'ON_DEMAND',
      launchTemplate: { id: template.id, version: `\${${template.fqn}.latest_version}` },
      scalingConfig: { minSize: nodeGroup.minSize, desiredSize: nodeGroup.desiredSize, maxSize: nodeGroup.maxSize },
      updateConfig: { maxUnavailablePercentage: 33 },
      nodeRepairConfig: { enabled: true },
      // Whoever scales by hand or by an autoscaler is not undone by the next apply.
      lifecycle: { ignoreChanges: ['scaling_config[0].desired_size'] },
      dependsOn: [...after, ...role.permissions],
    });
  }

  /** Where the service's secrets are put by hand or by their owner; no value ever passes through here or the state. */
  #secrets(key: KmsKey | undefined): void {
    const { name, deletionProtection } = this.#settings;
    new SecretsmanagerSecret(this, 'service-secret', {
      name: `${name}/fastify-service`,
      description: 'Settings of the service that nobody else may read; External Secrets copies it',
      // At once where a cluster may go at once: the name of a secret that waits to be deleted cannot be taken again.
      recoveryWindowInDays: deletionProtection ? 30 : 0,
      ...(key === undefined ? {} : { kmsKeyId: key.arn }),
    });
  }

  /** Volumes of the cluster, every night. Git is the backup of everything else. */
  #backups(): void {
    const { name, backupRetentionDays, deletionProtection, accountId } = this.#settings;
    const role = this.role('backup-role', {
      name: clusterRole(this.project, this.#settings, 'backup'),
      trust: trustOfService('backup.amazonaws.com', accountId),
      managed: [
        'service-role/AWSBackupServiceRolePolicyForBackup',
        'service-role/AWSBackupServiceRolePolicyForRestores',
      ],
    });
    // Backups of a protected cluster outlive it: AWS refuses to delete a vault that holds some.
    const vault = new BackupVault(this, 'backup-vault', { name, forceDestroy: !deletionProtection });
    const plan = new BackupPlan(this, 'backup-plan', {
      name,
      rule: [
        {
          ruleName: 'nightly',
          targetVaultName: vault.name,
          schedule: 'cron(0 3 * * ? *)',
          lifecycle: { deleteAfter: backupRetentionDays },
        },
      ],
    });
    new BackupSelection(this, 'backup-selection', {
      name: 'volumes',
      planId: plan.id,
      iamRoleArn: role.arn,
      selectionTag: [{ type: 'STRINGEQUALS', key: BACKUP_TAG, value: name }],
      dependsOn: [...role.permissions],
    });
  }
}

// Amazon Linux 2023.
const AMI_TYPES = { amd64: 'AL2023_x86_64_STANDARD', arm64: 'AL2023_ARM_64_STANDARD' } as const;

/** The log group of a cluster's control plane; EKS gives the name. */
export const controlPlaneLogGroup = ({ name }: Pick<AwsClusterSettings, 'name'>): string => `/aws/eks/${name}/cluster`;
