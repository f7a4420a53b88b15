import { idFromName, type Kinds, regionalArn } from './kind.ts';

// CloudWatch Logs. Known: names. Not known: what is written, and for how long it stays.

export const cloudwatchLogs: Kinds = {
  aws_cloudwatch_log_group: {
    id: idFromName,
    fixed: ['name'],
    existsError: 'ResourceAlreadyExistsException',
    computed: ['id', 'arn'],
    fill: (context) => ({ arn: regionalArn(context, 'logs', `log-group:${context.id}`) }),
  },
};
