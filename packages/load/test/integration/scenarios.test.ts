import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readSlo } from '@gitops/settings/slo';
import { runScenario } from '../../src/run.ts';
import { scenarioNames, scriptOf } from '../../src/scenarios.ts';
import { objectivesOf } from '../../src/settings.ts';
import { remoteTarget } from '../../src/target.ts';
import { load, programs, server, service } from '../helper.ts';

const bin = await programs();

/** A repository that has nothing but an SLO file and the cluster that it is read for. */
const sloFile = (availability: number, milliseconds: number, percent: number): string =>
  `availability: ${availability}\nlatency: { milliseconds: ${milliseconds}, percent: ${percent} }\nclusters: {}\n`;

/** The thresholds by which k6 would judge a scenario. */
function thresholds(scenario: string, folder: string): unknown {
  const settings = { address: 'http://127.0.0.1:1', rate: 100, objectives: objectivesOf(readSlo(folder)) };
  const { stdout, stderr } = spawnSync(join(bin, 'k6'), ['inspect', '--include-system-env-vars', scriptOf(scenario)], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LOAD: JSON.stringify(settings) },
  });
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { thresholds: unknown }).thresholds;
}

t.test('k6 judges by the SLO file: another file, other thresholds', (t) => {
  const folder = t.testdir({ clusters: { 'slo.yaml': sloFile(99.9, 100, 99) } });
  t.same(thresholds('smoke', folder), {
    'http_req_failed{scenario:smoke}': ['rate<0.001'],
    'http_req_duration{scenario:smoke}': ['p(99)<100'],
  });
  const changed = t.testdir({ clusters: { 'slo.yaml': sloFile(98, 250, 97.5) } });
  t.same(thresholds('spike', changed), {
    'http_req_failed{scenario:before}': ['rate<0.02'],
    'http_req_duration{scenario:before}': ['p(97.5)<250'],
    'http_req_lost{scenario:spike}': ['rate<0.02'],
    'http_req_failed{scenario:after}': ['rate<0.02'],
    'http_req_duration{scenario:after}': ['p(97.5)<250'],
  });
  t.end();
});

t.test('every scenario runs against the real service', async (t) => {
  const address = await service(t);
  const folder = t.testdir({ clusters: { 'slo.yaml': sloFile(99.9, 60_000, 50) } });
  for (const scenario of scenarioNames()) {
    const record = await runScenario({
      bin,
      scenario,
      target: remoteTarget(folder, address),
      // hey has twenty clients, each of which sends one request a second here.
      rate: 20,
      seconds: 2,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
    // How many fit into two seconds is for the machine to say.
    t.ok(record.total.requests > 0, `${scenario}: ${record.total.requests} requests`);
    t.match(record.total, { refused: 0, failed: 0 }, `${scenario}: ${JSON.stringify(record.failures.slice(0, 3))}`);
    t.ok(record.thresholds.length >= 2 && record.thresholds.every(({ holds }) => holds), scenario);
    const judged = new Set(record.thresholds.map(({ phase }) => phase));
    t.strictSame(
      record.phases.map(({ name }) => name).filter((name) => !judged.has(name)),
      [],
      'each phase is judged',
    );
  }
});

t.test('the program writes picture and samples, and prints a table or JSON', async (t) => {
  const address = await service(t);
  const folder = t.testdir({});
  const { code, stdout, stderr } = await load(folder, 'smoke', '--address', address, '--duration', '2s');
  // Whether it was fast enough is no matter of this test.
  t.match(code === 0 ? '' : stderr, /^(|[^]*smoke: 99 % of the requests within: .* ms, asked < 100 ms\n)$/);
  t.match(stdout, /^\nPHASE +SECONDS +REQUESTS\/S .*\nsmoke +2 +\d+ +\d+ +\d+ +0 +0 /);
  t.match(stdout, /OBJECTIVES OF ALL CLUSTERS +ASKED +MEASURED +HOLDS\nsmoke: failed requests +< 0\.1 % +0 % +yes/);
  const files = readdirSync(join(folder, 'load')).sort();
  t.equal(files.length, 2);
  t.match(files[0], /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-smoke\.json$/);
  t.match(files[1], /-smoke\.svg$/);
  const samples = JSON.parse(readFileSync(join(folder, 'load', files[0] ?? ''), 'utf8')) as {
    total: { requests: number };
    seconds: { requests: number }[];
  };
  t.equal(
    samples.seconds.reduce((sum, { requests }) => sum + requests, 0),
    samples.total.requests,
  );

  const again = await load(folder, 'smoke', '--address', address, '--duration', '2s', '--json');
  const summary = JSON.parse(again.stdout) as Record<string, unknown>;
  t.match(summary, { scenario: 'smoke', total: { failed: 0 }, phases: [{ name: 'smoke' }], dropped: 0 });
  t.notOk('seconds' in summary, 'the samples are in their file');
});

t.test('a threshold that does not hold is a line of its own, and exit code 1', async (t) => {
  // Answers the question who it is, and nothing else.
  const address = await server(t, ({ url }, response) => {
    response.writeHead(url === '/v1/networks/10.0.0.0%2F8' ? 200 : 500).end();
  });
  const { code, stdout, stderr } = await load(t.testdir({}), 'smoke', '--address', address, '--duration', '1s');
  t.equal(code, 1);
  t.match(stdout, /smoke: failed requests +< 0\.1 % +100 % +NO/);
  t.match(stdout, /times status 500/);
  t.match(stderr, /\nerror: smoke: failed requests: 100 %, asked < 0\.1 %\n/);
});

t.test('503 with Retry-After is a refusal, which overload may bring; without, the request is lost', async (t) => {
  for (const [headers, holds] of [
    [{ 'retry-after': '1' }, true],
    [{}, false],
  ] as const) {
    const address = await server(t, (_, response) => {
      response.writeHead(503, headers).end();
    });
    const folder = t.testdir({ clusters: { 'slo.yaml': sloFile(99.9, 60_000, 50) } });
    const record = await runScenario({
      bin,
      scenario: 'spike',
      target: remoteTarget(folder, address),
      rate: 20,
      seconds: 2,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
    t.match(record.total, { answered: 0, failed: 0 });
    const measured = Object.fromEntries(record.thresholds.map((each) => [`${each.phase} ${each.measure}`, each.holds]));
    t.match(measured, { 'before failed': false, 'spike lost': holds, 'after failed': false });
  }
});

t.test('bad input is refused before any load', async (t) => {
  const folder = t.testdir({});
  const of = async (...args: string[]) => load(folder, ...args);
  t.match(await of('smok'), { code: 2, stderr: /unknown value "smok"; did you mean smoke\?/ });
  t.match(await of('smoke', '--address', 'example.com'), { code: 2, stderr: /must be http:\/\/ or https:\/\// });
  t.match(await of('smoke', '--duration', '5'), { code: 2, stderr: /must be a time such as 30s/ });
  t.match(await of('smoke'), { code: 1, stderr: /nothing is running on this machine\n next: run `make up`/ });
  const unreachable = await of('smoke', '--address', 'http://127.0.0.1:1');
  t.match(unreachable, { code: 1, stdout: '', stderr: /cannot be reached: connect ECONNREFUSED/ });
  t.equal(unreachable.stderr.split('\n').length, 3, 'one error, one advice');
  t.strictSame(readdirSync(folder), []);
});
