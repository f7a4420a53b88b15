import { byArn, idFromName, type Kinds, optional, regionalArn, text } from './kind.ts';

// SQS and EventBridge. Known: names, that a rule keeps its targets and a target needs its rule, that a queue's name is not
// free for a minute. Not known: what a queue's policy allows, and whether a notice arrives.

// SQS API reference, CreateQueue: 1 to 80 letters, digits, hyphens and underscores; 60 seconds to 14 days.
const QUEUE_NAME = /^[\w-]{1,80}$/;
// EventBridge API reference, PutRule.
const RULE_NAME = /^[.\-_A-Za-z0-9]{1,64}$/;

export const messages: Kinds = {
  aws_sqs_queue: {
    id: ({ caller, values }) =>
      `https://sqs.${caller.region}.amazonaws.com/${caller.accountId}/${text(values, 'name')}`,
    fixed: ['name', 'fifo_queue'],
    existsError: 'QueueAlreadyExists',
    checkCreate: ({ values, find, fail }) => {
      const name = text(values, 'name');
      if (!QUEUE_NAME.test(name)) fail('InvalidParameterValue', `${name}: Can only include alphanumeric characters`);
      const seconds = Number(values.message_retention_seconds);
      if (seconds < 60 || seconds > 1_209_600)
        fail('InvalidAttributeValue', 'Invalid value for the parameter MessageRetentionPeriod.');
      if (find('queue_deleted_recently', ({ id }) => id === name) !== undefined)
        fail(
          'QueueDeletedRecently',
          'You must wait 60 seconds after deleting a queue before you can create another with the same name.',
        );
    },
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
    checkCreate: ({ values, fail }) => {
      if (!RULE_NAME.test(text(values, 'name')))
        fail('ValidationException', `the name ${text(values, 'name')} is invalid`);
    },
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
