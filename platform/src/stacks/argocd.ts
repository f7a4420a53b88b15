import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataAwsEksCluster } from '@cdktf/provider-aws/lib/data-aws-eks-cluster/index.js';
import { HelmProvider } from '@cdktf/provider-helm/lib/provider/index.js';
import { Release } from '@cdktf/provider-helm/lib/release/index.js';
import { AssetType, Fn, TerraformAsset } from 'cdktf';
import type { Construct } from 'constructs';
import { argocdValueFiles, type AwsClusterSettings, clusterFacts, clusterSecret, rootValues } from '@gitops/settings';
import { argocdChart } from '@gitops/tools/charts';
import { addedNodes, interruptionQueue, nameIn } from '../names.ts';
import { nodeImage } from './cluster-nodes.ts';
import { PlatformStack } from './platform-stack.ts';

/**
 * Argo CD in the cluster of its name, and what it needs to take over from here:
 *
 *   argocd/values.yaml, clusters/<cluster>/argocd.yaml ──▶ Argo CD, once: from then on by Git
 *   clusters/<cluster>/cluster.yaml ──▶ labels and annotations of the in-cluster Secret
 *   argocd/root ──▶ the root Application, which deploys everything else from Git
 *
 * It has its own state: in the cluster's, a replaced cluster would leave Helm without an endpoint.
 */
export class ArgoCdStack extends PlatformStack {
  constructor(scope: Construct, settings: AwsClusterSettings, repository: string) {
    const { accountId, region, name } = settings;
    super(scope, nameIn(settings, 'argocd'), settings, { accountId, region, cluster: name });
    const cluster = new DataAwsEksCluster(this, 'cluster', { name });
    new HelmProvider(this, 'helm', {
      kubernetes: {
        host: cluster.endpoint,
        clusterCaCertificate: Fn.base64decode(cluster.certificateAuthority.get(0).data),
        // A token for each call outlasts a long apply.
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1beta1',
          command: 'aws',
          args: ['eks', 'get-token', '--cluster-name', name, '--region', region, '--output', 'json'],
        },
      },
    });
    this.addOverride('terraform.required_providers.helm', { source: 'hashicorp/helm', version: HELM_PROVIDER_VERSION });

    const vpc = cluster.vpcConfig.get(0);
    const facts = clusterFacts(settings, {
      aws: {
        vpcId: vpc.vpcId,
        interruptionQueue: interruptionQueue(settings),
        nodeInstanceProfile: addedNodes(this.project, settings),
        nodeImage: settings.nodePool === undefined ? '' : nodeImage(this, settings, cluster.version),
        nodeSecurityGroup: vpc.clusterSecurityGroupId,
      },
    });
    const values = argocdValueFiles(name).map((file) => readFileSync(join(repository, file), 'utf8'));
    const { repoURL, chart, version, argocdVersion } = argocdChart(repository, name);
    const argocd = new Release(this, 'argocd', {
      name: 'argocd',
      namespace: 'argocd',
      createNamespace: true,
      repository: repoURL,
      chart,
      version,
      // Later ones win. The last is JSON, which is YAML too.
      values: [...values, JSON.stringify({ global: { image: { tag: argocdVersion } } })],
      atomic: true,
      wait: true,
      timeout: 900,
      maxHistory: 5,
      // The Application argocd has taken the objects over, and Git has their version and values. Everything is ignored: for a
      // change of any other argument, the provider would install again what its state has, the version of the first apply.
      lifecycle: { ignoreChanges: 'all' },
    });

    // Copied beside the stack under the hash of its content: a change of the chart shows in the plan.
    const root = new TerraformAsset(this, 'root-chart', {
      path: join(repository, 'argocd/root'),
      type: AssetType.DIRECTORY,
    });
    new Release(this, 'root', {
      name: 'root',
      namespace: 'argocd',
      chart: `./${root.path}`,
      values: [JSON.stringify({ ...rootValues(facts), clusterSecret: clusterSecret(facts) })],
      // Until facts came with this release, the Secret was one of Argo CD's.
      takeOwnership: true,
      wait: true,
      maxHistory: 5,
      // Its kinds come with Argo CD.
      dependsOn: [argocd],
    });
  }
}

// The release that the bindings in package.json were made from.
const HELM_PROVIDER_VERSION = '3.1.1';
