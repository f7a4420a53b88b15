import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { progressTo } from '@gitops/report/progress';
import { argocdValueFiles, clusterNames } from '@gitops/settings';
import { localCharts } from '@gitops/tools/charts';
import { run } from '@gitops/tools/run';
import { ensureTools } from '@gitops/tools/tools';
import { notificationsData } from '../src/argocd-notifications.ts';

const root = resolve(import.meta.dirname, '../../..');
const chart = localCharts(root).charts.find((candidate) => candidate.chart === 'argo-cd');
const skip = chart === undefined ? 'needs the chart argo-cd, which is not on this machine; run `make charts`' : false;

/** Texts of YAML as what they say. */
const meaning = (data: Record<string, string>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, parse(text)]));

t.test('this machine reads the values as the chart does', { skip }, async (t) => {
  const tools = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false });
  const template = 'templates/argocd-configs/argocd-notifications-cm.yaml';
  for (const cluster of clusterNames(root)) {
    const values = argocdValueFiles(cluster).flatMap((file) => ['--values', join(root, file)]);
    const args = ['template', 'argocd', chart?.folder ?? '', ...values, '--show-only', template];
    const url = 'https://argocd.example.com';
    const text = await run(join(tools.bin, 'helm'), [...args, '--set', `notifications.argocdUrl=${url}`]);
    const { data } = parse(text) as { data: Record<string, string> };
    t.same(meaning(notificationsData(root, cluster, url)), meaning(data), cluster);
  }
});

t.test('every message names its cluster', (t) => {
  for (const cluster of clusterNames(root))
    t.match(parse(notificationsData(root, cluster, 'x').context ?? ''), { cluster }, cluster);
  t.end();
});

t.test('the notification of auto-sync left off and the alert have one threshold', (t) => {
  const data = notificationsData(root, 'production', 'x');
  const seconds = /> (\d+)\)/.exec(data['trigger.auto-sync-off-too-long'] ?? '')?.[1];
  const { groups } = parse(readFileSync(join(root, 'charts/monitoring/rules/delivery.yaml'), 'utf8')) as {
    groups: { rules: { alert: string; for: string }[] }[];
  };
  const alert = groups.flatMap(({ rules }) => rules).find((rule) => rule.alert === 'AutoSyncLeftOff');
  t.equal(alert?.for, `${Number(seconds) / 3600}h`);
  t.end();
});

t.test('every trigger has its template, and somebody gets it', (t) => {
  const data = notificationsData(root, 'local', 'x');
  const named = (prefix: string): string[] =>
    Object.keys(data).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
  const [subscription] = parse(data.subscriptions ?? '') as { triggers: string[]; recipients: string[] }[];
  t.same(named('trigger.').sort(), named('template.').sort());
  t.same([...(subscription?.triggers ?? [])].sort(), named('trigger.').sort());
  t.same(subscription?.recipients, named('service.webhook.'));
  t.end();
});

t.test('no address of a receiver is in Git', (t) => {
  for (const cluster of clusterNames(root))
    t.match(notificationsData(root, cluster, 'x')['service.webhook.receiver'], 'url: $webhook-url');
  t.end();
});
