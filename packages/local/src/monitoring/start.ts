import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import type { Tools } from '@gitops/tools/tools';
import { answers, awaitDaemon, type Daemon, logPath, startDaemon, stopDaemon } from '../daemon.ts';
import { type Instance, statePath } from '../instance.ts';
import type { Ports } from '../ports.ts';
import { GO_COLLECTOR, INSTANCE_VARIABLE } from '../process.ts';
import { type MonitoringFiles, yamlOf } from './configuration.ts';

interface MonitoringDaemon extends Daemon {
  readonly name: 'prometheus' | 'alertmanager';
  readonly url: string;
}

/** Where Prometheus and Alertmanager serve their APIs. */
export const monitoringURL = (ports: Ports, name: MonitoringDaemon['name']): string =>
  `http://127.0.0.1:${ports[name]}`;

function daemons(instance: Instance, tools: Tools, ports: Ports): MonitoringDaemon[] {
  const folder = (name: string): string => statePath(instance, 'monitoring', name);
  const daemon = (
    name: MonitoringDaemon['name'],
    flags: Readonly<Record<string, string>>,
    switches: readonly string[] = [],
  ): MonitoringDaemon => ({
    name,
    command: join(tools.bin, name),
    args: [
      ...Object.entries({ 'web.listen-address': `127.0.0.1:${ports[name]}`, ...flags }).map(
        ([flag, value]) => `--${flag}=${value}`,
      ),
      ...switches,
    ],
    env: { [INSTANCE_VARIABLE]: instance.dir, ...GO_COLLECTOR },
    port: ports[name],
    url: monitoringURL(ports, name),
  });
  return [
    daemon('alertmanager', {
      'config.file': folder('alertmanager.yml'),
      'storage.path': folder('alertmanager'),
      // One alone: no port for others.
      'cluster.listen-address': '',
    }),
    daemon(
      'prometheus',
      {
        'config.file': folder('prometheus.yml'),
        'storage.tsdb.path': folder('prometheus'),
        // The longest window of a rule is 30 days.
        'storage.tsdb.retention.time': '31d',
        'storage.tsdb.retention.size': '1GB',
      },
      ['--web.enable-lifecycle'],
    ),
  ];
}

/**
 * Writes the files of Prometheus and Alertmanager, starts those that do not run, and makes those that run read them.
 * @returns the names of the processes that were started
 * Throws CommandError with their own words where one refuses its file; it then goes on with the old one.
 */
export async function runMonitoring(
  instance: Instance,
  tools: Tools,
  ports: Ports,
  files: MonitoringFiles,
): Promise<string[]> {
  const folder = statePath(instance, 'monitoring', '.');
  const rules = join(folder, 'rules');
  rmSync(rules, { recursive: true, force: true });
  mkdirSync(rules, { recursive: true });
  for (const [name, content] of Object.entries(files.rules))
    writeFileSync(join(rules, `${name}.yaml`), yamlOf(content));
  writeFileSync(join(folder, 'prometheus.yml'), yamlOf({ ...files.prometheus, rule_files: ['rules/*.yaml'] }));
  writeFileSync(join(folder, 'alertmanager.yml'), files.alertmanager);

  const started: string[] = [];
  for (const daemon of daemons(instance, tools, ports)) {
    if (await startDaemon(instance, daemon)) started.push(daemon.name);
    await awaitDaemon(instance, daemon, async () => answers(`${daemon.url}/-/ready`));
    if (!started.includes(daemon.name)) await reload(instance, daemon);
  }
  return started;
}

/** Ends Prometheus and Alertmanager where they run; their data stays. */
export async function stopMonitoring(instance: Instance): Promise<void> {
  for (const name of ['prometheus', 'alertmanager'] as const) await stopDaemon(instance, name);
}

async function reload(instance: Instance, { name, url }: MonitoringDaemon): Promise<void> {
  const response = await fetch(`${url}/-/reload`, { method: 'POST' });
  const text = await response.text();
  if (!response.ok)
    throw new CommandError(
      `${name} refuses its new configuration and keeps the old one: ${text.trim()}`,
      `correct it, then run \`make deploy\` and \`make monitoring\` again; its log is ${logPath(instance, name)}`,
    );
}
