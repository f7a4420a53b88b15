import { block } from './simulated-aws/kind.ts';
import type { Values } from './simulated-aws/values.ts';

// Arguments that AWS refuses, for limits.test.ts.

/** Breaks one argument. */
export type Break = (values: Values) => Values;
export const set =
  (name: string, value: unknown): Break =>
  (values) => ({ ...values, [name]: value });
/** Changes the first of a block. */
export const within =
  (name: string, change: Break): Break =>
  (values) => ({ ...values, [name]: [change(block(values, name))] });
export const long = (length: number): string => 'x'.repeat(length);

/** Of what Karpenter needs: by type, and by what the limit says of itself. */
export const BROKEN_FOR_KARPENTER: Readonly<Record<string, Readonly<Record<string, Break>>>> = {
  aws_iam_instance_profile: { 'name of another form': set('name', 'dev/nodes') },
  aws_sqs_queue: {
    'name of another form': set('name', 'dev.interruptions'),
    'message_retention_seconds below 60 or above 1209600': set('message_retention_seconds', 30),
    'visibility_timeout_seconds below 0 or above 43200': set('visibility_timeout_seconds', 43_201),
    'delay_seconds below 0 or above 900': set('delay_seconds', 901),
    'receive_wait_time_seconds below 0 or above 20': set('receive_wait_time_seconds', 21),
    'max_message_size below 1024 or above 1048576': set('max_message_size', 1),
    "a key of one's own beside that of SQS": set('kms_master_key_id', 'alias/dev'),
  },
  aws_sqs_queue_policy: {
    'more than 20 statements, or seven actions of one': set(
      'policy',
      JSON.stringify({ Statement: [{ Action: Array.from({ length: 8 }, () => 'sqs:SendMessage') }] }),
    ),
    'a policy of more than 8,192 bytes': set('policy', long(8193)),
  },
  aws_cloudwatch_event_rule: {
    'name of another form': set('name', 'dev/rebalance'),
    'neither a pattern nor a schedule': set('event_pattern', null),
    'a pattern that is none: each field is a list, or has fields': set('event_pattern', '{"source":"aws.ec2"}'),
    'a pattern of more than 2,048 characters': set('event_pattern', JSON.stringify({ source: [long(2048)] })),
  },
  aws_cloudwatch_event_target: {
    'target_id of another form': set('target_id', 'the queue'),
  },
};
