import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { CHART_PINS, type ChartPin, ensureCharts } from '../src/charts.ts';

/** A cache folder of its own, until the test is over. */
function withCache(t: Test): string {
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = t.testdir({});
  t.teardown(() => {
    if (before === undefined) Reflect.deleteProperty(process.env, 'XDG_CACHE_HOME');
    else process.env.XDG_CACHE_HOME = before;
  });
  return join(process.env.XDG_CACHE_HOME, 'gitops-platform');
}

const failure = async (action: Promise<unknown>): Promise<unknown> =>
  action.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
const left = (cache: string): string[] => (existsSync(cache) ? readdirSync(cache) : []);

t.test('each chart is there under its name and version, ready to be rendered without any other', async (t) => {
  const charts = await ensureCharts(progressTo());
  t.same(
    charts.map(({ repoURL, chart, version }) => ({ repoURL, chart, version })),
    CHART_PINS.map(({ repoURL, chart, version }) => ({ repoURL, chart, version })),
  );
  for (const { folder, chart, version } of charts) {
    const description = parse(readFileSync(join(folder, 'Chart.yaml'), 'utf8')) as Record<string, unknown>;
    t.match(description, { name: chart, version });
    t.notOk('dependencies' in description, `${chart} needs no chart that is not here`);
  }
});

t.test('the definitions of External Secrets are behind the values that its release puts them behind', async (t) => {
  const chart = (await ensureCharts(progressTo())).find((candidate) => candidate.chart === 'external-secrets');
  const text = (kind: string): string =>
    readFileSync(join(chart?.folder ?? '', `templates/crds/external-secrets.io_${kind}.yaml`), 'utf8');
  t.match(
    text('externalsecrets'),
    /^\{\{- if \.Values\.installCRDs \}\}\napiVersion: apiextensions\.k8s\.io\/v1\n[^]*\n\{\{- end \}\}\n$/,
  );
  t.match(
    text('clustersecretstores'),
    /^\{\{- if and \.Values\.installCRDs \.Values\.crds\.createClusterSecretStore \}\}\n/,
  );
  t.match(text('pushsecrets'), /^\{\{- if and \.Values\.installCRDs \.Values\.crds\.createPushSecret \}\}\n/);
  t.end();
});

t.test('later runs need neither Go nor the network', async (t) => {
  const charts = await ensureCharts(progressTo());
  const before = process.env.PATH;
  process.env.PATH = '/nonexistent';
  t.teardown(() => {
    if (before !== undefined) process.env.PATH = before;
  });
  t.same(await ensureCharts(progressTo()), charts);
});

t.test(
  'a module with another sum, and one with another version of the chart, are told, and nothing of them stays',
  async (t) => {
    const cache = withCache(t);
    const [first] = CHART_PINS;
    if (first === undefined) throw new Error('no chart is pinned');
    const forged: ChartPin = {
      ...first,
      module: { ...first.module, sum: `h1:${Buffer.alloc(32).toString('base64')}` },
    };
    const error = await failure(ensureCharts(progressTo(), [forged]));
    t.ok(error instanceof CommandError);
    t.match(error, {
      message: `the checksum of the Go module ${first.module.path}@${first.module.version} is wrong: it is ${first.module.sum}`,
    });
    t.same(left(cache), []);
    t.match(await failure(ensureCharts(progressTo(), [{ ...first, version: '0.0.1' }])), {
      message: `the pinned module of chart ${first.chart} 0.0.1 holds ${first.chart} ${first.version}; pin the commit of that release in packages/tools/src/charts.ts`,
    });
    t.same(left(cache), []);
  },
);
