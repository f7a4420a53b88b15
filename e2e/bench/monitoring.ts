import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '@gitops/load/start-load';
import {
  deployedFiles,
  type Instance,
  monitoringTools,
  monitoringURL,
  rememberedPorts,
  runMonitoring,
  stopMonitoring,
} from '@gitops/local';
import { type Measure, summary } from '@gitops/report/measure';
import { ensureTools } from '@gitops/tools/tools';
import { targetsOf } from '../src/front-door.ts';
import { prometheusAt } from '../src/prometheus.ts';
import { APP, Stack, succeed, until } from '../src/stack.ts';
import { scaled } from '../src/time-scale.ts';
import { HOST } from '../src/under-load.ts';
import { instance, progress, timed } from './bench.ts';

const STARTS = 3;
const EVALUATIONS = 20;
const SCRAPES = 200;
// Rules of hours are all evaluated within seconds; they read as many samples as in a cluster, at the same density.
const FACTOR = 1 / 30;

/** Starts of Prometheus and Alertmanager, and what monitoring costs; the machine must run. */
export async function measureMonitoring(of: Instance = instance): Promise<Measure[]> {
  const quiet = { ...progress, note: () => undefined };
  const tools = await monitoringTools(progress);
  const stack = await Stack.open(of.dir);
  const starts: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < STARTS; round += 1) {
    await stopMonitoring(of);
    starts.push(await timed(async () => succeed(of.dir, ['monitoring'])));
    again.push(await timed(async () => succeed(of.dir, ['monitoring'])));
  }

  const ports = rememberedPorts(of) ?? stack.ports;
  const { files } = await deployedFiles(of, tools, ports);
  await runMonitoring(of, tools, ports, scaled(files, FACTOR, 'http://127.0.0.1:9'));
  const prometheus = prometheusAt(monitoringURL(ports, 'prometheus'));
  const { bin } = await ensureTools(quiet, { verify: false, builds: ['load'] });
  const load = startLoad(
    { bin },
    { url: `http://127.0.0.1:${ports['front-door']}`, host: HOST, rate: 50, duration: 600 },
  );
  await load.started;
  const series = await until('a scrape of every pod', async () => {
    const found = await prometheus.query(`scrape_samples_post_metric_relabeling{job="${APP}"}`);
    return found.length >= 2 ? found.map(({ value: [, count] }) => Number(count)) : undefined;
  });
  const evaluations: number[] = [];
  for (let round = 0; round < EVALUATIONS; round += 1) {
    await sleep(1000);
    const [total] = await prometheus.query('sum(prometheus_rule_group_last_duration_seconds)');
    if (total !== undefined) evaluations.push(1000 * Number(total.value[1]));
  }
  await load.stop();
  await stopMonitoring(of);
  const scrapes = await scrapeCosts(stack);
  progress.done('monitoring');
  return [
    summary('make monitoring, tools cached', 's', starts, { atMost: 8000 }),
    summary('make monitoring, running', 's', again, { atMost: 8000 }),
    summary('all rules of a cluster, evaluated once', 'ms', evaluations, { atMost: 50 }),
    summary('series of one pod', 'count', series, { atMost: 600 }),
    summary('processor time of one scrape of a pod', 'ms', scrapes, { atMost: 10 }),
  ];
}

/**
 * Milliseconds of processor time that a scrape costs each pod, by its own count: that of all threads, so at least what
 * its event loop spends.
 */
async function scrapeCosts(stack: Stack): Promise<number[]> {
  const costs: number[] = [];
  for (const { address = '' } of await targetsOf(stack, `${APP}/${APP}`)) {
    const scrape = async (): Promise<number> => {
      const text = await (await fetch(`http://${address}:9090/metrics`)).text();
      return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1]);
    };
    const before = await scrape();
    for (let count = 1; count < SCRAPES; count += 1) await scrape();
    costs.push((1000 * ((await scrape()) - before)) / SCRAPES);
  }
  return costs;
}
