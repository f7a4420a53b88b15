// What `make service` writes, judged by what judges all else: `make check`, with and without upstream charts, the types, and
// the service's own tests.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { cloneOf, root } from '../copy.ts';

const { folder, changes } = cloneOf(t);

function node(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { NODE_V8_COVERAGE: _, ...inherited } = process.env;
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env: { ...inherited, ...env } });
}
const service = (...args: string[]) => node([join(folder, 'packages/services/src/main.ts'), 'service', ...args]);
const check = (env: NodeJS.ProcessEnv = {}) =>
  node([join(root, 'packages/manifests/src/main.ts'), 'check', '--json'], env);

/** A cache that has everything but upstream charts. */
function withoutCharts(): NodeJS.ProcessEnv {
  const cache = mkdtempSync(join(tmpdir(), 'cache-'));
  t.teardown(() => {
    rmSync(cache, { recursive: true, force: true });
  });
  const own = join(process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? '', '.cache'), 'gitops-platform');
  mkdirSync(join(cache, 'gitops-platform'));
  for (const entry of readdirSync(own))
    if (entry !== 'charts') symlinkSync(join(own, entry), join(cache, 'gitops-platform', entry));
  return { XDG_CACHE_HOME: cache };
}

t.test('the tree of two services has no problems, and neither has the one after it', (t) => {
  const added = service('--name', 'orders', '--json');
  t.equal(added.status, 0, added.stderr);
  const { name, changes: made } = JSON.parse(added.stdout) as {
    name: string;
    changes: { file: string; why: string }[];
  };
  t.equal(name, 'orders');
  t.ok(made.length > 20 && made.every(({ why }) => why.length > 5));

  for (const env of [{}, withoutCharts()]) {
    const { status, stdout, stderr } = check(env);
    t.equal(status, 0, stdout + stderr);
    const { applications } = JSON.parse(stdout) as { applications: string[] };
    for (const cluster of ['dev', 'local', 'production', 'staging'])
      t.ok(applications.includes(`${cluster}/orders`) && applications.includes(`${cluster}/orders-namespace`), cluster);
  }

  const packages = join(folder, 'services/orders/node_modules/@gitops');
  mkdirSync(packages, { recursive: true });
  symlinkSync(join(folder, 'service'), join(packages, 'service'));
  const types = node([join(root, 'node_modules/typescript/bin/tsc'), '-p', 'services/orders']);
  t.equal(types.status, 0, types.stdout);
  const tests = node([join(folder, 'services/orders/test/orders.test.ts')]);
  t.equal(tests.status, 0, tests.stdout);

  const removed = service('--name', 'orders', '--remove');
  t.equal(removed.status, 0, removed.stderr);
  t.equal(changes(), '');
  t.equal(check(withoutCharts()).status, 0);
  t.end();
});

t.test('a bad name is refused by the command line, with an example', (t) => {
  for (const [name, message] of [
    ['Orders', /NAME|--name: must be a DNS label/],
    ['x'.repeat(60), /46 characters at most/],
  ] as const) {
    const { status, stdout, stderr } = service('--name', name);
    t.equal(status, 2, stderr);
    t.equal(stdout, '');
    t.match(stderr, message);
    t.match(stderr, / next: for instance /);
  }
  t.equal(changes(), '');
  t.equal(dirname(folder), tmpdir());
  t.end();
});
