import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { progressTo } from '@gitops/report/progress';
import { type ChartName, chartsCommand } from '../src/charts/charts.ts';
import { type HelmRepository, serveCharts } from '../src/charts/helm-repository.ts';
import { writeSampleChart } from '../src/charts/sample-chart.ts';
import { run } from '../src/run.ts';
import { ensureTools } from '../src/tools.ts';

// What CI asks of the real charts does not hold for the samples here.
Reflect.deleteProperty(process.env, 'REQUIRE_CHARTS');

const quiet = { ...progressTo(), start: () => undefined, done: () => undefined, note: () => undefined };
export const helm = join((await ensureTools(quiet, { verify: false })).bin, 'helm');

/** A repository that names the sample chart, a Helm repository that has it, and an empty store. */
export interface Scene {
  readonly root: string;
  readonly store: string;
  readonly chart: string;
  readonly repository: HelmRepository;
  readonly name: ChartName;
  /** `make charts`. */
  charts(from?: string): ReturnType<typeof chartsCommand>;
  /** Makes the repository name the chart in another way. */
  write(name: Partial<ChartName>): void;
}

export async function open(t: Test): Promise<Scene> {
  const folder = t.testdir({ root: { argocd: { applications: {} } }, archives: {} });
  const root = join(folder, 'root');
  const store = join(folder, 'store');
  const chart = writeSampleChart(join(folder, 'sample'));
  const repository = await serveCharts(helm, [chart]);
  t.teardown(async () => repository.close());
  const name = { repoURL: repository.url, chart: 'sample', version: '1.0.0' };
  const write = (other: Partial<ChartName>): void => {
    const { repoURL, version } = { ...name, ...other };
    writeFileSync(
      join(root, 'argocd/applications/sample.yaml'),
      'kind: ApplicationSet\nspec:\n  template:\n    spec:\n      sources:\n' +
        `        - { repoURL: "${repoURL}", chart: sample, targetRevision: "${version}" }\n` +
        '        - { repoURL: x, targetRevision: main, ref: values }\n',
    );
  };
  write({});
  return {
    ...{ root, store, chart, repository, name, write },
    charts: async (from) => chartsCommand(root, { helm, store, from }),
  };
}

/** One more empty folder, until the test is over. */
export function scratch(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'charts-test-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A folder with one archive of the chart, as packed by hand. */
export async function packed({ chart }: Pick<Scene, 'chart'>, t: Test): Promise<string> {
  const folder = scratch(t);
  await run(helm, ['package', '--destination', folder, chart]);
  return folder;
}
