import { byArn, idFromName, type Kinds, optional, regionalArn, text } from './kind.ts';

// SQS and EventBridge. Known: that a rule keeps its targets, and a target needs its rule. Not known: what a queue's policy
// allows, and whether a notice arrives.

export const messages: Kinds = {
  aws_sqs_queue: {
    id: ({ caller, values }) =>
      `https://sqs.${caller.region}.amazonaws.com/${caller.accountId}/${text(values, 'name')}`,
    fixed: ['name', 'fifo_queue'],
    existsError: 'QueueAlreadyExists',
    computed: [
      'id',
      'arn',
      'url',
      'policy',
      'redrive_policy',
      'redrive_allow_policy',
      'kms_data_key_reuse_period_seconds',
    ],
    fill: (context) => ({
      arn: regionalArn(context, 'sqs', text(context.values, 'name')),
      url: context.id,
      policy: '',
      redrive_policy: '',
      redrive_allow_policy: '',
      kms_data_key_reuse_period_seconds: 300,
    }),
  },

  aws_sqs_queue_policy: {
    overwrites: true,
    id: ({ values }) => text(values, 'queue_url'),
    fixed: ['queue_url'],
    references: [
      {
        from: (values) => optional(values, 'queue_url'),
        to: 'aws_sqs_queue',
        missingError: 'AWS.SimpleQueueService.NonExistentQueue',
      },
    ],
    computed: ['id'],
  },

  aws_cloudwatch_event_rule: {
    id: idFromName,
    fixed: ['name', 'event_bus_name'],
    // PutRule overwrites; the provider does not look first.
    overwrites: true,
    checkDelete: ({ thing, all, fail }) => {
      if (all('aws_cloudwatch_event_target').some(({ values }) => values.rule === thing.id))
        fail('ValidationException', "Rule can't be deleted since it has targets.");
    },
    computed: ['id', 'arn', 'name_prefix', 'is_enabled'],
    fill: (context) => ({
      arn: regionalArn(context, 'events', `rule/${context.id}`),
      name_prefix: '',
      is_enabled: true,
    }),
  },

  aws_cloudwatch_event_target: {
    overwrites: true,
    id: ({ values }) => `${text(values, 'rule')}-${text(values, 'target_id')}`,
    fixed: ['rule', 'target_id', 'event_bus_name'],
    references: [
      {
        from: (values) => optional(values, 'rule'),
        to: 'aws_cloudwatch_event_rule',
        missingError: 'ResourceNotFoundException',
      },
      // EventBridge takes an ARN of a queue that is not there; nothing would arrive.
      {
        from: (values) => optional(values, 'arn'),
        to: 'aws_sqs_queue',
        by: byArn,
        missingError: 'ResourceNotFoundException',
      },
    ],
    computed: ['id'],
  },
};
