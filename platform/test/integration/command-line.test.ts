import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { command, KEYS, repository, unhooked } from '../command-in-tests.ts';

t.test('a plan without a cluster, or for an unknown one, lists the known ones', (t) => {
  for (const [name, expected] of [
    [
      'plan',
      /^error: CLUSTER \(--cluster\) or STACK \(--stack\) is missing\n next: name one: CLUSTER=dev, CLUSTER=pro/,
    ],
    [
      'plan --stack dev',
      /^error: unknown stack dev\n next: name one: .*, STACK=bootstrap-111111111111, .*STACK=registry/,
    ],
    ['plan --stack registry --cluster dev', /^error: unknown stack registry of cluster dev\n next: name one: /],
    ['plan --cluster local', /^error: --cluster: unknown .*\n next: --cluster is one of: dev, production, staging\n$/],
    ['destroy', /^error: CLUSTER \(--cluster\) is missing\n next: CLUSTER is one of: dev, production, staging\n$/],
  ] as const) {
    const { status, stderr, programs } = command(t, name);
    t.equal(status, 2, name);
    t.match(stderr, expected);
    t.same(programs.calls(), []);
  }
  t.end();
});

t.test('without credentials nothing runs, and one line says what is missing', (t) => {
  for (const name of [
    'plan --cluster dev',
    'apply --cluster dev',
    'kubeconfig --cluster dev',
    'image --tag 0.2.0',
    'destroy --cluster dev --confirm dev',
  ]) {
    const { status, stderr, programs } = command(t, name, { env: {} });
    t.equal(status, 1, name);
    t.match(stderr, /^error: no credentials for AWS: neither in the environment nor in ~\/\.aws\n next: log in/);
    t.same(programs.calls(), []);
  }
  t.match(
    command(t, 'plan --cluster dev', { env: { AWS_PROFILE: 'nobody' } }).stderr,
    /^error: AWS_PROFILE is nobody, and ~\/\.aws has no such profile/,
  );
  t.end();
});

t.test('make hands over what it was given, and a variable that a command does not take is refused', (t) => {
  const make = (...args: string[]) =>
    spawnSync(...unhooked('make', ['-C', repository, '--no-print-directory', ...args]), {
      encoding: 'utf8',
      env: { ...KEYS, PATH: process.env.PATH, HOME: t.testdir({}), TOFU: '/bin/false', AWS_PROFILE: '' },
    });
  for (const [args, error] of [
    [['plan', 'CLUSTR=dev'], 'plan takes no CLUSTR; did you mean CLUSTER?'],
    [['-j2', 'synth', 'CLUSTER=dev'], 'synth takes no CLUSTER; it writes the stacks of every cluster'],
    [['apply', 'CLUSTER=dev', 'YES=maybe'], 'YES: must be yes or no (it is "maybe")'],
    [['destroy', 'CLUSTER=dev', 'YES=dev'], 'destroy takes no YES; name the cluster once more: CONFIRM=NAME'],
    [['plan', 'CLUSTER=a b$$c', 'TOFU=/bin/false'], 'CLUSTER: unknown value "a b$c"'],
  ] as const) {
    const { status, stdout, stderr } = make(...args);
    t.strictSame([status, stdout], [2, ''], args.join(' '));
    t.match(stderr, `error: ${error}\n next: `);
    t.match(stderr, /\*\*\* \[Makefile:\d+: [a-z]+\] Error 2/);
  }
  // The variables of the Makefile itself keep working, and only what make prints runs.
  t.match(make('-n', 'plan', 'NODE=/opt/node', 'CLUSTER=dev'), { status: 0, stdout: /\/opt\/node .*main\.ts plan\n$/ });
  t.match(make('unlock', 'STACK=no', 'ID=1', `NODE=${process.execPath}`), { stderr: /^error: unknown stack no\n/m });
  t.end();
});

t.test('an unknown command or option is refused, with the one that was meant', (t) => {
  t.match(command(t, 'plans'), {
    status: 2,
    stderr: /^error: unknown command plans; did you mean plan\?\n next: commands: synth, plan/,
  });
  t.match(command(t, 'plan --clutser dev'), {
    status: 2,
    stderr: /^error: unknown option --clutser; did you mean --cluster\?\n/,
  });
  t.match(command(t, 'synth --cluster dev'), { status: 2, stderr: /^error: synth takes no --cluster; it writes the/ });
  t.match(command(t, '--help').stdout, /kubeconfig +add a cluster to your kubeconfig/);
  t.end();
});

t.test('the folder of the command line of CDKTF is respected', (t) => {
  const out = join(t.testdir({}), 'elsewhere');
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(join(dirname(out), 'x'), '');
  const { stdout } = command(t, 'synth', { env: { CDKTF_OUTDIR: out } });
  t.match(stdout, `written to ${out}/stacks`);
  t.end();
});

t.test("CDKTF's own command line starts it as make does, whatever Node.js is on the PATH", (t) => {
  const [, flags] =
    /^PLATFORM := \$\(COMPILED\) (.*) platform\/src\/main\.ts$/m.exec(
      readFileSync(join(repository, 'Makefile'), 'utf8'),
    ) ?? [];
  const { app } = JSON.parse(readFileSync(join(repository, 'platform/cdktf.json'), 'utf8')) as { app: string };
  t.equal(app, `../node_modules/.bin/node ${String(flags)} src/main.ts synth --json`);
  const out = join(t.testdir({}), 'cdktf.out');
  const { status, stderr } = spawnSync(...unhooked('/bin/sh', ['-c', app]), {
    cwd: join(repository, 'platform'),
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', CDKTF_OUTDIR: out },
  });
  t.equal(status, 0, stderr);
  t.ok(existsSync(join(out, 'manifest.json')), 'with the manifest that it looks for');
  t.end();
});
