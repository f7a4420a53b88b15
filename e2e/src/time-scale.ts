// Rules of hours and days, run in minutes: by their durations alone, so that everything else is what a cluster has.
import { parse, stringify } from 'yaml';
import type { MonitoringFiles } from '@gitops/local';
import { durationOf, secondsOf } from '@gitops/monitoring/duration';
import { scaleDurations } from '@gitops/monitoring/promql';

/** A rule of a PrometheusRule. */
export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Group {
  readonly name: string;
  readonly interval?: string;
  readonly rules: readonly Rule[];
}

interface Route {
  readonly routes?: readonly Route[];
  readonly [setting: string]: unknown;
}

/** All rules of the files, in their order. */
export function rulesOf({ rules }: MonitoringFiles): Rule[] {
  const groups = Object.values(rules).flatMap((file) => (file as { groups: readonly Group[] }).groups);
  return groups.flatMap((group) => group.rules);
}

/**
 * The same files with all durations multiplied: windows, `for`, intervals of scrapes, evaluations and notifications.
 * Receivers are replaced by a webhook, and only what monitors select and the kubelets are scraped.
 * @param factor 1/30 makes an hour two minutes
 * @param webhook the address of a receiver, to which its name is appended
 */
export function scaled(files: MonitoringFiles, factor: number, webhook: string): MonitoringFiles {
  const scale = (duration: string): string => durationOf(secondsOf(duration) * factor);
  const settings = <T extends object>(object: T, names: readonly string[]): T => {
    const entries = Object.entries(object).map(([name, value]) => [
      name,
      names.includes(name) ? scale(value as string) : (value as unknown),
    ]);
    return Object.fromEntries(entries) as T;
  };
  const rule = (one: Rule): Rule => ({
    ...settings(one, ['for', 'keep_firing_for']),
    expr: scaleDurations(one.expr, factor),
  });
  const rules = Object.entries(files.rules).map(([name, file]) => {
    const groups = (file as { groups: readonly Group[] }).groups.map((group) => ({
      ...settings(group, ['interval']),
      rules: group.rules.map(rule),
    }));
    return [name, { groups }] as const;
  });

  const { global, scrape_configs: jobs } = files.prometheus as {
    global: Record<string, string>;
    scrape_configs: { job_name: string; scrape_interval?: string }[];
  };
  const interval = scale(global.scrape_interval ?? '1m');
  const scraped = jobs
    .filter(({ job_name: name }) => name !== 'apiserver')
    .map((job) => ({ ...job, scrape_interval: interval, scrape_timeout: interval }));

  const route = (one: Route): Route => ({
    ...settings(one, ['group_wait', 'group_interval', 'repeat_interval']),
    ...(one.routes !== undefined && { routes: one.routes.map(route) }),
  });
  const alertmanager = parse(files.alertmanager) as { route: Route; receivers: readonly { name: string }[] };
  const receivers = alertmanager.receivers.map(({ name }) => ({
    name,
    webhook_configs: [{ url: `${webhook}/${name}`, send_resolved: true }],
  }));
  return {
    rules: Object.fromEntries(rules),
    prometheus: {
      ...files.prometheus,
      global: { ...settings(global, ['scrape_interval', 'evaluation_interval']) },
      scrape_configs: scraped,
    },
    alertmanager: stringify({ ...alertmanager, route: route(alertmanager.route), receivers }),
  };
}
