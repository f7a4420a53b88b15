import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { clusterNames } from '@gitops/settings';
import { alertsOf, type Group, groupsOf, root, type Rule, tool } from './rendered.ts';

const RULES = 'charts/monitoring/rules';
const RUNBOOK = 'docs/runbooks/alerts.md';
const files = readdirSync(join(root, RULES));
const topics = files.filter((file) => !file.endsWith('.test.yaml')).map((file) => basename(file, '.yaml'));
const clusters = clusterNames(root);

interface RuleTest {
  readonly tests: readonly {
    readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts?: readonly object[] }[];
  }[];
}

t.test('every file of rules passes its own tests, by promtool', (t) => {
  t.strictSame(
    files.filter((file) => file.endsWith('.test.yaml')),
    topics.map((topic) => `${topic}.test.yaml`),
  );
  for (const topic of topics) {
    const { status, output } = tool('promtool', 'test', 'rules', join(root, RULES, `${topic}.test.yaml`));
    t.equal(status, 0, `${topic}: ${output}`);
  }
  t.end();
});

t.test('each alert is tested as it fires, before that, and as it clears', (t) => {
  for (const topic of topics) {
    const { groups } = parse(readFileSync(join(root, RULES, `${topic}.yaml`), 'utf8')) as { groups: Group[] };
    const { tests } = parse(readFileSync(join(root, RULES, `${topic}.test.yaml`), 'utf8')) as RuleTest;
    const checks = tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);
    for (const { alert } of groups.flatMap(({ rules }) => rules)) {
      // It never clears.
      if (alert === undefined || alert === 'Watchdog') continue;
      const states = checks.flatMap(({ alertname, exp_alerts }) =>
        alertname === alert ? [exp_alerts === undefined ? 'quiet' : 'fires'] : [],
      );
      t.match(states.join(' '), /^quiet fires quiet/, `${topic}: ${alert}`);
    }
  }
  t.end();
});

t.test('Prometheus takes what is rendered, of every cluster', (t) => {
  for (const cluster of clusters) {
    const file = join(t.testdir({}), 'rules.yaml');
    writeFileSync(file, stringify({ groups: groupsOf(cluster) }));
    const { status, output } = tool('promtool', 'check', 'rules', '--lint=all', '--lint-fatal', file);
    t.equal(status, 0, `${cluster}: ${output}`);
  }
  t.end();
});

t.test('cost is watched where something is paid', (t) => {
  const isOfCost = ({ alert = '' }: Rule): boolean => alert === 'SpendOverBudget';
  for (const cluster of clusters) t.equal(alertsOf(cluster).some(isOfCost), cluster !== 'local', cluster);
  t.equal(
    groupsOf('local').some(({ rules }) => rules.some(({ record = '' }) => record.endsWith('_usd'))),
    false,
  );
  t.end();
});

/** The section of an alert. The burn-rate alerts of one objective, AvailabilityBudgetBurn14x and its siblings, share one. */
const sectionOf = (alert: string): string => alert.replace(/(BudgetBurn)\d+x$/, '$1');

t.test('no alert without a section of the runbook, no section without an alert', (t) => {
  const sections = [...readFileSync(join(root, RUNBOOK), 'utf8').matchAll(/^## (\S+)$/gm)].map(([, name = '']) => name);
  const names = new Set(clusters.flatMap((cluster) => alertsOf(cluster).map(({ alert = '' }) => alert)));
  for (const alert of names)
    t.ok(sections.includes(sectionOf(alert)), `${RUNBOOK}: ${alert} has the section "## ${sectionOf(alert)}"`);
  const needed = new Set([...names].map(sectionOf));
  for (const section of sections) t.ok(needed.has(section), `${RUNBOOK}: "## ${section}" is of an alert`);
  t.equal(sections.length, needed.size, 'no section twice');
  for (const cluster of clusters)
    for (const { alert = '', annotations = {} } of alertsOf(cluster))
      // A heading of one word is its own anchor, in lower case.
      t.ok(
        annotations.runbook_url?.endsWith(`/${RUNBOOK}#${sectionOf(alert).toLowerCase()}`),
        `${cluster}: runbook_url of ${alert}: ${annotations.runbook_url}`,
      );
  t.end();
});

t.test('the runbook names each burn-rate alert', (t) => {
  const runbook = readFileSync(join(root, RUNBOOK), 'utf8');
  for (const { alert = '' } of alertsOf('production'))
    if (sectionOf(alert) !== alert)
      t.ok(runbook.includes(`…${/BudgetBurn\d+x$/.exec(alert)?.[0] ?? ''}\``), `${RUNBOOK}: ${alert}`);
  t.end();
});

t.test('every section says what it means, what to do first, how to know it is over, and what not to do', (t) => {
  const [, ...sections] = readFileSync(join(root, RUNBOOK), 'utf8').split(/^## /m);
  for (const section of sections)
    for (const part of ['**Means**', '**First five minutes**', '**It worked when**', '**Do not**'])
      t.ok(section.includes(part), `${section.split('\n')[0]}: ${part}`);
  t.end();
});
