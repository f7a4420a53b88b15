import { globalArn, type Kinds, text, texts } from './kind.ts';
import type { Values } from './values.ts';

// AWS Budgets and Cost Explorer. Known: names, that a subscription needs its monitor, and what AWS adds to the
// specification of a monitor. Not known: costs.

/** AWS returns every key of an expression, and the provider compares them all (hashicorp/terraform-provider-aws#39885). */
function returnedSpecification(values: Values): Values {
  const given = text(values, 'monitor_specification');
  if (given === '') return {};
  const { Tags, ...others } = JSON.parse(given) as Values;
  const tags =
    typeof Tags === 'object' && Tags !== null ? { Key: null, MatchOptions: null, Values: null, ...Tags } : null;
  const all = { And: null, CostCategories: null, Dimensions: null, Not: null, Or: null, ...others, Tags: tags };
  return { monitor_specification: JSON.stringify(all) };
}

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
    fill: ({ id, values }) => ({ arn: id, ...returnedSpecification(values) }),
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
