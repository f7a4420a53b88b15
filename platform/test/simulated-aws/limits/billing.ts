import { texts } from '../kind.ts';
import type { Values } from '../values.ts';
import { form, json, type Limits, otherThan } from './limit.ts';

export const LIMITS_OF_BILLING: Readonly<Record<string, Limits>> = {
  aws_budgets_budget: {
    source: 'AWS Budgets API reference, Budget, NotificationWithSubscribers',
    unknown: 'costs; whether addresses exist',
    refuses: [
      form('name', /^(?![^:\\]*\/action\/)[^:\\]{1,100}$/, ['InvalidParameterException', 'The budget name is invalid']),
      {
        what: 'more than five notifications, or more than ten addresses of one',
        when: ({ values }) => {
          const notifications = (values.notification ?? []) as Values[];
          return (
            notifications.length > 5 ||
            notifications.some((each) => texts(each, 'subscriber_email_addresses').length > 10)
          );
        },
        error: ['CreationLimitExceededException', 'Notifications or subscribers exceed the limit'],
      },
    ],
  },
  aws_ce_anomaly_monitor: {
    source: 'AWS Cost Explorer API reference, AnomalyMonitor, Expression',
    unknown: 'costs; one monitor of services an account, which a newer account has already',
    refuses: [
      otherThan('monitor_type', ['CUSTOM', 'DIMENSIONAL'], ['ValidationException', 'Invalid monitor type']),
      {
        what: 'a custom monitor without a specification, or one that is no expression',
        when: ({ values }) =>
          values.monitor_type === 'CUSTOM' &&
          !(
            'Tags' in json(values, 'monitor_specification') ||
            'Dimensions' in json(values, 'monitor_specification') ||
            'CostCategories' in json(values, 'monitor_specification')
          ),
        error: ['ValidationException', 'MonitorSpecification is required for a custom monitor'],
      },
    ],
  },
  aws_ce_anomaly_subscription: {
    source: 'AWS Cost Explorer API reference, AnomalySubscription',
    unknown: 'whether addresses exist',
    refuses: [
      {
        what: 'immediate alerts by e-mail',
        when: ({ values }) => {
          const subscribers = (values.subscriber ?? []) as { type?: string }[];
          return values.frequency === 'IMMEDIATE' && subscribers.some(({ type }) => type === 'EMAIL');
        },
        error: ['ValidationException', 'IMMEDIATE is for subscribers of type SNS alone'],
      },
    ],
  },
  helm_release: { source: 'helm.ts', unknown: 'what a chart renders' },
};
