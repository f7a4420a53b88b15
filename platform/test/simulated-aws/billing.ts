import { globalArn, type Kinds, text, texts } from './kind.ts';

// AWS Budgets and Cost Explorer. Known: names, and that a subscription needs its monitor. Not known: costs.

export const billing: Kinds = {
  aws_budgets_budget: {
    scope: 'account',
    id: ({ caller, values }) => `${caller.accountId}:${text(values, 'name')}`,
    fixed: ['name'],
    existsError: 'DuplicateRecordException',
    computed: ['id', 'arn', 'account_id', 'time_period_start', 'time_period_end'],
    fill: (context) => ({
      arn: globalArn(context, 'budgets', `budget/${text(context.values, 'name')}`),
      account_id: context.caller.accountId,
      time_period_start: '2026-01-01_00:00',
      time_period_end: '2087-06-15_00:00',
    }),
  },

  aws_ce_anomaly_monitor: {
    scope: 'account',
    id: (context) => globalArn(context, 'ce', `anomalymonitor/${text(context.values, 'name')}`),
    fixed: ['monitor_type', 'monitor_specification'],
    computed: ['id', 'arn'],
    fill: ({ id }) => ({ arn: id }),
  },

  aws_ce_anomaly_subscription: {
    scope: 'account',
    id: (context) => globalArn(context, 'ce', `anomalysubscription/${text(context.values, 'name')}`),
    fixed: ['name'],
    references: [
      {
        from: (values) => texts(values, 'monitor_arn_list'),
        to: 'aws_ce_anomaly_monitor',
        missingError: 'UnknownMonitorException',
      },
    ],
    computed: ['id', 'arn', 'account_id'],
    fill: ({ id, caller }) => ({ arn: id, account_id: caller.accountId }),
  },
};
