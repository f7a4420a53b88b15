import { BackupPlan } from '@cdktf/provider-aws/lib/backup-plan/index.js';
import { BackupSelection } from '@cdktf/provider-aws/lib/backup-selection/index.js';
import { BackupVault } from '@cdktf/provider-aws/lib/backup-vault/index.js';
import type { KmsKey } from '@cdktf/provider-aws/lib/kms-key/index.js';
import type { AwsClusterSettings } from '@gitops/settings';
import { trustOfService } from '../iam/trust.ts';
import { clusterRole } from '../names.ts';
import type { PlatformStack } from './platform-stack.ts';

/** The tag of volumes that are backed up; its value is the cluster's name. */
export const BACKUP_TAG = 'backup';

/**
 * Backs up the volumes of a cluster every night. Git is the backup of everything else.
 * @param key encrypts the vault; undefined for AWS's own
 */
export function addBackups(stack: PlatformStack, settings: AwsClusterSettings, key: KmsKey | undefined): void {
  const { name, backupRetentionDays, deletionProtection, accountId } = settings;
  const role = stack.role('backup-role', {
    name: clusterRole(stack.project, settings, 'backup'),
    trust: trustOfService('backup.amazonaws.com', accountId),
    managed: ['service-role/AWSBackupServiceRolePolicyForBackup', 'service-role/AWSBackupServiceRolePolicyForRestores'],
  });
  // Backups of a protected cluster outlive it: AWS refuses to delete a vault that has some.
  const vault = new BackupVault(stack, 'backup-vault', {
    name,
    forceDestroy: !deletionProtection,
    ...(key === undefined ? {} : { kmsKeyArn: key.arn }),
    // It can only be set once: a vault from before would be replaced, which AWS refuses while it has backups.
    lifecycle: { ignoreChanges: ['kms_key_arn'] },
  });
  const plan = new BackupPlan(stack, 'backup-plan', {
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
  new BackupSelection(stack, 'backup-selection', {
    name: 'volumes',
    planId: plan.id,
    iamRoleArn: role.arn,
    selectionTag: [{ type: 'STRINGEQUALS', key: BACKUP_TAG, value: name }],
    dependsOn: [...role.permissions],
  });
}
