import { IamRole } from '@cdktf/provider-aws/lib/iam-role/index.js';
import { IamRolePolicy } from '@cdktf/provider-aws/lib/iam-role-policy/index.js';
import { IamRolePolicyAttachment } from '@cdktf/provider-aws/lib/iam-role-policy-attachment/index.js';
import { AwsProvider } from '@cdktf/provider-aws/lib/provider/index.js';
import { type ITerraformDependable, LocalBackend, S3Backend, TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import type { ClusterSettings } from '@gitops/settings';
import type { PolicyDocument } from '../iam/document.ts';
import { boundaryArn, projectOf, stateBucket, tagsOf } from '../names.ts';

/** Where a stack is, and the cluster that owns it. */
export interface Place {
  readonly accountId: string;
  readonly region: string;
  /** The cluster that it is part of; none for what an account has once. */
  readonly cluster?: string;
}

/** What all clusters have in common; any one's settings will do. */
export type Common = Pick<ClusterSettings, 'git' | 'registry' | 'state'>;

/** An IAM role, who may assume it, and what it may do. */
export interface RoleOptions {
  readonly name: string;
  readonly trust: PolicyDocument;
  /** AWS's own policies, by what follows `policy/` in their ARN. */
  readonly managed?: readonly string[];
  /** A policy of ours. */
  readonly policy?: PolicyDocument;
  readonly maxSessionHours?: number;
}

/**
 * A role with its permissions: whatever uses it has to wait for these too, since AWS checks them at once.
 */
export interface Role {
  readonly arn: string;
  readonly name: string;
  readonly permissions: readonly ITerraformDependable[];
}

/** A stack in one account and region, with its own state, and tags on everything that it creates. */
export class PlatformStack extends TerraformStack {
  readonly project: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly #accountId: string;

  constructor(scope: Construct, id: string, common: Common, { accountId, region, cluster }: Place) {
    super(scope, id);
    this.project = projectOf(common);
    this.tags = tagsOf(this.project, id, cluster);
    this.#accountId = accountId;
    // Credentials of another account are refused before anything is read.
    new AwsProvider(this, 'aws', { region, allowedAccountIds: [accountId], defaultTags: [{ tags: { ...this.tags } }] });
    // CDKTF leaves out the namespace, which OpenTofu would then look up at every init.
    this.addOverride('terraform.required_providers.aws', { source: 'hashicorp/aws', version: AWS_PROVIDER_VERSION });
    this.addOverride('terraform.required_version', '>= 1.11.0');
    keepState(this, id, common, accountId);
  }

  /**
   * An IAM role within the account's boundary, without which CI may create none.
   * @param after what must exist before it
   */
  role(
    id: string,
    { name, trust, managed = [], policy, maxSessionHours = 1 }: RoleOptions,
    after: readonly ITerraformDependable[] = [],
  ): Role {
    const role = new IamRole(this, id, {
      dependsOn: [...after],
      name,
      assumeRolePolicy: JSON.stringify(trust),
      permissionsBoundary: boundaryArn(this.project, this.#accountId),
      maxSessionDuration: maxSessionHours * 3600,
    });
    const permissions: ITerraformDependable[] = managed.map(
      (path) =>
        new IamRolePolicyAttachment(this, `${id}-${path.replace(/^.*\//, '')}`, {
          role: role.name,
          policyArn: `arn:aws:iam::aws:policy/${path}`,
        }),
    );
    if (policy !== undefined)
      permissions.push(
        new IamRolePolicy(this, `${id}-policy`, {
          name: 'permissions',
          role: role.name,
          policy: JSON.stringify(policy),
        }),
      );
    return { arn: role.arn, name: role.name, permissions };
  }
}

// The release that the bindings in package.json were made from.
const AWS_PROVIDER_VERSION = '6.25.0';

/** The folder platform/, from a stack's folder, cdktf.out/stacks/<stack>, in which OpenTofu runs. */
const PLATFORM = '../../..';

/**
 * By the setting `state`: files of this machine at first, then the bucket of the stack's account. `make migrate-state`
 * moves one to the other.
 */
function keepState(stack: TerraformStack, id: string, common: Common, accountId: string): void {
  if (common.state === 'local') {
    // CDKTF's default would write an absolute path of this machine.
    new LocalBackend(stack, { path: `${PLATFORM}/state/${id}.tfstate` });
    return;
  }
  new S3Backend(stack, {
    bucket: stateBucket(projectOf(common), accountId),
    key: `${id}.tfstate`,
    region: common.registry.region,
    encrypt: true,
  });
  // CDKTF's types are older than this way of locking, which needs no table.
  stack.addOverride('terraform.backend.s3.use_lockfile', true);
}
