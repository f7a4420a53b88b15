import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { startLoad } from '@gitops/load/start-load';
import { deployedFiles, monitoringTools, monitoringURL, runMonitoring, stopMonitoring } from '@gitops/local';
import { DASHBOARDS } from '@gitops/monitoring/dashboards';
import { secondsOf } from '@gitops/monitoring/duration';
import { budgetOf, type BurnRateAlert, latestFiring, secondsToClearing, secondsToFiring } from '@gitops/monitoring/slo';
import { withVariables } from '@gitops/monitoring/variables';
import { progressTo } from '@gitops/report/progress';
import { readSlo } from '@gitops/settings/slo';
import { ensureTools } from '@gitops/tools/tools';
import { targetsOf } from '../src/front-door.ts';
import { machineLoad } from '../src/machine-load.ts';
import { dataProblems, type NoSource, prometheusAt, type WantedQuery } from '../src/prometheus.ts';
import { APP, Stack, succeed, until } from '../src/stack.ts';
import { type Rule, rulesOf, scaled } from '../src/time-scale.ts';
import { atRest, HOST } from '../src/under-load.ts';
import { receiveWebhooks } from '../src/webhook-receiver.ts';

// An hour is two minutes here; a scrape and an evaluation are a second apart.
const FACTOR = 1 / 30;
const INTERVALS = { scrape: 1, evaluation: 1 };
const RATE = 30;
const FAULTS = { failing: 0.5, delay: 150 };

/** What the local machine cannot export. */
const NO_SOURCE: readonly NoSource[] = [
  { metrics: /^kube_/, reason: 'kube-state-metrics is no Go module at a version of today' },
  { metrics: /^node_/, reason: "node-exporter would measure this machine, not the cluster's nodes" },
  { metrics: /^(container_cpu_cfs|kubelet_volume)_/, reason: 'processes have no quota of CPU here, and no volumes' },
  { metrics: /^apiserver_/, reason: 'nothing scrapes the API server here, as kube-prometheus-stack does' },
  { metrics: /^argocd_app_condition$/, reason: 'there only while a sync has failed for good; test/14-health sees it' },
  { metrics: /^karpenter_/, reason: 'nothing adds nodes to this machine; test/22-nodes runs the real Karpenter' },
  { metrics: /^cluster:/, reason: 'a machine of your own costs nothing: its facts of cost are `none`' },
];

const stack = await Stack.open();
const quiet = { ...progressTo(), note: () => undefined };
const tools = await monitoringTools(quiet);
const prometheus = prometheusAt(monitoringURL(stack.ports, 'prometheus'));
const slo = readSlo(stack.instance.root, stack.instance.cluster);

/** The fault switches of every pod that gets requests. */
async function setFaults(faults: object | undefined): Promise<void> {
  for (const { address = '' } of await targetsOf(stack, `${APP}/${APP}`)) {
    const body = faults === undefined ? {} : { body: JSON.stringify(faults) };
    const response = await fetch(`http://${address}:9090/faults`, {
      method: faults === undefined ? 'DELETE' : 'PUT',
      headers: faults === undefined ? {} : { 'content-type': 'application/json' },
      ...body,
    });
    if (!response.ok) throw new Error(`${address} has no fault switches: ${response.status}`);
  }
}

/** Requests until the test ends. */
async function sendRequests(t: Pick<Test, 'teardown'>): Promise<void> {
  const { bin } = await ensureTools(quiet, { verify: false, builds: ['load'] });
  const url = `http://127.0.0.1:${stack.ports['front-door']}`;
  const load = startLoad({ bin }, { url, host: HOST, rate: RATE, duration: 900 });
  t.teardown(async () => load.stop());
  await load.started;
}

/** A connection that sends no readable request: a panel counts those. */
async function sendGarbage(host: string): Promise<void> {
  const socket = connect({ host, port: 8080 });
  socket.end('garbage\r\n\r\n');
  await text(socket);
}

/** A burn-rate alert by its rule, in scaled seconds. */
function burnRate({ expr, for: pending = '0s' }: Rule, objective: number): BurnRateAlert {
  const [long = '', short = ''] = Array.from(expr.matchAll(/:ratio_rate(\w+)/g), ([, window = '']) => window);
  const [, threshold = ''] = /:ratio_rate\w+ > ([\d.]+)/.exec(expr) ?? [];
  return {
    factor: Number(threshold) / budgetOf(objective),
    long: secondsOf(long) * FACTOR,
    short: secondsOf(short) * FACTOR,
    for: secondsOf(pending),
  };
}

t.teardown(async () => stopMonitoring(stack.instance));

t.test('failing and slow answers page within the computed time, once, and the alerts clear', async (t) => {
  await atRest(stack);
  await succeed(stack.instance.dir, ['monitoring']);
  const { address, notified } = await receiveWebhooks(t);
  const { files } = await deployedFiles(stack.instance, tools, stack.ports);
  const rules = rulesOf(files);
  await runMonitoring(stack.instance, tools, stack.ports, scaled(files, FACTOR, address));

  const pages = {
    AvailabilityBudgetBurn14x: { objective: slo.availability / 100, ratio: FAULTS.failing },
    LatencyBudgetBurn14x: { objective: slo.latency.percent / 100, ratio: 1 },
  };
  const alerts = Object.entries(pages).map(([name, { objective, ratio }]) => {
    const rule = rules.find(({ alert }) => alert === name);
    if (rule === undefined) throw new Error(`no alert ${name} is deployed`);
    t.equal(rule.labels?.severity, 'page');
    return { name, objective, ratio, burn: burnRate(rule, objective) };
  });

  await sendRequests(t);
  const begin = Date.now();
  // As long as the long window of both, so that it is full.
  await sleep(1000 * (Math.max(...alerts.map(({ burn }) => burn.long)) + 5));
  const names = alerts.map(({ name }) => name);
  const active = async () => (await prometheus.alerts()).filter(({ labels }) => names.includes(labels.alertname ?? ''));
  t.same(await active(), [], 'none before the faults');

  await setFaults(FAULTS);
  const faultsFrom = Date.now();
  t.teardown(async () => setFaults(undefined));
  for (const { name, objective, ratio, burn } of alerts) {
    const computed = latestFiring(
      secondsToFiring(burn, objective, { ratio, history: (faultsFrom - begin) / 1000 }),
      INTERVALS,
    );
    const alert = await until(
      `${name} fires`,
      async () => (await active()).find(({ labels, state }) => labels.alertname === name && state === 'firing'),
      1000 * (2 * computed + 30),
    );
    const seconds = (Date.parse(alert.activeAt) - faultsFrom) / 1000;
    t.ok(
      seconds <= 1.1 * computed,
      `${name} fires after ${seconds.toFixed(1)} s; computed: ${computed.toFixed(1)} s; ${machineLoad()}`,
    );
  }

  await setFaults(undefined);
  const faultsTo = Date.now();
  for (const { name, objective, ratio, burn } of alerts) {
    const computed = latestFiring(secondsToClearing(burn, objective, { ratio }), INTERVALS);
    await until(`${name} clears`, async () =>
      (await active()).every(({ labels }) => labels.alertname !== name) ? true : undefined,
    );
    t.comment(`${name} cleared after ${(Date.now() - faultsTo) / 1000} s; computed: ${computed.toFixed(1)} s`);
  }
  const of = (name: string, status: string) =>
    notified.filter((one) => one.alertname === name && one.status === status).map(({ receiver }) => receiver);
  for (const { name } of alerts) {
    await until(`${name} is resolved`, async () => Promise.resolve(of(name, 'resolved').length > 0 || undefined));
    t.same(of(name, 'firing'), ['page'], `${name} reached its receiver once`);
    t.same(of(name, 'resolved'), ['page'], `${name} was resolved once`);
  }
});

t.test('every rule and panel has data after the load, and none fails', async (t) => {
  for (const { address = '' } of await targetsOf(stack, `${APP}/${APP}`)) await sendGarbage(address);
  await sendRequests(t);
  // The window of 5m, and a scrape and an evaluation.
  await sleep(1000 * (secondsOf('5m') * FACTOR + 2));
  const { files } = await deployedFiles(stack.instance, tools, stack.ports);
  const rules = rulesOf(scaled(files, FACTOR, ''));
  const queries = rules.map(({ alert, record = '', expr }): WantedQuery => ({
    place: alert === undefined ? `record ${record}` : `alert ${alert}`,
    expr,
    isOfState: alert !== undefined,
  }));
  t.ok(queries.length > 20);
  for (const [name, { rows }] of Object.entries(DASHBOARDS))
    for (const panel of rows.flatMap(({ panels }) => panels))
      for (const { expr, isOfState = false } of panel.queries)
        queries.push({ place: `${name}/${panel.title}`, expr: withVariables(expr), isOfState });
  t.same(await dataProblems(prometheus, queries, NO_SOURCE), []);
  t.same(await prometheus.failedRules(), []);
});
