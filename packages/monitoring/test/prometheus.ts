import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { stringify } from 'yaml';
import { readYamlFile } from '@gitops/settings/yaml-file';
import { freePort } from '@gitops/tools/free-port';
import { programs, renderMonitoring, root } from './helper.ts';

// What the labels of made-up series say; every other label is its own name.
const VALUES: Readonly<Record<string, readonly string[]>> = {
  resource: ['cpu', 'memory'],
  resource_type: ['cpu', 'memory'],
  phase: ['Running', 'Pending', 'Succeeded', 'Failed'],
  mode: ['user', 'idle'],
  autosync_enabled: ['true', 'false'],
  sync_status: ['Synced', 'OutOfSync'],
  health_status: ['Healthy', 'Degraded'],
  node: ['ip-10-0-1-17.eu-central-1.compute.internal', 'ip-10-0-2-42.eu-central-1.compute.internal'],
  le: ['0.5', '1', '2', '+Inf'],
  name: ['fastify-service', 'external-secrets'],
  request_type: ['fetch', 'ls-remote'],
};
const QUEUES = ['app_reconciliation_queue', 'app_operation_processing_queue'];

/** One series for each combination of the labels' values. */
function seriesOf(metric: string, labels: readonly string[]): string[] {
  let series: string[][] = [[]];
  for (const label of labels) {
    const values = label === 'name' && metric.startsWith('workqueue') ? QUEUES : (VALUES[label] ?? [label]);
    series = series.flatMap((begun) => values.map((value) => [...begun, `${label}="${value}"`]));
  }
  return series.map((pairs) => `${metric}{${pairs.join(',')}}`);
}

/**
 * Stands in for Argo CD and the exporters, which do not run in a unit's test: every metric of exported/, with values
 * that grow as counters do. No number of it means anything.
 */
async function standIn(t: Test): Promise<string> {
  const folder = 'packages/monitoring/exported';
  const names: string[] = [];
  for (const file of readdirSync(join(root, folder))) {
    const { metrics } = readYamlFile(root, `${folder}/${file}`).content as { metrics: Record<string, string[]> };
    for (const [metric, labels] of Object.entries(metrics)) names.push(...seriesOf(metric, labels));
  }
  const start = Date.now();
  const server = createServer((_, response) => {
    const seconds = (Date.now() - start) / 1000;
    const value = (name: string, index: number): string =>
      name.includes('_bucket') || /_(total|count|sum)\{/.test(name)
        ? (seconds * (1 + (name.includes('le=') ? 10 : (index % 5) * 0.3))).toFixed(2)
        : String(1 + (index % 2));
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(`${names.map((name, index) => `${name} ${value(name, index)}`).join('\n')}\n`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * A real Prometheus with the rules of charts/monitoring, which scrapes real services and a stand-in for all others each
 * second. Its address, once it has looked at them for some seconds.
 * @param admins the admin addresses of the services
 * @param options.hasOthers whether there is that stand-in
 */
export async function prometheus(t: Test, admins: readonly string[], { hasOthers = true } = {}): Promise<string> {
  const folder = t.testdir({});
  const helm = join(await programs('stack'), 'helm');
  interface Rules {
    readonly kind: string;
    readonly spec: { readonly groups: readonly { readonly name: string; readonly interval?: string }[] };
  }
  const objects = (await renderMonitoring(helm, 'production')) as Rules[];
  // The budget is computed every five minutes, for which no test waits.
  const groups = objects.flatMap(({ kind, spec }) =>
    kind === 'PrometheusRule' ? spec.groups.map(({ interval: _, ...group }) => group) : [],
  );
  writeFileSync(join(folder, 'rules.yaml'), stringify({ groups }));
  const service = { job: 'fastify-service', namespace: 'fastify-service', service: 'fastify-service' };
  const configuration = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [
      {
        job_name: 'fastify-service',
        static_configs: admins.map((admin, index) => ({
          targets: [new URL(admin).host],
          labels: { ...service, pod: `fastify-service-6d5f8b7c9d-x2k${index}q` },
        })),
      },
      { job_name: 'stand-in', honor_labels: true, static_configs: hasOthers ? [{ targets: [await standIn(t)] }] : [] },
    ],
  };
  writeFileSync(join(folder, 'prometheus.yaml'), stringify(configuration));
  const port = await freePort();
  const flags = [
    `--config.file=${join(folder, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ];
  const child = spawn(join(await programs('prometheus'), 'prometheus'), flags, {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  t.teardown(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  const address = `http://127.0.0.1:${port}`;
  await filled(
    address,
    hasOthers ? 'job:slo_availability:budget_left and job:http_requests_slow:ratio_rate3d' : 'job:git_image:info',
  );
  return address;
}

/** Waits until rules that read rules have values: the last thing that appears. */
async function filled(address: string, query: string): Promise<void> {
  const isFilled = async (): Promise<boolean> => {
    const response = await fetch(`${address}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
    return ((await response.json()) as { data: { result: unknown[] } }).data.result.length > 0;
  };
  for (let tries = 0; tries < 120; tries += 1) {
    if (await isFilled().catch(() => false)) break;
    await sleep(500);
  }
  // Some more, so that lines are lines.
  await sleep(8_000);
}
