import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';

export const root = resolve(import.meta.dirname, '../../..');
const run = promisify(execFile);

/** The folder of the programs of a build. */
export async function programs(build: 'stack' | 'prometheus'): Promise<string> {
  const { bin } = await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false, builds: [build] });
  return bin;
}

/** The real service on loopback, without load shedding unless asked for; its two addresses. */
export async function service(
  t: Test,
  env: Readonly<Record<string, string>> = {},
): Promise<{ api: string; admin: string }> {
  const settings = { HOST: '127.0.0.1', PORT: '0', ADMIN_PORT: '0', LOAD_SHEDDING: 'off', DRAIN_SECONDS: '0', ...env };
  const variables = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  // By way of env -i, so that tap does not measure its coverage, which slows it down.
  const child = spawn('env', ['-i', ...variables, process.execPath, join(root, 'service/src/main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let admin = '';
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg } = JSON.parse(line) as { msg: string };
    if (msg.startsWith('admin port at ')) admin = msg.slice('admin port at '.length);
    if (!msg.startsWith('API at ')) continue;
    child.stdout.resume();
    return { api: msg.slice('API at '.length), admin };
  }
  throw new Error('the service ended before it listened');
}

/** One request of each kind that the service counts, all but shed ones. */
export async function makeRequests(api: string): Promise<void> {
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const plan = { cidr: '10.0.0.0/16', zones: ['a', 'b'], tiers: [{ name: 'web', prefixLength: 24 }] };
  for (const path of ['/v1/networks/10.0.0.0%2F8', '/v1/networks/10.0.0.0%2F8', '/v1/networks/wrong', '/nowhere'])
    await (await fetch(api + path)).text();
  for (const body of [plan, plan, { ...plan, cidr: '10.0.0.0/30' }, {}])
    await (await fetch(`${api}/v1/plans`, { ...json, body: JSON.stringify(body) })).text();
}

/** The objects that Helm renders of a chart. */
export async function render(
  helm: string,
  chart: string,
  values: readonly string[],
  parameters: Readonly<Record<string, string>>,
): Promise<unknown[]> {
  const files = values.flatMap((file) => ['--values', join(root, file)]);
  const set = Object.entries(parameters).flatMap(([name, value]) => ['--set-string', `${name}=${value}`]);
  const { stdout } = await run(helm, ['template', chart, join(root, 'charts', chart), ...files, ...set], {
    maxBuffer: 64 * 1024 * 1024,
  });
  return parseAllDocuments(stdout).map((document) => document.toJS() as unknown);
}

/** charts/monitoring as a cluster gets it; what only the platform knows is made up. */
export async function renderMonitoring(helm: string, cluster: string): Promise<unknown[]> {
  const values = [
    'clusters/slo.yaml',
    'clusters/shared/monitoring.yaml',
    `clusters/${cluster}/monitoring.yaml`,
    `clusters/${cluster}/fastify-service.image.yaml`,
  ];
  const cost = { 'cost.nodeMonthlyUsd': '60.50', 'cost.fixedMonthlyUsd': '200.00', 'cost.monthlyBudgetUsd': '600' };
  return render(helm, 'monitoring', values, {
    cluster,
    runbooks: 'https://git.example.com/platform/blob/main/docs/runbooks/alerts.md',
    ...cost,
  });
}

/** A connection that sends no readable request. */
export async function sendGarbage(api: string): Promise<void> {
  const socket = connect(Number(new URL(api).port), '127.0.0.1');
  socket.end('no request at all\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
}

/** Plans of some 20 ms each, many at once, until the service sheds one. */
export async function overload(api: string): Promise<void> {
  const tiers = Array.from({ length: 64 }, (_, index) => ({ name: `tier-${index}`, prefixLength: 64 + index }));
  const zones = Array.from({ length: 16 }, (_, index) => `zone-${index}`);
  const body = JSON.stringify({ cidr: '::/0', zones, tiers });
  const headers = { 'content-type': 'application/json' };
  let isShed = false;
  const client = async (): Promise<void> => {
    while (!isShed) {
      const answer = await fetch(`${api}/v1/plans`, { method: 'POST', headers, body });
      await answer.text();
      if (answer.status === 503) isShed = true;
    }
  };
  await Promise.all(Array.from({ length: 40 }, client));
}
