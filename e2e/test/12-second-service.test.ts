// A second service: added to a clone by `make service`, deployed, shipped, rolled back, and removed with nothing left.
import { spawnSync } from 'node:child_process';
import { appendFileSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { isAutoSynced, isSettled } from '@gitops/local';
import { run } from '@gitops/tools/run';
import { APP, type CommandResult, mainProgram, Stack } from '../src/stack.ts';

const NAME = 'orders';
const stack = await Stack.open();
const { root } = stack.instance;

const clone = mkdtempSync(join(tmpdir(), 'second-service-'));
t.teardown(() => {
  rmSync(clone, { recursive: true, force: true });
});
await run('git', ['clone', '--quiet', stack.gitURL, clone]);
// Its packages are those of this clone.
for (const folder of globSync('{.,service,e2e,platform,packages/*}/node_modules', { cwd: root }))
  symlinkSync(join(root, folder), join(clone, folder));
appendFileSync(join(clone, '.git/info/exclude'), 'node_modules\n');

/** A command of `make` in the clone, as make runs it, on the drills' stack. */
function make(program: string, ...args: string[]): CommandResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    env: { ...process.env, PLATFORM_LOCAL_DIR: stack.instance.dir },
    cwd: clone,
    encoding: 'utf8',
  });
  return { code: status, stdout, stderr };
}
const local = (...args: string[]): CommandResult => make(mainProgram.replace(root, clone), ...args);
const service = (...args: string[]): CommandResult =>
  make(join(clone, 'packages/services/src/main.ts'), 'service', '--name', NAME, ...args);

const imageOf = async (name: string): Promise<string> =>
  stack.kubectl('-n', name, 'get', 'deployment', name, '-o', 'jsonpath={.spec.template.spec.containers[0].image}');

/** Everything of Argo CD and every namespace, by kind and name. */
const everything = async (): Promise<string> =>
  (await stack.kubectl('get', 'namespaces', '-o', 'name')) +
  (await stack.kubectl('-n', 'argocd', 'get', 'applications,applicationsets,appprojects', '-o', 'name'));

const tree = async (): Promise<string> => {
  await run('git', ['-C', clone, 'fetch', '--quiet', 'origin']);
  return (await run('git', ['-C', clone, 'rev-parse', 'origin/main^{tree}'])).trim();
};

const before = { objects: await everything(), tree: await tree(), image: await imageOf(APP) };

t.test('one command and one merge add it; what ran before is not touched', async (t) => {
  const added = service();
  t.equal(added.code, 0, added.stderr);
  // What `make install` does: its one dependency.
  const packages = join(clone, 'services', NAME, 'node_modules/@gitops');
  mkdirSync(packages, { recursive: true });
  symlinkSync(join(clone, 'service'), join(packages, 'service'));
  const { code, stdout, stderr } = local('deploy');
  t.equal(code, 0, stdout + stderr);
  for (const name of [NAME, `${NAME}-namespace`, APP]) {
    const application = await stack.application(name);
    t.ok(isSettled(application), `${name}: ${JSON.stringify(application.status?.conditions ?? [])}`);
  }
  t.match(await imageOf(NAME), new RegExp(`^registry\\.internal/${NAME}:0\\.1\\.0-.*@sha256:`), 'its own image');
  t.equal(await imageOf(APP), before.image);
});

t.test('it is shipped, rolled back and resumed by its name, and the first one stays', async (t) => {
  const first = await imageOf(NAME);
  const shipped = local('ship', '--app', NAME, '--tag', '12.0.0');
  t.equal(shipped.code, 0, shipped.stderr);
  const second = await imageOf(NAME);
  t.match(second, new RegExp(`^registry\\.internal/${NAME}:12\\.0\\.0@sha256:`));
  const back = local('rollback', '--app', NAME);
  t.equal(back.code, 0, back.stderr);
  t.equal(await imageOf(NAME), first);
  t.notOk(isAutoSynced(await stack.application(NAME)));
  t.ok(isAutoSynced(await stack.application()));
  const resumed = local('resume', '--app', NAME);
  t.equal(resumed.code, 0, resumed.stderr);
  t.equal(await imageOf(NAME), second);
  t.equal(await imageOf(APP), before.image);
});

t.test('two commands and two merges remove it, and nothing is left', async (t) => {
  /** As it is after a merge: committed, and the clone is at main. */
  async function merge(): Promise<void> {
    const { code, stdout, stderr } = local('deploy');
    t.equal(code, 0, stdout + stderr);
    await run('git', ['-C', clone, 'fetch', '--quiet', 'origin']);
    await run('git', ['-C', clone, 'reset', '--quiet', '--hard', 'origin/main']);
  }
  await run('git', ['-C', clone, 'fetch', '--quiet', 'origin']);
  await run('git', ['-C', clone, 'reset', '--quiet', '--hard', 'origin/main']);
  const unprotected = service('--remove');
  t.equal(unprotected.code, 0, unprotected.stderr);
  t.match(unprotected.stdout, 'merge this first');
  const uid = async (): Promise<string> => stack.kubectl('get', 'namespace', NAME, '-o', 'jsonpath={.metadata.uid}');
  const namespace = await uid();
  await merge();
  t.equal(await uid(), namespace);
  t.ok(isSettled(await stack.application(NAME)));

  const removed = service('--remove');
  t.equal(removed.code, 0, removed.stderr);
  await merge();
  t.equal(await everything(), before.objects);
  t.equal(await tree(), before.tree);
  t.equal(await imageOf(APP), before.image);
});
