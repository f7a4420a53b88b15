import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';

const root = resolve(import.meta.dirname, '../../..');

t.test('a Node.js that is too old is refused, with its version', (t) => {
  const preload = join(
    t.testdir({
      'old.cjs': [
        "Object.defineProperty(process.versions, 'node', { value: '18.20.0' });",
        "Object.defineProperty(process, 'version', { value: 'v18.20.0' });",
      ].join('\n'),
    }),
    'old.cjs',
  );
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--require', preload, join(root, 'packages/local/bootstrap.mjs')],
    { encoding: 'utf8' },
  );
  t.equal(status, 1);
  t.equal(
    stderr,
    [
      'error: Node.js 20 or newer is needed; this is v18.20.0',
      ' next: install it from https://nodejs.org and run make again',
      '',
    ].join('\n'),
  );
  const make = spawnSync('/usr/bin/make', ['-C', root, 'status'], { encoding: 'utf8', env: { PATH: t.testdir({}) } });
  t.equal(make.status, 2);
  t.match(make.stderr, "error: Node.js 20 or newer is needed and no 'node' is on the PATH");
  t.end();
});

interface Bootstrap {
  readonly folder: string;
  readonly run: () => { status: number | null; stdout: string; stderr: string };
}

/** A workspace whose pnpm is a shell script. */
function workspace(t: Test, pnpm: string): Bootstrap {
  const folder = t.testdir({
    'package.json': JSON.stringify({ packageManager: 'pnpm@1.2.3', devDependencies: { node: '26.0.1' } }),
    'pnpm-lock.yaml': '',
    'pnpm-workspace.yaml': '',
    node_modules: {},
    packages: { local: {} },
    '.local': { 'pnpm@1.2.3': { verified: '', node_modules: { '.bin': { pnpm: `#!/bin/sh\n${pnpm}\n` } } } },
  });
  chmodSync(join(folder, '.local/pnpm@1.2.3/node_modules/.bin/pnpm'), 0o755);
  const program = join(folder, 'packages/local/bootstrap.mjs');
  cpSync(join(root, 'packages/local/bootstrap.mjs'), program);
  return { folder, run: () => spawnSync(process.execPath, [program], { encoding: 'utf8' }) };
}

const withoutTimes = (text: string): string => text.replaceAll(/ *\d+\.\d s {2}/g, '<time> ');

t.test('an install shows what it does and real warnings, and nothing else; a second one nothing', (t) => {
  const { folder, run } = workspace(
    t,
    'echo "$@" > args; echo "Progress: resolved 1"; echo "[WARN] will retry"; echo "node preinstall: Done" >&2',
  );
  const { status, stdout, stderr } = run();
  t.equal(status, 0, stderr);
  t.equal(stdout, '');
  t.equal(
    withoutTimes(stderr),
    [
      '    … npm packages of the workspace, about half a minute the first time',
      '[WARN] will retry',
      '<time> npm packages of the workspace',
      '',
    ].join('\n'),
  );
  t.match(
    readFileSync(join(folder, 'args'), 'utf8'),
    / --config\.node-version=26\.0\.1 /,
    'not the Node of the machine',
  );
  t.match(run(), { status: 0, stdout: '', stderr: '' });
  writeFileSync(join(folder, 'pnpm-lock.yaml'), 'changed\n');
  t.match(run().stderr, 'npm packages of the workspace', 'another lockfile is installed');
  t.end();
});

t.test('an install that fails shows all output, and is tried again', (t) => {
  const { folder, run } = workspace(t, 'echo "node preinstall: no space left"; echo "ENOSPC" >&2; exit 3');
  const { status, stderr } = run();
  t.equal(status, 1);
  t.match(stderr, 'node preinstall: no space left');
  t.match(stderr, 'ENOSPC');
  t.match(stderr, /\nerror: pnpm cannot install the workspace\n next: check the network and run make again/);
  t.notOk(existsSync(join(folder, 'node_modules/.installed')));
  t.equal(run().status, 1);
  t.end();
});
