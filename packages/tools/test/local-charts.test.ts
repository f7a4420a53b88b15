import { appendFileSync, copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { CommandError } from '@gitops/report/errors';
import type { Progress } from '@gitops/report/progress';
import {
  ARGOCD_FILE,
  argocdChart,
  chartsCommand,
  ensureCharts,
  localCharts,
  LOCK,
  upstreamCharts,
} from '../src/charts/charts.ts';
import { chartsAreRequired } from '../src/charts/local.ts';
import { readLock } from '../src/charts/lock.ts';
import { helm, open, packed, scratch } from './scene.ts';

const repositoryRoot = resolve(import.meta.dirname, '../../..');

t.test('charts are named where Argo CD reads them, each once', (t) => {
  const names = upstreamCharts(repositoryRoot);
  t.strictSame(names.map(({ chart, file }) => `${file} ${chart}`).sort(), [
    'argocd/applications/argocd.yaml argo-cd',
    'argocd/applications/aws-load-balancer-controller.yaml aws-load-balancer-controller',
    'argocd/applications/external-secrets.yaml external-secrets',
    'argocd/applications/karpenter.yaml karpenter',
    'argocd/applications/kube-prometheus-stack.yaml kube-prometheus-stack',
    'argocd/applications/metrics-server.yaml metrics-server',
    'argocd/applications/prometheus-operator-crds.yaml prometheus-operator-crds',
  ]);
  t.end();
});

t.test('each cluster has its own version of Argo CD, and the last step is for all without one', (t) => {
  const file = readFileSync(join(repositoryRoot, ARGOCD_FILE), 'utf8');
  const root = t.testdir({ argocd: { applications: {} } });
  const write = (text: string): void => {
    writeFileSync(join(root, ARGOCD_FILE), text);
  };
  const versions = (cluster: string): readonly string[] => {
    const { version, argocdVersion } = argocdChart(root, cluster);
    return [version, argocdVersion];
  };
  const steps = ['1.0.3 v0.0.3', '1.0.2 v0.0.2', '1.0.1 v0.0.1'];
  let step = 0;
  write(
    file.replaceAll(/chart: \d.*\n *version: .*/g, () => {
      const [chart = '', version = ''] = steps[step++]?.split(' ') ?? [];
      return `chart: ${chart}\n          version: ${version}`;
    }),
  );
  t.equal(step, steps.length);
  t.strictSame(versions('dev'), ['1.0.3', 'v0.0.3']);
  t.strictSame(versions('staging'), ['1.0.2', 'v0.0.2']);
  for (const cluster of ['production', 'another']) t.strictSame(versions(cluster), ['1.0.1', 'v0.0.1'], cluster);
  t.strictSame(
    upstreamCharts(root).map(({ version }) => version),
    ['1.0.3', '1.0.2', '1.0.1'],
    'and `make charts` brings them all',
  );

  write(file.replaceAll(/^ *version: .*\n/gm, ''));
  for (const wrong of [root, t.testdir({})])
    t.throws(
      () => argocdChart(wrong, 'production'),
      /^argocd\/applications\/argocd\.yaml:1: the file: must name the chart of Argo CD, and for production its `chart`/,
    );
  t.end();
});

t.test('REQUIRE_CHARTS=1: a chart that is missing or not verified is an error', async (t) => {
  const scene = await open(t);
  const required = (): unknown => {
    try {
      return localCharts(scene.root, { store: scene.store, require: true });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return { message: error.message, next: error.next };
    }
  };
  const title = `argocd/applications/sample.yaml: chart sample 1.0.0 of ${scene.repository.url}`;
  t.match(required(), {
    message: `${title} is not on this machine`,
    next: /run `make charts` .* and commit argocd\/charts\.lock\.yaml/,
  });
  await scene.charts(await packed(scene, t));
  t.match(required(), { message: `${title} has no SHA-256 in ${LOCK}` });
  await scene.charts();
  t.match(required(), { charts: [{ isVerified: true }], missing: [] });
  const other = scratch(t);
  cpSync(scene.chart, join(other, 'sample'), { recursive: true });
  const store = join(scene.store, '../other');
  await chartsCommand(scene.root, { helm, store, from: other });
  t.throws(
    () => localCharts(scene.root, { store, require: true }),
    `${title} was taken from a folder, and is not verified`,
  );

  t.equal(chartsAreRequired({}), false);
  t.equal(chartsAreRequired({ REQUIRE_CHARTS: '0' }), false);
  t.equal(chartsAreRequired({ REQUIRE_CHARTS: '1' }), true);
  t.throws(() => chartsAreRequired({ REQUIRE_CHARTS: 'yes' }), /^REQUIRE_CHARTS is "yes"/);
});

t.test('a lock file that cannot be read is reported', async (t) => {
  const scene = await open(t);
  for (const text of [
    'charts: {}\n',
    'charts:\n  - { repoURL: x, chart: y, version: 1.0.0 }\n',
    'charts: [\n',
    '- a\n',
    '',
  ]) {
    writeFileSync(join(scene.root, LOCK), text);
    t.throws(
      () => localCharts(scene.root, scene),
      /^argocd\/charts\.lock\.yaml must hold a list/,
      JSON.stringify(text),
    );
  }
  copyFileSync(join(repositoryRoot, LOCK), join(scene.root, LOCK));
  t.equal(localCharts(scene.root, scene).missing.length, 1, 'that of this repository can be read');
});

t.test('before the tests: missing charts are pulled once; no request for cached ones', async (t) => {
  const scene = await open(t);
  const lines: string[] = [];
  const add = (text: string): void => void lines.push(text);
  const progress: Progress = { start: add, detail: add, done: add, note: add };
  await ensureCharts(scene.root, helm, progress, scene.store);
  t.match(lines, ['charts: pulling', `${LOCK} has changed: commit it`, 'charts: 1 on this machine']);
  t.equal(readLock(scene.root).length, 1);
  const asked = scene.repository.requests.length;
  await ensureCharts(scene.root, helm, progress, scene.store);
  t.equal(scene.repository.requests.length, asked);

  const store = join(scene.store, '../other');
  appendFileSync(join(scene.chart, 'values.yaml'), 'changed: true\n');
  await scene.repository.publish([scene.chart]);
  await t.rejects(
    ensureCharts(scene.root, helm, progress, store),
    /has the SHA-256/,
    'another archive is an error all the same',
  );

  lines.length = 0;
  scene.write({ repoURL: 'http://127.0.0.1:1' });
  await ensureCharts(scene.root, helm, progress, store);
  t.match(
    lines.at(-1),
    /^charts: not on this machine, and what needs them stays unchecked: sample 1\.0\.0 \(.*refused\)$/,
  );
});
