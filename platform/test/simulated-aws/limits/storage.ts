import { block, text } from '../kind.ts';
import { allowsService, form, given, json, type Limits, otherThan, outside, roleBy } from './limit.ts';

const RETENTIONS = [
  0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const ofBucket: Limits = {
  source: 'Amazon S3 API reference: PutBucket*, PutPublicAccessBlock',
  unknown: 'whether a policy is public, which a block of public access refuses',
};

const ofRepository: Limits = {
  source: 'Amazon ECR API reference, PutLifecyclePolicy, SetRepositoryPolicy',
  unknown: 'the grammar of policies; of lifecycle policies test/retention-evaluator.ts has it',
};

export const LIMITS_OF_STORAGE: Readonly<Record<string, Limits>> = {
  aws_ecr_repository: {
    source: 'Amazon ECR API reference, CreateRepository, ImageTagMutabilityExclusionFilter',
    unknown: 'quotas of repositories and images, which are far away',
    refuses: [
      form('name', /^(?=.{2,256}$)[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)*$/, [
        'InvalidParameterException',
        "Invalid parameter at 'repositoryName' failed to satisfy constraint",
      ]),
      {
        what: 'exclusions without a mutability that has them, or more than five',
        when: ({ values }) => {
          const filters = (values.image_tag_mutability_exclusion_filter ?? []) as unknown[];
          const hasExclusions = text(values, 'image_tag_mutability').endsWith('_EXCLUSION');
          return filters.length > 5 || hasExclusions === (filters.length === 0);
        },
        error: ['InvalidParameterException', 'imageTagMutabilityExclusionFilters needs a mutability WITH_EXCLUSION'],
      },
    ],
  },
  aws_ecr_lifecycle_policy: {
    ...ofRepository,
    refuses: [
      {
        what: 'two rules of one priority, or more than fifty',
        when: ({ values }) => {
          const { rules = [] } = json(values, 'policy') as { rules?: { rulePriority: number }[] };
          return rules.length > 50 || new Set(rules.map(({ rulePriority }) => rulePriority)).size < rules.length;
        },
        error: ['InvalidParameterException', 'Lifecycle policy validation failure: rule priorities must be unique'],
      },
    ],
  },
  aws_ecr_repository_policy: ofRepository,
  aws_ecr_registry_scanning_configuration: {
    source: 'Amazon ECR API reference, PutRegistryScanningConfiguration',
    unknown: 'more than two rules, or filters of a hundred',
    refuses: [
      {
        what: 'continuous scans, which basic scanning does not have',
        when: ({ values }) => {
          const rules = (values.rule ?? []) as { scan_frequency?: string }[];
          return values.scan_type === 'BASIC' && rules.some((rule) => rule.scan_frequency === 'CONTINUOUS_SCAN');
        },
        error: ['ValidationException', 'CONTINUOUS_SCAN is for enhanced scanning alone'],
      },
    ],
  },
  aws_s3_bucket: {
    source: 'Amazon S3 user guide, "General purpose bucket naming rules"',
    unknown: 'names that others in AWS have taken, but for those of the other accounts here',
    refuses: [
      form('bucket', /^(?!xn--|sthree-|amzn-s3-demo-)(?!.*(-s3alias|--ol-s3|\.\.))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, [
        'InvalidBucketName',
        'The specified bucket is not valid.',
      ]),
      {
        what: 'a name that another account has',
        when: ({ values, cloud, caller }) =>
          cloud
            .things('aws_s3_bucket')
            .some(({ id, accountId }) => id === values.bucket && accountId !== caller.accountId),
        error: ['BucketAlreadyExists', 'The requested bucket name is not available.'],
      },
    ],
  },
  aws_s3_bucket_public_access_block: ofBucket,
  aws_s3_bucket_versioning: ofBucket,
  aws_s3_bucket_server_side_encryption_configuration: ofBucket,
  aws_s3_bucket_policy: ofBucket,
  aws_s3_bucket_lifecycle_configuration: ofBucket,
  aws_s3_account_public_access_block: ofBucket,
  aws_kms_key: {
    source: 'AWS KMS API reference, ScheduleKeyDeletion, PutKeyPolicy; AWS KMS developer guide, "Default key policy"',
    unknown: 'who may use it, and that a deleted one only waits',
    refuses: [
      outside('deletion_window_in_days', 7, 30, [
        'ValidationException',
        'PendingWindowInDays must be between 7 and 30',
      ]),
      {
        what: 'a policy that locks everybody out',
        when: ({ values, caller }) => {
          const policy = text(values, 'policy');
          return policy !== '' && policy !== '{}' && !policy.includes(`arn:aws:iam::${caller.accountId}:`);
        },
        error: [
          'MalformedPolicyDocumentException',
          'The new key policy will not allow you to update the key policy in the future.',
        ],
      },
    ],
  },
  aws_kms_alias: {
    source: 'AWS KMS API reference, CreateAlias; AWS KMS developer guide, "Resource quotas"',
    unknown: 'nothing',
    quota: {
      most: 50,
      per: (values) => text(values, 'target_key_id'),
      error: ['LimitExceededException', 'Aliases per KMS key: 50'],
    },
    refuses: [
      form('name', /^alias\/(?!aws\/)[\w/-]{1,250}$/, ['InvalidAliasNameException', 'The alias name is not valid']),
    ],
  },
  aws_secretsmanager_secret: {
    source: 'AWS Secrets Manager API reference, CreateSecret, DeleteSecret',
    unknown: 'its values',
    refuses: [
      form('name', /^[\w/+=.@-]{1,512}$/, [
        'ValidationException',
        'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
      ]),
      {
        what: 'days to wait that are neither none nor seven to thirty',
        when: ({ values }) => {
          const days = Number(values.recovery_window_in_days ?? 30);
          return days !== 0 && (days < 7 || days > 30);
        },
        error: [
          'InvalidParameterException',
          'The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).',
        ],
      },
    ],
  },
  aws_backup_vault: {
    source: 'AWS Backup API reference, CreateBackupVault',
    unknown: 'nothing',
    refuses: [form('name', /^[\w-]{2,50}$/, ['InvalidParameterValueException', 'Invalid backup vault name'])],
  },
  aws_backup_plan: {
    source: 'AWS Backup API reference, BackupRuleInput, Lifecycle',
    unknown: 'the grammar of schedules beyond its form',
    refuses: [
      {
        what: 'a schedule that is none',
        when: ({ values }) => !/^cron\(\S+( \S+){5}\)$/.test(text(block(values, 'rule'), 'schedule')),
        error: ['InvalidParameterValueException', 'Invalid cron expression'],
      },
      {
        what: 'backups that are deleted before they have been in cold storage for 90 days',
        when: ({ values }) => {
          const { cold_storage_after: cold, delete_after: days } = block(block(values, 'rule'), 'lifecycle');
          return Number(cold ?? 0) > 0 && Number(days ?? Infinity) < Number(cold) + 90;
        },
        error: [
          'InvalidParameterValueException',
          'DeleteAfterDays cannot be less than 90 days apart from MoveToColdStorageAfterDays',
        ],
      },
    ],
  },
  aws_backup_selection: {
    source: 'AWS Backup API reference, CreateBackupSelection; AWS Backup developer guide, "AWS Backup quotas"',
    unknown: 'conditions',
    quota: {
      most: 100,
      per: (values) => text(values, 'plan_id'),
      error: ['LimitExceededException', 'Backup selections per plan: 100'],
    },
    refuses: [
      {
        what: 'a role that AWS Backup may not assume',
        when: (context) =>
          !allowsService(json(roleBy(context, 'iam_role_arn'), 'assume_role_policy'), 'backup.amazonaws.com'),
        error: ['InvalidParameterValueException', 'IAM Role cannot be assumed by AWS Backup'],
      },
    ],
  },
  aws_cloudwatch_log_group: {
    source:
      'CloudWatch Logs API reference, CreateLogGroup, PutRetentionPolicy; CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS KMS"',
    unknown: 'what is written',
    refuses: [
      form('name', /^[\w./#-]{1,512}$/, ['InvalidParameterException', 'The log group name is invalid']),
      otherThan('retention_in_days', RETENTIONS, ['InvalidParameterException', 'Invalid retention value']),
      {
        what: 'a key that CloudWatch Logs may not use for it',
        when: ({ values, find, caller }) => {
          if (!given(values, 'kms_key_id')) return false;
          const key = find('aws_kms_key', (thing) => thing.values.arn === values.kms_key_id);
          const policy = text(key?.values ?? {}, 'policy');
          const isFor = policy.includes(`:log-group:${text(values, 'name')}"`) || policy.includes(':log-group:*"');
          return !policy.includes(`"logs.${caller.region}.amazonaws.com"`) || !isFor;
        },
        error: ['AccessDeniedException', 'The specified KMS key does not exist or is not allowed to be used with Arn'],
      },
    ],
  },
};
