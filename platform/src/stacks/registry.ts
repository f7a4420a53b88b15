import { resolve } from 'node:path';
import { EcrLifecyclePolicy } from '@cdktf/provider-aws/lib/ecr-lifecycle-policy/index.js';
import { EcrRegistryScanningConfiguration } from '@cdktf/provider-aws/lib/ecr-registry-scanning-configuration/index.js';
import { EcrRepository } from '@cdktf/provider-aws/lib/ecr-repository/index.js';
import { EcrRepositoryPolicy } from '@cdktf/provider-aws/lib/ecr-repository-policy/index.js';
import type { Construct } from 'constructs';
import { type AwsClusterSettings, PREVIEW_IMAGES } from '@gitops/settings';
import { serviceNames } from '@gitops/settings/services';
import { imagePullPolicy } from '../iam/policies.ts';
import { lifecyclePolicy, previewLifecyclePolicy, tagMutability } from '../retention.ts';
import { type Common, PlatformStack } from './platform-stack.ts';

/** The repositories of images that are released, one for each service. */
export const REPOSITORIES = serviceNames(resolve(import.meta.dirname, '../../..'));

/**
 * The one registry, from which every cluster pulls what was built once. It outlives them: no command deletes a
 * repository.
 */
export class RegistryStack extends PlatformStack {
  constructor(scope: Construct, common: Common, clusters: readonly AwsClusterSettings[]) {
    super(scope, 'registry', common, common.registry);
    const others = [...new Set(clusters.map(({ accountId }) => accountId))].filter(
      (id) => id !== common.registry.accountId,
    );
    const names = clusters.map(({ name }) => name);

    for (const name of REPOSITORIES) {
      const repository = new EcrRepository(this, name, {
        name,
        ...tagMutability(names),
        encryptionConfiguration: [{ encryptionType: 'AES256' }],
        forceDelete: false,
        lifecycle: { preventDestroy: true },
      });
      new EcrLifecyclePolicy(this, `${name}-retention`, {
        repository: repository.name,
        policy: JSON.stringify(lifecyclePolicy(names)),
      });
      if (others.length > 0)
        new EcrRepositoryPolicy(this, `${name}-pull`, {
          repository: repository.name,
          policy: JSON.stringify(imagePullPolicy(others)),
        });
    }
    this.#previews(clusters, common.registry.accountId);
    // Scans an image for known vulnerabilities when it is pushed, free of charge. The setting by repository is deprecated.
    new EcrRegistryScanningConfiguration(this, 'scanning', {
      scanType: 'BASIC',
      rule: [{ scanFrequency: 'SCAN_ON_PUSH', repositoryFilter: [{ filter: '*', filterType: 'WILDCARD' }] }],
    });
  }

  /** The repository of previews: whoever may push a branch may push to it, and nothing in it lasts. */
  #previews(clusters: readonly AwsClusterSettings[], own: string): void {
    const repository = new EcrRepository(this, 'previews', {
      name: PREVIEW_IMAGES,
      // A tag is a commit, and the pods pull by it.
      imageTagMutability: 'IMMUTABLE',
      encryptionConfiguration: [{ encryptionType: 'AES256' }],
      forceDelete: false,
    });
    new EcrLifecyclePolicy(this, 'previews-retention', {
      repository: repository.name,
      policy: JSON.stringify(previewLifecyclePolicy()),
    });
    const others = clusters.filter(({ accountId, previews }) => previews !== undefined && accountId !== own);
    if (others.length > 0)
      new EcrRepositoryPolicy(this, 'previews-pull', {
        repository: repository.name,
        policy: JSON.stringify(imagePullPolicy([...new Set(others.map(({ accountId }) => accountId))])),
      });
  }
}

/** The ARN of a repository. */
export const repositoryArn = ({ accountId, region }: Common['registry'], name: string): string =>
  `arn:aws:ecr:${region}:${accountId}:repository/${name}`;
