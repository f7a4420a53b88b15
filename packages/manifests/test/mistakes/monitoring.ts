import { after, at, inFile, type Mistake, replace } from './slip.ts';

const rules = 'charts/monitoring/rules/service.yaml';
const slo = 'charts/monitoring/templates/slo-rules.yaml';

/** Slips in rules, objectives, monitors and Alertmanager's routes. */
export const MONITORING: readonly Mistake[] = [
  inFile('clusters/slo.yaml', {
    'an objective of 100 %': replace('availability: 99.9', 'availability: 100').reports(/availability: must be < 100/),
    'an objective of 0': replace('percent: 99\n', 'percent: 0\n').reports(/latency\.percent: must be > 0/),
    'an objective of 101': replace('    availability: 99\n', '    availability: 101\n').reports(
      /clusters\.dev\.availability: must be < 100/,
    ),
    'an objective so low that its alert can never fire': replace('availability: 99.9', 'availability: 93').reports(
      /availability: must be above 93\.1/,
    ),
  }),
  inFile(rules, {
    'a rule that does not parse': replace('[5m]))\n', '[5m])\n').reports(/.*RequestsShed: expr: must be PromQL/),
    'a range that is no duration': replace('[5m]', '[5x]').reports(/.*RequestsShed: expr: must be PromQL/),
    'a time that is no duration': replace('for: 5m', 'for: 5 minutes').reports(
      /.*RequestsShed: for: must be a duration/,
    ),
    'an alert twice': replace('alert: EventLoopDelayed', 'alert: RequestsShed').reports(
      /.*RequestsShed: must be the only/,
    ),
    'an alert of another file': replace('alert: EventLoopDelayed', 'alert: Watchdog').reports(
      /.*Watchdog: must be the only/,
    ),
    'a severity that is not routed': replace('severity: ticket', 'severity: warning').reports(
      /.*labels\.severity: must be/,
    ),
    'an alert without a description': replace('          description:', '          describtion:').reports(
      /.*annotations\.description: missing/,
    ),
  }),
  inFile(slo, {
    'a window that is no duration': replace('"short" "5m"', '"short" "5 m"').reports(/.*expr: must be PromQL/),
  }),
  inFile('clusters/shared/monitoring.yaml', {
    'a route to a receiver that is not there': replace('    page: page', '    page: pager').reports(
      /alertmanager\.routes\.page: must be a receiver/,
    ),
    'a receiver without an address': replace('{ secretKey: page-url }', '{}').reports(
      /alertmanager\.receivers\.page: /,
    ),
    'a value that the chart does not have': after('alertmanager:', '  recievers: {}').reports(
      /alertmanager\.recievers: unknown value/,
    ),
  }),
  inFile('charts/monitoring/templates/monitors/fastify-service.yaml', {
    'a monitor that selects nothing': replace(
      'app.kubernetes.io/name: fastify-service',
      'app: fastify-service',
    ).reports(/.*spec\.selector: must select a Service/),
    'a port that the Service does not have': replace('port: admin', 'port: metrics').reports(/.*must name a port of/),
  }),
  inFile('argocd/applications/monitoring.yaml', {
    'a fact that does not exist': replace(
      '.metadata.annotations.nodeMonthlyUsd',
      '.metadata.annotations.nodeUsd',
    ).reportsAs(/nodeUsd/),
    'a change of the objectives that nobody notices': replace('/clusters/slo.yaml;', '').reportsAs(
      at('argocd/applications/monitoring.yaml', /.*slo\.yaml/),
    ),
  }),
].flat();
