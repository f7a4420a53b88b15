import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { clusterNames } from '@gitops/settings';
import { alertsOf, helmArguments, rendered, root, tool } from './rendered.ts';

const clusters = clusterNames(root);

/** The file of Alertmanager's routes of a cluster. */
function routesOf(t: Test, cluster: string): string {
  const secret = rendered(cluster).find(({ metadata }) => metadata.name === 'alertmanager-config');
  const file = join(t.testdir({}), 'alertmanager.yaml');
  writeFileSync(file, secret?.stringData['alertmanager.yaml'] ?? '');
  return file;
}

const receiver = (file: string, ...labels: readonly string[]): string =>
  tool('amtool', 'config', 'routes', 'test', `--config.file=${file}`, ...labels).stdout.trim();

t.test('Alertmanager takes the routes of every cluster', (t) => {
  for (const cluster of clusters) {
    const { status, output } = tool('amtool', 'check-config', routesOf(t, cluster));
    t.equal(status, 0, `${cluster}: ${output}`);
  }
  t.end();
});

t.test('each alert has the receiver of its severity; what nobody knows is a ticket', (t) => {
  const expected: Readonly<Record<string, string>> = { page: 'page', ticket: 'ticket', watchdog: 'watchdog' };
  const file = routesOf(t, 'production');
  for (const { alert = '', labels: { severity = '' } = {} } of alertsOf('production'))
    t.equal(receiver(file, `alertname=${alert}`, `severity=${severity}`), expected[severity], alert);
  t.equal(receiver(file, 'alertname=KubeNodeNotReady', 'severity=critical'), 'page');
  t.equal(receiver(file, 'alertname=KubeNodeNotReady', 'severity=warning'), 'ticket');
  t.equal(receiver(file, 'alertname=Unknown'), 'ticket');
  t.equal(receiver(routesOf(t, 'dev'), 'alertname=ArgoCdDown', 'severity=page'), 'ticket', 'nobody is woken for dev');
  t.end();
});

t.test('a page says at once what a ticket of the same objective would say later', (t) => {
  const { inhibit_rules: rules } = parse(
    rendered('production').find(({ metadata }) => metadata.name === 'alertmanager-config')?.stringData[
      'alertmanager.yaml'
    ] ?? '',
  ) as { inhibit_rules: readonly { equal: readonly string[] }[] };
  t.strictSame(
    rules.map(({ equal }) => equal),
    [['slo', 'namespace', 'job']],
  );
  for (const { alert, labels = {}, expr } of alertsOf('production'))
    if (labels.slo !== undefined) t.match(expr, 'job:http_requests', `${alert} has namespace and job`);
  t.end();
});

t.test('no secret is rendered, and a receiver that is not there is refused', (t) => {
  const text = JSON.stringify(rendered('production'));
  t.match(text, '/etc/alertmanager/secrets/alertmanager-receivers/page-url');
  t.notMatch(text, '"url":');
  const refused = (...set: readonly string[]): string =>
    tool('helm', ...helmArguments('production'), ...set.flatMap((value) => ['--set-string', value])).output;
  t.match(
    refused('alertmanager.routes.page=pager'),
    /alertmanager\.routes\.page: must be a receiver: page, ticket, watchdog \(it is pager\)/,
  );
  t.match(refused('alertmanager.receivers.page.url=ftp://x'), /at '\/alertmanager\/receivers\/page\/url'/);
  t.match(refused('alertmanager.receivers.page.urll=https://x'), /additional properties 'urll' not allowed/);
  t.match(refused('cost.nodeMonthlyUsd=none'), /at '\/cost\//, 'a price for one of the three only');
  t.end();
});
