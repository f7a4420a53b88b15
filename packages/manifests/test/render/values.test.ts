import t, { type Test } from 'tap';
import { valueAt } from '@gitops/settings/yaml-file';
import { chartOf } from '../../src/render/chart.ts';
import type { Application } from '../../src/render/renderer.ts';
import { keysOf, layersOf, leaves, merged, nested, parameterValue, positionOf } from '../../src/render/values.ts';

const repository = (t: Test): string =>
  t.testdir({
    charts: {
      app: {
        'Chart.yaml': 'name: app\n',
        'values.yaml': 'a: 1\nmap:\n  b: 2\n  c: [1, 2]\nimage:\n  repository: ""\n',
      },
    },
    clusters: {
      shared: { 'app.yaml': 'map:\n  b: 3\n' },
      dev: { 'app.yaml': '# dev\nmap:\n  b: 4\n  c: [9]\na: null\n' },
    },
    argocd: { 'app.yaml': 'spec:\n  parameters:\n    - name: image.repository\n      value: x\n' },
  });

const application = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: { name: 'app' },
  spec: {
    project: 'p',
    destination: {},
    source: {
      repoURL: 'r',
      path: 'charts/app',
      helm: {
        valueFiles: ['/clusters/shared/app.yaml', '../../clusters/dev/app.yaml'],
        parameters: [{ name: 'image.repository', value: 'registry/x' }],
      },
    },
  },
} satisfies Application;

t.test('the defaults of a chart contain those of the charts that it brings, below their names', (t) => {
  const root = t.testdir({
    charts: {
      app: {
        'Chart.yaml':
          'name: app\ndependencies:\n  - name: part\n  - name: other\n    alias: second\n  - name: not-here\n',
        'values.yaml': 'a: 1\npart:\n  b: 2\n  nothing: null\n',
        charts: {
          part: { 'values.yaml': 'b: 1\nc: 3\nnothing: {}\n' },
          other: { 'values.yaml': 'd: 4\n' },
        },
      },
    },
    clusters: { shared: { 'app.yaml': '{}\n' }, dev: { 'app.yaml': '{}\n' } },
    argocd: { 'app.yaml': '{}\n' },
  });
  const [defaults] = layersOf(root, chartOf(root, application, []), 'argocd/app.yaml');
  t.strictSame(defaults?.values, { a: 1, part: { b: 2, c: 3, nothing: {} }, second: { d: 4 } });
  t.equal(defaults?.position(['part', 'b']), 'charts/app/values.yaml:3', "the chart's own value wins");
  t.equal(defaults?.position(['part', 'c']), 'charts/app/charts/part/values.yaml:2');
  t.equal(defaults?.position(['second', 'd']), 'charts/app/charts/other/values.yaml:1');
  t.end();
});

t.test('layers in the order in which Helm lays them, each with its places', (t) => {
  const root = repository(t);
  const chart = chartOf(root, application, []);
  t.match(chart, {
    name: 'charts/app',
    label: 'charts/app',
    isUpstream: false,
    valueFiles: ['clusters/shared/app.yaml', 'clusters/dev/app.yaml'],
  });
  const layers = layersOf(root, chart, 'argocd/app.yaml');
  t.strictSame(
    layers.map(({ kind, file }) => [kind, file]),
    [
      ['chart defaults', 'charts/app/values.yaml'],
      ['values file', 'clusters/shared/app.yaml'],
      ['values file', 'clusters/dev/app.yaml'],
      ['parameter', 'argocd/app.yaml'],
    ],
  );
  t.strictSame(
    merged(layers),
    { map: { b: 4, c: [9] }, image: { repository: 'registry/x' } },
    'maps merge, lists are replaced, null removes',
  );
  t.equal(positionOf(layers, ['map', 'b']), 'clusters/dev/app.yaml:3');
  t.equal(positionOf(layers, ['image', 'repository']), 'argocd/app.yaml:3');
  t.equal(
    positionOf(layers, ['map', 'unknown']),
    'clusters/dev/app.yaml:2',
    'what nobody sets: where its parent stands',
  );
  t.equal(positionOf(layers, ['nothing']), undefined);
  t.end();
});

t.test('an Application that renders no chart has no layers', (t) => {
  const root = repository(t);
  t.equal(
    chartOf(root, { ...application, spec: { ...application.spec, source: { repoURL: 'r', path: 'clusters' } } }, []),
    undefined,
  );
  t.strictSame(layersOf(root, undefined, 'argocd/app.yaml'), []);
  t.end();
});

t.test('an upstream chart: its defaults are named as its release is, and a parameter may set a part of a list', (t) => {
  const root = t.testdir({
    cache: { 'values.yaml': 'stores: []\nlevel: info\n' },
    clusters: { shared: { 'app.yaml': 'stores:\n  - kind: Store\n    spec:\n      name: one\n' } },
  });
  const sources = [
    {
      repoURL: 'https://r',
      chart: 'up',
      targetRevision: '1.2.3',
      helm: {
        valueFiles: ['$values/clusters/shared/app.yaml'],
        parameters: [{ name: 'stores[0].spec.region', value: 'eu' }],
      },
    },
    { repoURL: 'g', ref: 'values' },
  ];
  const upstream = { ...application, spec: { project: 'p', destination: {}, sources } };
  const pinned = { repoURL: 'https://r', chart: 'up', version: '1.2.3', folder: `${root}/cache` };
  t.equal(chartOf(root, upstream, [{ ...pinned, version: '1.2.4' }]), undefined, 'another version is another chart');
  const chart = chartOf(root, upstream, [pinned]);
  t.match(chart, { name: 'up', label: 'up-1.2.3', isUpstream: true, valueFiles: ['clusters/shared/app.yaml'] });
  const layers = layersOf(root, chart, 'argocd/app.yaml');
  t.strictSame(
    layers.map(({ file }) => file),
    ['up-1.2.3/values.yaml', 'clusters/shared/app.yaml', 'argocd/app.yaml'],
  );
  t.equal(positionOf(layers, ['level']), 'up-1.2.3/values.yaml:2');
  t.strictSame(merged(layers), { stores: [{ kind: 'Store', spec: { name: 'one', region: 'eu' } }], level: 'info' });
  t.end();
});

t.test('key paths', (t) => {
  t.strictSame(keysOf('a.b-c[0].d'), ['a', 'b-c', '0', 'd']);
  t.strictSame(keysOf(String.raw`annotations.example\.com/x`), ['annotations', 'example.com/x']);
  t.strictSame(nested(['a', 'b'], 1), { a: { b: 1 } });
  t.equal(valueAt({ a: [{ b: 2 }] }, ['a', '0', 'b']), 2);
  t.equal(valueAt({ a: 1 }, ['toString']), undefined);
  t.strictSame(
    leaves({ a: { b: 1, c: {} }, d: [1] }).map(({ keys }) => keys.join('.')),
    ['a.b', 'a.c', 'd'],
  );
  t.end();
});

t.test('a parameter is read as Helm reads --set', (t) => {
  t.strictSame(['{}', '{a,b}', '{10.0.0.0/24, 1}', '012', '7', 'true', 'null', 'x y'].map(parameterValue), [
    [],
    ['a', 'b'],
    ['10.0.0.0/24', 1],
    '012',
    7,
    true,
    null,
    'x y',
  ]);
  t.end();
});
