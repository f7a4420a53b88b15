import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import t, { type Test } from 'tap';

const main = resolve(import.meta.dirname, '../src/main.ts');

/** A command on a machine that was never started. */
function command(t: Test, args: readonly string[], variables: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PLATFORM_LOCAL_DIR: t.testdir({}), ...variables },
  });
  return { status, stdout, stderr };
}

t.test('a wrong command line is refused before anything is looked at', (t) => {
  for (const [args, variables, error] of [
    [['rollback'], {}, 'APP (--app) is missing\n next: for instance APP=fastify-service'],
    [['rollback', '--app', 'a;b'], {}, '--app: must be lower-case letters, digits and dashes (it is "a;b")'],
    [['rollback'], { APP: 'x', ID: 'first' }, 'ID: must be a whole number from 0 up (it is "first")'],
    [['ship'], { DIGEST: `sha256:${'a'.repeat(64)}` }, 'DIGEST needs TAG\n next: give the tag'],
    [['ship'], { TAG: 'latest' }, 'TAG: latest is not a version'],
    [['ship', '--tag', '1', '--digest', 'x'], {}, '--digest: must be sha256: and 64 lower-case hex digits'],
    [['deploy'], { MAKEFLAGS: ' -- APP=x', APP: 'x' }, 'deploy takes no APP; it publishes the whole work tree'],
    [['statsu'], {}, 'unknown command statsu; did you mean status?'],
  ] as const) {
    const { status, stdout, stderr } = command(t, args, variables);
    t.strictSame([status, stdout], [2, ''], args.join(' '));
    t.match(stderr, `error: ${error}`);
  }
  t.end();
});

t.test('a command that needs a running machine fails without one, and says what to do', (t) => {
  for (const args of [
    ['deploy'],
    ['ship'],
    ['ship', '--tag', '1'],
    ['rollback', '--app', 'x'],
    ['resume', '--app', 'x'],
    ['env'],
  ])
    t.strictSame(
      command(t, args),
      { status: 1, stdout: '', stderr: 'error: nothing is running\n next: run `make up`\n' },
      args.join(' '),
    );
  t.end();
});
