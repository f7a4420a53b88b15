import { CloudwatchLogGroup } from '@cdktf/provider-aws/lib/cloudwatch-log-group/index.js';
import { DataAwsEksAddonVersion } from '@cdktf/provider-aws/lib/data-aws-eks-addon-version/index.js';
import { DataAwsSubnets } from '@cdktf/provider-aws/lib/data-aws-subnets/index.js';
import { EksAccessEntry } from '@cdktf/provider-aws/lib/eks-access-entry/index.js';
import { EksAccessPolicyAssociation } from '@cdktf/provider-aws/lib/eks-access-policy-association/index.js';
import { EksAddon } from '@cdktf/provider-aws/lib/eks-addon/index.js';
import { EksCluster } from '@cdktf/provider-aws/lib/eks-cluster/index.js';
import { EksPodIdentityAssociation } from '@cdktf/provider-aws/lib/eks-pod-identity-association/index.js';
import { KmsAlias } from '@cdktf/provider-aws/lib/kms-alias/index.js';
import { KmsKey } from '@cdktf/provider-aws/lib/kms-key/index.js';
import { SecretsmanagerSecret } from '@cdktf/provider-aws/lib/secretsmanager-secret/index.js';
import { type ITerraformDependable, TerraformVariable } from 'cdktf';
import type { Construct } from 'constructs';
import { type AwsClusterSettings, previewToken, SERVICE_CIDR } from '@gitops/settings';
import { podIdentities } from '../iam/pod-identities.ts';
import { keyPolicy } from '../iam/policies.ts';
import { trustOfEks, trustOfPodIdentity } from '../iam/trust.ts';
import { addedNodes, clusterRole, deployRole, interruptionQueue, nameIn } from '../names.ts';
import { addAddedNodes } from './cluster-added-nodes.ts';
import { addBackups, BACKUP_TAG } from './cluster-backups.ts';
import { addNodes } from './cluster-nodes.ts';
import { PlatformStack } from './platform-stack.ts';

/** The address of the cluster in its stack. */
export const CLUSTER = 'aws_eks_cluster.cluster';

/**
 * The variable by which `make apply` keeps the add-ons at those of a version of Kubernetes while the control plane is
 * upgraded before them (commands/upgrade.ts). Empty: those of the settings' version.
 */
export const HELD_ADDONS = 'held_addons';

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
 *
 * So it is created. An upgrade of Kubernetes goes another way, all add-ons before the nodes: commands/upgrade.ts.
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

    new TerraformVariable(this, HELD_ADDONS, {
      type: 'string',
      default: '',
      description: 'Version of Kubernetes whose add-ons are kept during the first step of an upgrade',
    }).overrideLogicalId(HELD_ADDONS);
    const beforeNodes = [
      this.#addon(cluster, 'vpc-cni', identities, {
        // A t3.medium has addresses for 17 pods, and with prefixes for 110. Without the second setting NetworkPolicies
        // are not enforced.
        env: { ENABLE_PREFIX_DELEGATION: 'true', WARM_PREFIX_TARGET: '1' },
        enableNetworkPolicy: 'true',
      }),
      this.#addon(cluster, 'kube-proxy', identities),
      this.#addon(cluster, 'eks-pod-identity-agent', identities),
    ];
    const nodes = addNodes(this, { settings, cluster, subnetIds: this.#privateSubnets(), after: beforeNodes });
    this.#addon(cluster, 'coredns', [nodes]);
    this.#addon(cluster, 'aws-ebs-csi-driver', [...identities, nodes], {
      defaultStorageClass: { enabled: true },
      controller: { extraVolumeTags: { ...this.tags, [BACKUP_TAG]: settings.name } },
    });
    this.#addon(cluster, 'eks-node-monitoring-agent', [nodes]);
    if (settings.nodePool !== undefined) addAddedNodes(this, settings, cluster);

    this.#secrets(key);
    addBackups(this, settings, key);
  }

  /**
   * Encrypts Secrets, in Kubernetes and in Secrets Manager, the logs of the control plane and the vault of backups.
   * Deleted a month after the cluster: a backup needs it.
   */
  #key(): KmsKey {
    const { accountId, region } = this.#settings;
    const key = new KmsKey(this, 'key', {
      description: `Secrets of the cluster ${this.#settings.name}`,
      enableKeyRotation: true,
      policy: JSON.stringify(keyPolicy({ accountId, region, logGroup: controlPlaneLogGroup(this.#settings) })),
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
    // Otherwise EKS creates it, without an expiry.
    const logs = new CloudwatchLogGroup(this, 'logs', {
      name: controlPlaneLogGroup(this.#settings),
      retentionInDays: this.#settings.logRetentionDays,
      ...(key === undefined ? {} : { kmsKeyId: key.arn }),
    });
    return new EksCluster(this, 'cluster', {
      name,
      version: kubernetesVersion,
      roleArn: role.arn,
      vpcConfig: {
        subnetIds: this.#privateSubnets(),
        // Nodes reach the API inside the network, whether or not it is open to others.
        endpointPrivateAccess: true,
        endpointPublicAccess: api.publicCidrs.length > 0,
        ...(api.publicCidrs.length > 0 ? { publicAccessCidrs: api.publicCidrs } : {}),
      },
      accessConfig: { authenticationMode: 'API', bootstrapClusterCreatorAdminPermissions: false },
      kubernetesNetworkConfig: { ipFamily: 'ipv4', serviceIpv4Cidr: SERVICE_CIDR },
      // The add-ons below replace those that EKS would install.
      bootstrapSelfManagedAddons: false,
      // All of them: an audit asks for it. CloudWatch takes 0.50 dollars for each GB.
      enabledClusterLogTypes: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'],
      // Extended support costs 365 dollars a month more; an upgrade in time costs nothing.
      upgradePolicy: { supportType: 'STANDARD' },
      zonalShiftConfig: { enabled: true },
      deletionProtection,
      ...(key === undefined ? {} : { encryptionConfig: { provider: { keyArn: key.arn }, resources: ['secrets'] } }),
      timeouts: { create: '60m', update: '60m', delete: '60m' },
      lifecycle: {
        ignoreChanges: [
          // These two can only be set once; a later change would replace the cluster.
          'access_config[0].bootstrap_cluster_creator_admin_permissions',
          'bootstrap_self_managed_addons',
          // EKS keeps the control plane in its first zones (UpdateClusterConfig): a later zone is one of nodes alone.
          'vpc_config[0].subnet_ids',
        ],
      },
      dependsOn: [logs, ...role.permissions],
    });
  }

  #privateSubnetIds: string[] | undefined;

  /** Found by their tags, so that this stack needs nothing of the network's state. */
  #privateSubnets(): string[] {
    const {
      name,
      network: { zones },
    } = this.#settings;
    this.#privateSubnetIds ??= new DataAwsSubnets(this, 'private-subnets', {
      filter: [
        { name: 'tag:cluster', values: [name] },
        { name: 'tag:tier', values: ['private'] },
        // A zone that is taken away is left by the cluster before its subnets can go.
        { name: 'availability-zone', values: [...zones] },
      ],
      // AWS returns an empty list where there are none, and only EKS would fail, in the middle of the apply.
      lifecycle: {
        postcondition: [
          {
            condition: `\${length(self.ids) == ${zones.length}}`,
            errorMessage:
              `The network of ${name} lacks a private subnet in each of its ${zones.length} zones; ` +
              `apply ${nameIn(this.#settings, 'network')} first.`,
          },
        ],
      },
    }).ids;
    return this.#privateSubnetIds;
  }

  /** CI's role applies the Argo CD stack; people have access by the roles of the settings. */
  #access(cluster: EksCluster): void {
    const { api, accountId } = this.#settings;
    const grant = (role: string, policy: string): void => {
      const principalArn = `arn:aws:iam::${accountId}:role/${role}`;
      // The id of a construct may not have a slash, and CDKTF drops other characters: names that differ by one would be one.
      const id = `access-${role.replaceAll(/[^A-Za-z0-9-]/g, (other) => `_${other.charCodeAt(0).toString(16)}_`)}`;
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
    const nodeRole = addedNodes(this.project, this.#settings);
    const queue = interruptionQueue(this.#settings);
    return podIdentities({ accountId, cluster: name, region, keyArn: key?.arn, controllers, nodeRole, queue }).map(
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
      kubernetesVersion: `\${var.${HELD_ADDONS} == "" ? "${this.#settings.kubernetesVersion}" : var.${HELD_ADDONS}}`,
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

  /**
   * Places for secrets, which External Secrets copies. Their owner puts the values in; none passes through here or the
   * state.
   */
  #secrets(key: KmsKey | undefined): void {
    const { name, controllers, deletionProtection, previews } = this.#settings;
    const secret = (id: string, secretName: string, description: string): void => {
      new SecretsmanagerSecret(this, id, {
        name: secretName,
        description,
        // 0 deletes at once: the name of a secret that waits to be deleted cannot be used again.
        recoveryWindowInDays: deletionProtection ? 30 : 0,
        ...(key === undefined ? {} : { kmsKeyId: key.arn }),
        // By which an interrupted apply finds it again.
        tags: { Name: secretName },
      });
    };
    secret(
      'service-secret',
      `${name}/fastify-service`,
      'Settings of the service that nobody else may read; External Secrets copies it',
    );
    if (previews !== undefined)
      secret(
        'preview-token',
        previewToken(name),
        "GitHub's token by which Argo CD lists pull requests with previews; the token alone",
      );
    if (controllers.includes('external-secrets'))
      secret(
        'notifications-secret',
        `${name}/argocd-notifications`,
        "Address that Argo CD's notifications are sent to; External Secrets copies it",
      );
    if (!controllers.includes('kube-prometheus-stack')) return;
    secret(
      'grafana-secret',
      `${name}/grafana`,
      'user and password of the admin of Grafana; External Secrets copies it',
    );
    secret(
      'alertmanager-secret',
      `${name}/alertmanager`,
      'Addresses that Alertmanager sends alerts to; External Secrets copies it',
    );
  }
}

/** The log group of a cluster's control plane; EKS gives the name. */
export const controlPlaneLogGroup = ({ name }: Pick<AwsClusterSettings, 'name'>): string => `/aws/eks/${name}/cluster`;
