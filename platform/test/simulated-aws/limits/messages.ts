import { text, texts } from '../kind.ts';
import type { Values } from '../values.ts';
import { form, given, json, type Limits, outside } from './limit.ts';

const refusesAttribute = (name: string): readonly [code: string, message: string] => [
  'InvalidAttributeValue',
  `Invalid value for the parameter ${name}.`,
];

const statementsOf = (values: Values): readonly { readonly Action?: unknown }[] => {
  const { Statement } = json(values, 'policy');
  return Array.isArray(Statement) ? (Statement as readonly { Action?: unknown }[]) : [];
};

export const LIMITS_OF_MESSAGES: Readonly<Record<string, Limits>> = {
  aws_sqs_queue: {
    source: 'SQS API reference, CreateQueue; SQS developer guide, "Amazon SQS message quotas"',
    unknown:
      'a name that is not free for a minute after a deletion, which the provider waits for; the rights of a key. There is no quota',
    refuses: [
      form('name', /^[\w-]{1,80}$/, ['InvalidParameterValue', 'Can only include alphanumeric characters']),
      outside('message_retention_seconds', 60, 1_209_600, refusesAttribute('MessageRetentionPeriod')),
      outside('visibility_timeout_seconds', 0, 43_200, refusesAttribute('VisibilityTimeout')),
      outside('delay_seconds', 0, 900, refusesAttribute('DelaySeconds')),
      outside('receive_wait_time_seconds', 0, 20, refusesAttribute('ReceiveMessageWaitTimeSeconds')),
      outside('max_message_size', 1024, 1_048_576, refusesAttribute('MaximumMessageSize')),
      {
        what: "a key of one's own beside that of SQS",
        when: ({ values }) => values.sqs_managed_sse_enabled === true && text(values, 'kms_master_key_id') !== '',
        error: ['InvalidAttributeValue', 'You can use one type of server-side encryption (SSE) at one time.'],
      },
    ],
  },
  aws_sqs_queue_policy: {
    source: 'SQS API reference, SetQueueAttributes; SQS developer guide, "Amazon SQS policy quotas"',
    unknown: 'whether it allows what its queue is for; iam-policies.test.ts reads it',
    refuses: [
      {
        what: 'more than 20 statements, or seven actions of one',
        when: ({ values }) =>
          statementsOf(values).length > 20 || statementsOf(values).some(({ Action }) => [Action].flat().length > 7),
        error: ['InvalidAttributeValue', 'Invalid value for the parameter Policy.'],
      },
      {
        what: 'a policy of more than 8,192 bytes',
        when: ({ values }) => Buffer.byteLength(text(values, 'policy')) > 8192,
        error: ['InvalidAttributeValue', 'Invalid value for the parameter Policy.'],
      },
    ],
  },
  aws_cloudwatch_event_rule: {
    source: 'EventBridge API reference, PutRule; EventBridge user guide, "Amazon EventBridge quotas"',
    unknown: 'which events there are: a pattern that none matches is accepted; two new regions have 100 rules, not 300',
    quota: {
      most: 300,
      per: (values) => text(values, 'event_bus_name'),
      error: ['LimitExceededException', 'The requested resource exceeds the maximum number allowed.'],
    },
    refuses: [
      form('name', /^[.\-_A-Za-z0-9]{1,64}$/, ['ValidationException', "Value at 'name' failed to satisfy constraint"]),
      {
        what: 'neither a pattern nor a schedule',
        when: ({ values }) => !given(values, 'event_pattern') && !given(values, 'schedule_expression'),
        error: ['ValidationException', 'Parameter(s) EventPattern or ScheduleExpression must be specified.'],
      },
      {
        what: 'a pattern that is none: each field is a list, or has fields',
        when: ({ values }) => given(values, 'event_pattern') && !isPattern(json(values, 'event_pattern')),
        error: ['InvalidEventPatternException', 'Event pattern is not valid.'],
      },
      {
        what: 'a pattern of more than 2,048 characters',
        when: ({ values }) => text(values, 'event_pattern').length > 2048,
        error: ['InvalidEventPatternException', 'Event pattern is not valid. Reason: too long'],
      },
    ],
  },
  aws_cloudwatch_event_target: {
    source: 'EventBridge API reference, PutTargets, Target; EventBridge user guide, "Amazon EventBridge quotas"',
    unknown: 'whether EventBridge may reach the target: an event that it may not deliver is dropped without a word',
    quota: {
      most: 5,
      per: (values) => `${text(values, 'event_bus_name')}/${text(values, 'rule')}`,
      error: ['LimitExceededException', 'The requested resource exceeds the maximum number allowed.'],
    },
    refuses: [
      form('target_id', /^[.\-_A-Za-z0-9]{1,64}$/, [
        'ValidationException',
        "Value at 'targets.1.member.id' failed to satisfy constraint",
      ]),
    ],
  },
};

const isPattern = (pattern: Values): boolean =>
  Object.keys(pattern).length > 0 &&
  Object.entries(pattern).every(
    ([field, value]) =>
      (Array.isArray(value) && texts(pattern, field).length > 0) ||
      (typeof value === 'object' && value !== null && !Array.isArray(value) && isPattern(value as Values)),
  );
