import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { openInstance } from '@gitops/local';
import { command } from '@gitops/report/command-line';
import { choice, integer, text } from '@gitops/report/options';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import { durationOption, secondsOf } from '../duration.ts';
import { picture } from '../picture.ts';
import { report } from '../report.ts';
import { type RunRecord, runScenario } from '../run.ts';
import { scenarioNames } from '../scenarios.ts';
import { DEFAULT_RATE } from '../settings.ts';
import { addressProblem, checkReachable, localTarget, remoteTarget } from '../target.ts';
import { brokenThreshold } from '../thresholds.ts';

export default command({
  summary: 'put load on the service, judge it by its objectives, and draw load, latency and pods over time',
  options: {
    scenario: choice('what to run, load by default', scenarioNames, { isArgument: true }),
    address: text('a service that runs elsewhere, in place of the front door of this machine', {
      placeholder: 'URL',
      example: 'https://fastify-service.staging.example.com',
      problem: addressProblem,
    }),
    duration: durationOption("how long it takes in all, in place of the scenario's own"),
    rate: integer(`requests per second at the usual rate, ${DEFAULT_RATE} by default`, { least: 1, most: 100_000 }),
  },
  run: async ({ options, json, print, fail }) => {
    const { scenario = 'load', address, duration, rate = DEFAULT_RATE } = options;
    const instance = openInstance();
    const target = address === undefined ? localTarget(instance) : remoteTarget(instance.root, address);
    await checkReachable(target);
    const progress = progressTo();
    const { bin } = await ensureTools({ ...progress, note: () => undefined }, { verify: false, builds: ['load'] });
    const interrupted = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        interrupted.abort();
      });
    progress.start(`${scenario} against ${target.address}`);
    const record = await runScenario({
      bin,
      scenario,
      target,
      rate,
      seconds: duration === undefined ? undefined : secondsOf(duration),
      onProgress: (text) => {
        progress.detail(text);
      },
      signal: interrupted.signal,
    });
    const files = write(record, join(instance.dir, 'load'));
    if (json) print(JSON.stringify({ ...summaryOf(record), files }));
    else {
      const names = files.map((file) => relative(process.cwd(), file)).join(', ');
      print(`\n${report(record)}\nwritten to ${names}`);
    }
    for (const threshold of record.thresholds) if (!threshold.holds) fail(`error: ${brokenThreshold(threshold)}`);
  },
});

/** What `--json` prints: all but what the file of the samples has. */
function summaryOf({ seconds: _seconds, replicas: _replicas, failures: _failures, ...summary }: RunRecord): object {
  return { ...summary, phases: summary.phases.map(({ times: _times, ...phase }) => phase) };
}

/** Writes the picture and the samples; the names begin with the time of the first request. */
function write(record: RunRecord, folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  const time = new Date(record.start).toISOString().slice(0, 19).replaceAll(':', '-');
  const base = join(folder, `${time}-${record.scenario}`);
  const phases = record.phases.map(({ times: _times, ...phase }) => phase);
  const files = { [`${base}.svg`]: picture(record), [`${base}.json`]: `${JSON.stringify({ ...record, phases })}\n` };
  for (const [file, content] of Object.entries(files)) writeFileSync(file, content);
  return Object.keys(files);
}
