import { idFromName, type Kinds, regionalArn, text } from './kind.ts';

// KMS. Known: an alias needs its key. Not known: the days for which a deleted key waits, and who may use it.

export const kms: Kinds = {
  aws_kms_key: {
    prefix: '',
    fixed: ['key_usage'],
    computed: ['id', 'arn', 'key_id', 'policy'],
    fill: (context) => ({
      arn: regionalArn(context, 'kms', `key/${context.id}`),
      key_id: context.id,
      policy: context.values.policy ?? '{}',
    }),
  },
  aws_kms_alias: {
    id: idFromName,
    fixed: ['name'],
    existsError: 'AlreadyExistsException',
    references: [
      { from: (values) => [text(values, 'target_key_id')], to: 'aws_kms_key', missingError: 'NotFoundException' },
    ],
    computed: ['id', 'arn', 'target_key_arn'],
    fill: (context) => ({
      arn: regionalArn(context, 'kms', context.id),
      target_key_arn: regionalArn(context, 'kms', `key/${text(context.values, 'target_key_id')}`),
    }),
  },
};
