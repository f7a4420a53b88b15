import { AccessanalyzerAnalyzer } from '@cdktf/provider-aws/lib/accessanalyzer-analyzer/index.js';
import { BudgetsBudget } from '@cdktf/provider-aws/lib/budgets-budget/index.js';
import { CeAnomalyMonitor } from '@cdktf/provider-aws/lib/ce-anomaly-monitor/index.js';
import { CeAnomalySubscription } from '@cdktf/provider-aws/lib/ce-anomaly-subscription/index.js';
import { EbsEncryptionByDefault } from '@cdktf/provider-aws/lib/ebs-encryption-by-default/index.js';
import { IamOpenidConnectProvider } from '@cdktf/provider-aws/lib/iam-openid-connect-provider/index.js';
import { IamPolicy } from '@cdktf/provider-aws/lib/iam-policy/index.js';
import { S3AccountPublicAccessBlock } from '@cdktf/provider-aws/lib/s3-account-public-access-block/index.js';
import { S3Bucket } from '@cdktf/provider-aws/lib/s3-bucket/index.js';
import { S3BucketLifecycleConfiguration } from '@cdktf/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js';
import { S3BucketPolicy } from '@cdktf/provider-aws/lib/s3-bucket-policy/index.js';
import { S3BucketPublicAccessBlock } from '@cdktf/provider-aws/lib/s3-bucket-public-access-block/index.js';
import { S3BucketServerSideEncryptionConfigurationA } from '@cdktf/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js';
import { S3BucketVersioningA } from '@cdktf/provider-aws/lib/s3-bucket-versioning/index.js';
import type { Construct } from 'constructs';
import { type AwsClusterSettings, PREVIEW_IMAGES } from '@gitops/settings';
import { merge } from '../iam/document.ts';
import {
  boundaryPolicy,
  clusterRolesPolicy,
  imagePushPolicy,
  tlsOnlyPolicy,
  writeStatePolicy,
} from '../iam/policies.ts';
import { GITHUB_ISSUER, trustOfGitHub } from '../iam/trust.ts';
import {
  boundaryName,
  deployRole,
  imagePushRole,
  nameInAccount,
  planRole,
  PREVIEW_ENVIRONMENT,
  previewPushRole,
  stateBucket,
} from '../names.ts';
import { type Common, PlatformStack, type RoleOptions } from './platform-stack.ts';
import { REPOSITORIES, repositoryArn } from './registry.ts';

/**
 * What one AWS account has once, before and after everything else: the bucket of the state, CI's roles and their
 * boundary, and alerts for costs.
 */
export class BootstrapStack extends PlatformStack {
  constructor(scope: Construct, common: Common, accountId: string, clusters: readonly AwsClusterSettings[]) {
    super(scope, `bootstrap-${accountId}`, common, { accountId, region: common.registry.region });
    const bucketArn = this.#state(stateBucket(this.project, accountId));
    this.#accountDefaults(common.registry.region, clusters);
    this.#gitHub(common, accountId, clusters, bucketArn);
    if (clusters.length > 0) this.#costs(clusters);
  }

  /** The bucket of the state: versioned, encrypted, private, and deleted by no command. */
  #state(name: string): string {
    const bucket = new S3Bucket(this, 'state', { bucket: name, lifecycle: { preventDestroy: true } });
    const closed = new S3BucketPublicAccessBlock(this, 'state-private', {
      bucket: bucket.id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const versions = new S3BucketVersioningA(this, 'state-versions', {
      bucket: bucket.id,
      versioningConfiguration: { status: 'Enabled' },
    });
    new S3BucketServerSideEncryptionConfigurationA(this, 'state-encryption', {
      bucket: bucket.id,
      rule: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms' }, bucketKeyEnabled: true }],
    });
    new S3BucketPolicy(this, 'state-tls', {
      bucket: bucket.id,
      policy: JSON.stringify(tlsOnlyPolicy(bucket.arn)),
      dependsOn: [closed],
    });
    new S3BucketLifecycleConfiguration(this, 'state-history', {
      bucket: bucket.id,
      rule: [
        {
          id: 'old-versions',
          status: 'Enabled',
          filter: [{ prefix: '' }],
          noncurrentVersionExpiration: [{ noncurrentDays: 90 }],
          abortIncompleteMultipartUpload: [{ daysAfterInitiation: 7 }],
        },
      ],
      dependsOn: [versions],
    });
    return bucket.arn;
  }

  /** Safe defaults for everything else in the account: of the whole account, or of each region where clusters are. */
  #accountDefaults(ownRegion: string, clusters: readonly AwsClusterSettings[]): void {
    new S3AccountPublicAccessBlock(this, 'buckets-private', {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    for (const region of new Set<string>([ownRegion, ...clusters.map((cluster) => cluster.region)])) {
      const [suffix, place] = region === ownRegion ? ['', {}] : [`-${region}`, { region }];
      new EbsEncryptionByDefault(this, `disks-encrypted${suffix}`, { enabled: true, ...place });
      // Reports what is shared with other accounts; free of charge.
      new AccessanalyzerAnalyzer(this, `access-analyzer${suffix}`, {
        analyzerName: nameInAccount(this.project, 'external-access'),
        type: 'ACCOUNT',
        ...place,
      });
    }
  }

  /**
   * The roles of GitHub's jobs, without any stored key:
   *
   *   main                  pushes images (in the registry's account)
   *   environment preview   pushes images of previews (there as well), to a repository of their own
   *   main, pull request    plans, and changes nothing, not even a lock
   *   environment <cluster> applies that cluster's stacks
   */
  #gitHub(common: Common, accountId: string, clusters: readonly AwsClusterSettings[], bucketArn: string): void {
    const { git, registry } = common;
    const repository = {
      fullName: git.repository.replace(/^https?:\/\/[^/]+\//, '').replace(/\.git$/, ''),
      ownerId: git.ownerId,
      repositoryId: git.repositoryId,
    };
    const boundary = new IamPolicy(this, 'boundary', {
      name: boundaryName(this.project),
      description: 'The most that any role of the platform may do',
      policy: JSON.stringify(
        boundaryPolicy({ project: this.project, accountId, clusters: clusters.map(({ name }) => name), bucketArn }),
      ),
    });
    const provider = new IamOpenidConnectProvider(this, 'github', {
      url: `https://${GITHUB_ISSUER}`,
      clientIdList: ['sts.amazonaws.com'],
    });
    const role = (id: string, contexts: readonly string[], options: Omit<RoleOptions, 'trust'>): void => {
      this.role(id, { ...options, trust: trustOfGitHub({ accountId, repository, contexts }) }, [boundary, provider]);
    };

    const main = `ref:refs/heads/${git.revision}`;
    if (accountId === registry.accountId) {
      role('image-push', [main], {
        name: imagePushRole(this.project),
        policy: imagePushPolicy(REPOSITORIES.map((name) => repositoryArn(registry, name))),
      });
      role('preview-push', [`environment:${PREVIEW_ENVIRONMENT}`], {
        name: previewPushRole(this.project),
        policy: imagePushPolicy([repositoryArn(registry, PREVIEW_IMAGES)]),
      });
    }
    // The scheduled search for drift runs on main.
    role('plan', ['pull_request', main], { name: planRole(this.project), managed: ['ReadOnlyAccess'] });
    for (const cluster of clusters) {
      role(`deploy-${cluster.name}`, [`environment:${cluster.name}`], {
        name: deployRole(this.project, cluster),
        managed: ['PowerUserAccess'],
        policy: merge(
          writeStatePolicy(bucketArn),
          clusterRolesPolicy({ project: this.project, accountId, clusters: [cluster.name] }),
        ),
        // A cluster takes a quarter of an hour to create, and longer to upgrade.
        maxSessionHours: 2,
      });
    }
  }

  /** Alerts at 80 and 100 percent of the clusters' budgets, for a forecast above them, and for anomalies. */
  #costs(clusters: readonly AwsClusterSettings[]): void {
    const emails = [...new Set(clusters.map(({ budget }) => budget.email))];
    const notification = (notificationType: string, threshold: number) => ({
      comparisonOperator: 'GREATER_THAN',
      notificationType,
      threshold,
      thresholdType: 'PERCENTAGE',
      subscriberEmailAddresses: emails,
    });
    // The whole account, tagged or not: this also shows leftovers of a destroyed cluster.
    new BudgetsBudget(this, 'budget', {
      name: nameInAccount(this.project, 'monthly'),
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      limitAmount: String(clusters.reduce((sum, { budget }) => sum + budget.monthlyUsd, 0)),
      limitUnit: 'USD',
      notification: [notification('ACTUAL', 80), notification('ACTUAL', 100), notification('FORECASTED', 100)],
    });
    const monitor = new CeAnomalyMonitor(this, 'anomalies', {
      name: nameInAccount(this.project, 'anomalies'),
      // By tag: an account can have one monitor by service, which AWS creates itself in newer ones.
      monitorType: 'CUSTOM',
      // As AWS returns it: the provider compares JSON, and a key that is left out is not null to it
      // (hashicorp/terraform-provider-aws#39885; its documentation writes it so).
      monitorSpecification: JSON.stringify({
        And: null,
        CostCategories: null,
        Dimensions: null,
        Not: null,
        Or: null,
        Tags: { Key: 'project', MatchOptions: null, Values: [this.project] },
      }),
    });
    new CeAnomalySubscription(this, 'anomaly-alerts', {
      name: nameInAccount(this.project, 'anomalies'),
      frequency: 'DAILY',
      monitorArnList: [monitor.arn],
      subscriber: emails.map((address) => ({ type: 'EMAIL', address })),
      thresholdExpression: {
        dimension: { key: 'ANOMALY_TOTAL_IMPACT_ABSOLUTE', matchOptions: ['GREATER_THAN_OR_EQUAL'], values: ['10'] },
      },
    });
  }
}
