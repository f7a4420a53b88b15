import { block, idFromName, type Kinds, regionalArn, text, withRole } from './kind.ts';

// AWS Backup. Known: plan before selection, and that a vault with recovery points stays. Not known: whether a backup
// would be made.

export const backup: Kinds = {
  aws_backup_vault: {
    id: idFromName,
    fixed: ['name', 'kms_key_arn'],
    existsError: 'AlreadyExistsException',
    checkDelete: ({ thing, find, fail }) => {
      const hasPoints = find('recovery_point', ({ values }) => values.vault === thing.id) !== undefined;
      if (hasPoints && thing.values.force_destroy !== true)
        fail('InvalidRequestException', 'Backup vault cannot be deleted because it contains recovery points.');
    },
    computed: ['id', 'arn', 'recovery_points', 'kms_key_arn'],
    fill: (context) => ({
      arn: regionalArn(context, 'backup', `backup-vault:${context.id}`),
      recovery_points: 0,
      kms_key_arn: context.values.kms_key_arn ?? regionalArn(context, 'kms', 'key/aws-backup'),
    }),
  },

  aws_backup_plan: {
    prefix: '',
    fixed: ['name'],
    references: [
      {
        from: (values) => [text(block(values, 'rule'), 'target_vault_name')],
        to: 'aws_backup_vault',
        missingError: 'ResourceNotFoundException',
      },
    ],
    computed: ['id', 'arn', 'version'],
    fill: (context) => ({ arn: regionalArn(context, 'backup', `backup-plan:${context.id}`), version: '1' }),
  },

  aws_backup_selection: {
    prefix: '',
    unique: (values) => `${text(values, 'plan_id')} ${text(values, 'name')}`,
    importId: ({ id, values }) => `${text(values, 'plan_id')}|${id}`,
    fixed: ['name', 'plan_id', 'iam_role_arn', 'selection_tag'],
    references: [
      {
        from: (values) => [text(values, 'plan_id')],
        to: 'aws_backup_plan',
        missingError: 'InvalidParameterValueException',
        inUseError: 'InvalidRequestException',
      },
      withRole('iam_role_arn', 'InvalidParameterValueException'),
    ],
    computed: ['id'],
  },
};
