import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { chartsCommand, localCharts, LOCK } from '../src/charts/charts.ts';
import { fetchCharts } from '../src/charts/fetch.ts';
import { readLock } from '../src/charts/lock.ts';
import { writeSampleChart } from '../src/charts/sample-chart.ts';
import { sha256 } from '../src/sha256.ts';
import { serveRegistry } from './oci-registry.ts';
import { helm, open, packed } from './scene.ts';

const linesOf = ({ text }: { readonly text: string }): string[] =>
  text.split('\n').map((line) => line.replaceAll(/ +/g, ' '));

t.test('a pull records the sum of the archive, and the next one fetches nothing', async (t) => {
  const scene = await open(t);
  t.strictSame(localCharts(scene.root, scene).missing.length, 1);
  const first = await scene.charts();
  t.equal(first.failure, undefined);
  const [entry] = readLock(scene.root);
  t.match(entry, { ...scene.name, sha256: /^[0-9a-f]{64}$/ });
  t.strictSame(linesOf(first), [
    'CHART VERSION SOURCE SHA-256 STATE',
    `sample 1.0.0 ${scene.repository.url} ${String(entry?.sha256)} recorded`,
    '',
    '1 of 1 charts were fetched',
    `${LOCK} has changed: commit it`,
  ]);
  const text = readFileSync(join(scene.root, LOCK), 'utf8');
  t.match(text, /^# SHA-256 of each upstream chart's archive/);
  const { charts, missing } = localCharts(scene.root, scene);
  t.match(charts, [{ ...scene.name, isVerified: true }]);
  t.strictSame(missing, []);
  t.ok(existsSync(join(charts[0]?.folder ?? '', 'crds/greetings.yaml')), 'its definitions are there');

  const before = scene.repository.requests.length;
  t.ok(before >= 2, 'the repository was asked');
  const second = await scene.charts();
  t.strictSame(linesOf(second).slice(1), [
    `sample 1.0.0 cache ${String(entry?.sha256)} verified`,
    '',
    'nothing was fetched',
  ]);
  t.equal(scene.repository.requests.length, before, 'and is not asked again');
  t.equal(readFileSync(join(scene.root, LOCK), 'utf8'), text);
});

t.test('a later archive with another sum is refused by name, and nothing of it is kept', async (t) => {
  const scene = await open(t);
  await scene.charts();
  const lock = readFileSync(join(scene.root, LOCK), 'utf8');
  appendFileSync(join(scene.chart, 'values.yaml'), 'changed: true\n');
  await scene.repository.publish([scene.chart]);
  // Another machine: its cache is empty.
  const store = join(scene.store, '../other');
  const { charts, failure } = await chartsCommand(scene.root, { helm, store });
  t.match(charts, [{ state: 'refused' }]);
  t.match(
    failure?.message,
    `chart sample 1.0.0 of ${scene.repository.url}: the archive from ${scene.repository.url} has the SHA-256 `,
  );
  t.match(failure?.message, `and ${LOCK} has ${String(readLock(scene.root)[0]?.sha256)}`);
  t.match(failure?.next, /remove its entry from argocd\/charts\.lock\.yaml/);
  t.notOk(existsSync(store) && readdirSync(store).length > 0);
  t.equal(readFileSync(join(scene.root, LOCK), 'utf8'), lock);
  t.strictSame(localCharts(scene.root, { store }).missing.length, 1);
  // Where it was pulled before, that archive is still the one.
  t.match((await scene.charts()).charts, [{ state: 'verified', source: 'cache' }]);
  // A clone whose lock file has another sum does not use it.
  writeFileSync(join(scene.root, LOCK), lock.replace(/[0-9a-f]{64}/, 'a'.repeat(64)));
  t.match(localCharts(scene.root, scene), { charts: [], missing: [scene.name] });
  // A clone that trusts the new one takes its entry out.
  writeFileSync(join(scene.root, LOCK), 'charts: []\n');
  t.match((await scene.charts()).charts, [{ state: 'recorded' }]);
});

t.test('another version is another entry, and that of the old one goes', async (t) => {
  const scene = await open(t);
  await scene.charts();
  await scene.repository.publish([writeSampleChart(scene.chart, '1.1.0')]);
  scene.write({ version: '1.1.0' });
  t.match(localCharts(scene.root, scene), { charts: [{ version: '1.0.0' }], missing: [{ version: '1.1.0' }] });
  await scene.charts();
  t.match(readLock(scene.root), [{ version: '1.1.0' }]);
  t.equal(readLock(scene.root).length, 1);
  t.strictSame(
    localCharts(scene.root, scene)
      .charts.map(({ version }) => version)
      .sort(),
    ['1.0.0', '1.1.0'],
    'a comparison with what Git had still renders the old one',
  );
});

t.test('what cannot be pulled is reported by name', async (t) => {
  const scene = await open(t);
  scene.write({ version: '2.0.0' });
  t.match(
    (await scene.charts()).failure?.message,
    /^chart sample 2\.0\.0 of \S+ could not be pulled: .*2\.0\.0.*not found/,
  );
  scene.write({ repoURL: 'http://127.0.0.1:1' });
  const { charts, failure } = await scene.charts();
  t.match(charts, [{ state: 'missing', source: '-' }]);
  t.match(
    failure?.message,
    /^chart sample 1\.0\.0 of http:\/\/127\.0\.0\.1:1 could not be pulled: .*connection refused/,
  );
  t.match(failure?.next, /make charts FROM=/);
  t.notOk(existsSync(join(scene.root, LOCK)), 'no lock is made for nothing');
  for (const version of ['1.x', '>=1.0.0', '{{ .version }}']) {
    scene.write({ version });
    t.match(
      (await scene.charts()).failure?.message,
      /sample\.yaml: .* targetRevision must be one exact version/,
      version,
    );
  }
});

t.test('a repository that does not answer is given up on', async (t) => {
  const scene = await open(t);
  const silent = createServer(() => undefined).listen(0, '127.0.0.1');
  t.teardown(() => silent.close());
  await new Promise((listening) => silent.once('listening', listening));
  const { port } = silent.address() as { port: number };
  scene.write({ repoURL: `http://127.0.0.1:${port}` });
  const { charts } = await fetchCharts(scene.root, { helm, store: scene.store, timeout: 300 });
  t.match(charts, [{ state: 'missing', problem: /could not be pulled: no answer within 0\.3 s$/ }]);
});

t.test('charts of an OCI registry, with and without its scheme', async (t) => {
  const scene = await open(t);
  const archive = join(await packed(scene, t), 'sample-1.0.0.tgz');
  const registry = await serveRegistry('charts/sample', '1.0.0', archive);
  t.teardown(() => {
    registry.close();
  });
  for (const repoURL of [`oci://${registry.address}/charts`, `${registry.address}/charts`]) {
    scene.write({ repoURL });
    const { charts, failure } = await chartsCommand(scene.root, {
      helm,
      store: scene.store,
      helmArguments: ['--plain-http'],
    });
    t.equal(failure, undefined);
    t.match(charts, [{ state: 'recorded', sha256: await sha256(archive) }]);
  }
});
