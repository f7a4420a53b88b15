import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { durationOption, secondsOf } from '@gitops/load/duration';
import { addressProblem } from '@gitops/load/target';
import { type Instance, openInstance, rememberedPorts } from '@gitops/local';
import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { collect, type Collected } from '../collect.ts';
import { dashboardProblems, DASHBOARDS } from '../dashboards.ts';
import { page } from '../page.ts';
import { openPrometheus } from '../prometheus.ts';
import { report } from '../report.ts';

const START = 'run `make up` and `make monitoring`, or give the ADDRESS of a Prometheus that runs elsewhere';

export default command({
  summary: 'show the panels of all dashboards with their data, as a table and as a page',
  options: {
    address: text('a Prometheus that runs elsewhere, in place of the one of this machine', {
      placeholder: 'URL',
      example: 'http://127.0.0.1:9090',
      problem: addressProblem,
    }),
    duration: durationOption('how far back the panels go, 15m by default'),
  },
  run: async ({ options, json, print }) => {
    const { address, duration = '15m' } = options;
    const problems = dashboardProblems(DASHBOARDS);
    if (problems.length > 0) throw new CommandError(problems, 'correct these files in packages/monitoring');
    const instance = openInstance();
    const url = address?.replace(/\/+$/, '') ?? localAddress(instance);
    const prometheus = openPrometheus(url, address === undefined ? START : 'check ADDRESS');
    const collected = await collect(prometheus, Date.now() / 1000, secondsOf(duration));
    const file = join(instance.dir, 'dash.html');
    mkdirSync(instance.dir, { recursive: true });
    writeFileSync(file, page(collected, relative(instance.dir, join(instance.root, 'README.md'))));
    if (json) print(JSON.stringify({ ...summaryOf(collected), file }));
    else print(`${report(collected)}\n\nwritten to ${relative(process.cwd(), file)}`);
  },
});

/** The Prometheus that `make monitoring` started. */
function localAddress(instance: Instance): string {
  const port = (rememberedPorts(instance) as Readonly<Record<string, number>> | undefined)?.prometheus;
  if (port === undefined) throw new CommandError('no Prometheus runs on this machine', START);
  return `http://127.0.0.1:${port}`;
}

/** What `--json` prints: each panel's latest values, or what is missing. */
function summaryOf({ address, from, to, step, dashboards }: Collected): object {
  const panels: object[] = [];
  for (const { dashboard, rows } of dashboards)
    for (const { title, panels: ofRow } of rows)
      for (const { panel, lines, missing } of ofRow) {
        const series = lines.map(({ name, labels, isLimit, latest }) => ({ name, labels, isLimit, latest }));
        panels.push({ dashboard: dashboard.uid, row: title, panel: panel.title, unit: panel.unit, series, missing });
      }
  return { address, from, to, step, panels };
}
