import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { clusterNames, SettingsError } from '../src/settings.ts';
import { errorBudget, readSlo, SLO_FILE } from '../src/slo.ts';
import { FILES } from './cluster-fixtures.ts';

const root = resolve(import.meta.dirname, '../../..');

const VALID = `availability: 99.9
latency:
  milliseconds: 100
  percent: 99
clusters:
  dev:
    availability: 99
    latency: { percent: 95 }
`;

/** A repository with two clusters and this SLO file. */
const repository = (t: Test, slo: string): string =>
  t.testdir({
    clusters: { 'slo.yaml': slo, dev: { 'cluster.yaml': FILES.dev }, local: { 'cluster.yaml': FILES.local } },
  });

t.test('the objectives of every cluster of the repository are valid, and editors check their file', (t) => {
  for (const name of clusterNames(root)) {
    const { availability, latency } = readSlo(root, name);
    t.ok(availability > 90 && latency.percent > 90 && latency.milliseconds > 0, name);
  }
  const [first] = readFileSync(join(root, SLO_FILE), 'utf8').split('\n');
  t.equal(first, '# yaml-language-server: $schema=slo.schema.json');
  t.end();
});

t.test('a cluster has the objectives of all, with what differs in it', (t) => {
  const folder = repository(t, VALID);
  t.same(readSlo(folder, 'local'), { availability: 99.9, latency: { milliseconds: 100, percent: 99 } });
  t.same(readSlo(folder, 'dev'), { availability: 99, latency: { milliseconds: 100, percent: 95 } });
  t.end();
});

t.test('a bad value is refused with file, line and key, for whichever cluster the file is read', (t) => {
  const range = 'expected: Percent of all requests that get an answer without a server error; above 0, below 100';
  const cases: readonly (readonly [string, string, string])[] = [
    ['availability: 99.9', 'availability: 100', `slo.yaml:1: availability: must be < 100; ${range} (it is 100)`],
    ['availability: 99.9', 'availability: 0', `slo.yaml:1: availability: must be > 0; ${range} (it is 0)`],
    ['availability: 99.9', 'availability: 101', `slo.yaml:1: availability: must be < 100; ${range} (it is 101)`],
    ['availability: 99.9', 'availability: "99.9"', `slo.yaml:1: availability: must be number; ${range} (it is "99.9")`],
    ['availability: 99.9', 'availability: .nan', `slo.yaml:1: availability: .nan must be quoted`],
    ['availability: 99.9\n', '', 'slo.yaml:1: availability: missing'],
    ['  percent: 99', '  percent: 100', 'slo.yaml:4: latency.percent: must be < 100'],
    ['  milliseconds: 100', '  milliseconds: 0.5', 'slo.yaml:3: latency.milliseconds: must be integer'],
    ['    availability: 99\n', '    availability: 0\n', `slo.yaml:7: clusters.dev.availability: must be > 0; ${range}`],
    ['{ percent: 95 }', '{ milliseconds: 5 }', 'slo.yaml:8: clusters.dev.latency.milliseconds: unknown setting'],
    ['  dev:', '  moon:', 'slo.yaml:6: clusters.moon: unknown cluster; clusters: dev, local'],
    [VALID, 'availability: [', 'slo.yaml:1: the file: '],
  ];
  for (const [from, to, expected] of cases) {
    const folder = repository(t, VALID.replace(from, to));
    try {
      readSlo(folder, 'local');
      t.fail(`${to} was accepted`);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      t.ok(
        error.problems.some((problem) => problem.startsWith(`clusters/${expected}`)),
        `${to}: ${error.message}`,
      );
    }
  }
  t.end();
});

t.test('an error budget has no rounding error', (t) => {
  t.equal(errorBudget(99.9), 0.001);
  t.equal(errorBudget(99), 0.01);
  t.equal(errorBudget(95), 0.05);
  t.equal(errorBudget(99.99), 0.0001);
  t.end();
});
