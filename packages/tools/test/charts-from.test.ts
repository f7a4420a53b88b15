import { appendFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CommandError } from '@gitops/report/errors';
import { chartsCommand, localCharts, LOCK } from '../src/charts/charts.ts';
import { writeSampleChart } from '../src/charts/sample-chart.ts';
import { run } from '../src/run.ts';
import { helm, open, packed, scratch } from './scene.ts';

t.test('FROM a folder: archives and chart folders, which vouch for nothing', async (t) => {
  const scene = await open(t);
  const archives = await packed(scene, t);
  const first = await scene.charts(archives);
  t.equal(first.failure, undefined);
  t.match(first.charts, [
    { state: 'unverified', source: join(archives, 'sample-1.0.0.tgz'), sha256: /^[0-9a-f]{64}$/ },
  ]);
  t.match(first.text, /\nunverified: sample: no pull /);
  t.notOk(existsSync(join(scene.root, LOCK)), 'only a pull says what a release is');
  t.strictSame(scene.repository.requests, [], 'the repository is not asked');
  t.match(localCharts(scene.root, scene), { charts: [{ isVerified: false }], missing: [] });

  // The pull that comes later counts, though the folder's archive is another.
  t.match((await scene.charts()).charts, [{ state: 'recorded' }]);
  t.match(localCharts(scene.root, scene).charts, [{ isVerified: true }]);
  t.equal(localCharts(scene.root, scene).charts.length, 1);

  const folders = scratch(t);
  cpSync(scene.chart, join(folders, 'exact/sample'), { recursive: true });
  const store = join(scene.store, '../empty');
  const taken = await chartsCommand(scene.root, { helm, store, from: join(folders, 'exact') });
  t.match(taken.charts, [{ state: 'unverified', source: join(folders, 'exact/sample'), sha256: undefined }]);
  t.equal(taken.failure, undefined);
  t.match(localCharts(scene.root, { store }), { charts: [{ isVerified: false }], missing: [] });

  writeSampleChart(join(folders, 'other/sample'), '1.0.1');
  t.match((await chartsCommand(scene.root, { helm, store: join(store, 'x'), from: join(folders, 'other') })).failure, {
    message: `chart sample 1.0.0 of ${scene.repository.url}: found sample 1.0.1`,
  });
  t.match((await chartsCommand(scene.root, { helm, store: join(store, 'y'), from: folders })).failure, {
    message: /holds neither sample-1\.0\.0\.tgz nor a folder sample$/,
  });
});

t.test('a chart that no pull has vouched for stays where its repository cannot be reached', async (t) => {
  const scene = await open(t);
  scene.write({ repoURL: 'http://127.0.0.1:1' });
  await scene.charts(await packed(scene, t));
  const { charts, failure } = await scene.charts();
  t.match(charts, [{ state: 'unverified', source: 'cache' }]);
  t.match(failure?.message, /could not be pulled/);
  t.match(localCharts(scene.root, scene), { charts: [{ isVerified: false }], missing: [] });
});

t.test('FROM an archive that the lock file has another sum of: refused', async (t) => {
  const scene = await open(t);
  await scene.charts();
  appendFileSync(join(scene.chart, 'values.yaml'), 'changed: true\n');
  const archives = await packed(scene, t);
  const store = join(scene.store, '../other');
  const { charts, failure } = await chartsCommand(scene.root, { helm, store, from: archives });
  t.match(charts, [{ state: 'refused' }]);
  t.match(failure?.message, `the archive from ${join(archives, 'sample-1.0.0.tgz')} has the SHA-256 `);
  t.strictSame(localCharts(scene.root, { store }).charts, []);

  // The very archive of the release is taken.
  const released = scratch(t);
  writeFileSync(
    join(released, 'sample-1.0.0.tgz'),
    Buffer.from(await (await fetch(`${scene.repository.url}/sample-1.0.0.tgz`)).arrayBuffer()),
  );
  t.match((await chartsCommand(scene.root, { helm, store, from: released })).charts, [{ state: 'verified' }]);
});

t.test('FROM a path that is not a folder, or a folder with a broken archive', async (t) => {
  const scene = await open(t);
  const folder = scratch(t);
  const none = join(folder, 'none');
  await t.rejects(
    scene.charts(none),
    new CommandError(`unknown folder ${none}`, 'FROM is a folder with archives (name-version.tgz) or chart folders'),
  );
  writeFileSync(join(folder, 'sample-1.0.0.tgz'), 'no archive');
  t.match((await scene.charts(folder)).failure?.message, /sample-1\.0\.0\.tgz cannot be unpacked: /);
  await run('tar', ['-czf', join(folder, 'sample-1.0.0.tgz'), '-C', scene.root, 'argocd']);
  t.match(
    (await scene.charts(folder)).failure?.message,
    /sample-1\.0\.0\.tgz holds no folder sample with a Chart\.yaml$/,
  );
});

t.test('a chart without the charts that it depends on is refused', async (t) => {
  const scene = await open(t);
  const folder = scratch(t);
  cpSync(scene.chart, join(folder, 'sample'), { recursive: true });
  appendFileSync(
    join(folder, 'sample/Chart.yaml'),
    'dependencies: [{ name: redis, version: 1.0.0, repository: "https://example.com" }]\n',
  );
  t.match(
    (await scene.charts(folder)).failure?.message,
    /its folder charts\/ lacks redis; run `helm dependency build`/,
  );
  mkdirSync(join(folder, 'sample/charts/redis'), { recursive: true });
  t.equal((await scene.charts(folder)).failure, undefined);
});
