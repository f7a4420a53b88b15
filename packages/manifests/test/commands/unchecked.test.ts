import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import { cacheFolder } from '@gitops/tools/tools';
import { copy, edit, open, root } from '../helper.ts';

// A machine without upstream charts, and without a network to fetch them by: what needs them is named, all else is
// checked.

await open(t); // what the commands below start with is built, whatever the order of the tests

const main = resolve(import.meta.dirname, '../../src/main.ts');

/** A command with a cache of its own, which has everything but charts; without Go, or anything else, on the PATH. */
function bare(t: Test): (
  folder: string,
  args: readonly string[],
  variables?: Record<string, string>,
) => {
  status: number | null;
  stdout: string;
  stderr: string;
} {
  const cache = mkdtempSync(join(tmpdir(), 'cache-'));
  t.teardown(() => {
    rmSync(cache, { recursive: true, force: true });
  });
  mkdirSync(join(cache, 'gitops-platform'));
  for (const entry of readdirSync(cacheFolder()))
    if (entry !== 'charts') symlinkSync(join(cacheFolder(), entry), join(cache, 'gitops-platform', entry));
  return (folder, args, variables = {}) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { HOME: '/nonexistent', XDG_CACHE_HOME: cache, PATH: '/nonexistent', ...variables },
      maxBuffer: 1 << 26,
    });
    return { status, stdout, stderr };
  };
}

const EVERYWHERE = '(dev, production, staging)';
const LINE =
  `unchecked: argocd ${EVERYWHERE}, aws-load-balancer-controller ${EVERYWHERE}, ` +
  `external-secrets ${EVERYWHERE}, karpenter ${EVERYWHERE}, kube-prometheus-stack ${EVERYWHERE}, metrics-server ${EVERYWHERE}, ` +
  `prometheus-operator-crds ${EVERYWHERE} ` +
  'need charts that are not on this machine; run `make charts`';

t.test('check continues, and reports in one line what stays unchecked; it needs neither Go nor a network', (t) => {
  const command = bare(t);
  t.strictSame(command(root, ['check']), {
    status: 0,
    stdout: '16 of 37 applications of 4 clusters: no problems\n',
    stderr: `${LINE}\n`,
  });
  const { unchecked, applications } = JSON.parse(command(root, ['check', '--json']).stdout) as Record<string, string[]>;
  t.equal(unchecked?.length, 21);
  t.notOk(applications?.includes('dev/argocd'));
  t.end();
});

t.test('REQUIRE_CHARTS=1 makes it an error, chart by chart', (t) => {
  const command = bare(t);
  for (const args of [['check'], ['render'], ['capacity']]) {
    const { status, stdout, stderr } = command(root, args, { REQUIRE_CHARTS: '1' });
    t.equal(status, 1);
    t.equal(stdout, '');
    t.match(
      stderr,
      /^(error: argocd\/applications\/\S+: chart .* is not on this machine\n){7} next: REQUIRE_CHARTS=1 .*`make charts` .*argocd\/charts\.lock\.yaml\n$/,
    );
  }
  t.end();
});

t.test('what can be checked without a chart is checked', (t) => {
  const folder = copy(t);
  const command = bare(t);
  edit(folder, 'argocd/applications/metrics-server.yaml', 'clusters/shared/metrics-server.yaml;', '');
  edit(folder, 'clusters/dev/fastify-service.yaml', 'replicas: 1', 'replicsa: 1');
  edit(folder, 'argocd/applications/external-secrets.yaml', 'targetRevision: 1.3.1', 'targetRevision: ">=1.3.1"');
  rmSync(join(folder, 'clusters/dev/metrics-server.yaml'));
  writeFileSync(join(folder, 'clusters/dev/metrics-serer.yaml'), 'replicas: 1\n');
  const { status, stdout, stderr } = command(folder, ['check']);
  t.equal(status, 1);
  const lines = stdout.trimEnd().split('\n');
  for (const pattern of [
    /^argocd\/applications\/external-secrets\.yaml:1: dev\/external-secrets: targetRevision must be one exact version \(it is >=1\.3\.1\) \(also production\/external-secrets, staging\/external-secrets\)$/,
    /^argocd\/applications\/metrics-server\.yaml:1: .*must name clusters\/shared\/metrics-server\.yaml, which dev\/metrics-server reads/,
    /^clusters\/dev\/fastify-service\.yaml:\d+: replicsa: unknown value/,
    /^clusters\/dev\/metrics-serer\.yaml:1: the file: no Application reads it/,
    /^clusters\/dev\/metrics-server\.yaml:1: the file: does not exist; argocd\/applications\/metrics-server\.yaml names it for dev\/metrics-server$/,
  ])
    t.ok(
      lines.some((line) => pattern.test(line)),
      String(pattern),
      { lines },
    );
  t.match(stderr, LINE);
  t.end();
});

t.test('other commands continue without it; a command for such an application reports what to do', (t) => {
  const command = bare(t);
  const render = command(root, ['render', '--cluster', 'dev']);
  t.equal(render.status, 0);
  t.match(render.stdout, /kind: Deployment/);
  t.equal(render.stderr, `${LINE.replaceAll(EVERYWHERE, '(dev)')}\n`);
  const capacity = command(root, ['capacity', '--cluster', 'production']);
  t.equal(capacity.status, 0);
  t.equal(capacity.stderr, `${LINE.replaceAll(EVERYWHERE, '(production)')} (their pods are not counted)\n`);
  for (const args of [['render'], ['explain', 'replicas'], ['flows']])
    t.match(command(root, [...args, '--cluster', 'staging', '--app', 'metrics-server']), {
      status: 1,
      stdout: '',
      stderr:
        /^error: staging\/metrics-server: chart metrics-server \S+ of \S+ is not on this machine\n next: run `make charts`\n$/,
    });
  t.end();
});

t.test('a comparison leaves them out', (t) => {
  const folder = copy(t);
  const command = bare(t);
  const git = (...args: string[]): void => {
    const { status, stderr } = spawnSync(
      'git',
      ['-C', folder, '-c', 'user.name=Test', '-c', 'user.email=test@localhost', ...args],
      { encoding: 'utf8', env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' } },
    );
    if (status !== 0) throw new Error(stderr);
  };
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-qm', 'before');
  edit(folder, 'argocd/applications/metrics-server.yaml', 'targetRevision: 3.13.1', 'targetRevision: 3.14.0');
  const { status, stdout, stderr } = command(folder, ['diff', '--base', 'main'], { PATH: process.env.PATH ?? '' });
  t.equal(status, 0, stderr);
  t.match(stdout, /root .*ApplicationSet\/metrics-server .*3\.13\.1 +3\.14\.0/);
  t.equal(stderr, `${LINE}\n`);
  t.end();
});
