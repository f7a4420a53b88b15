import { parseArgs } from 'node:util';
import t, { type Test } from 'tap';
import { CommandError, runCommand } from '../src/errors.ts';

/** What a command that fails so leaves behind for its user. */
async function failing(t: Test, main: () => void): Promise<{ said: string; status: unknown }> {
  const written = t.capture(process.stderr, 'write', () => true);
  try {
    await runCommand(() => Promise.resolve().then(main), 'look at the logs');
    return {
      said: written()
        .map(({ args: [chunk] }) => String(chunk))
        .join(''),
      status: process.exitCode,
    };
  } finally {
    written.restore();
    process.exitCode = 0;
    process.stdout.removeAllListeners('error');
  }
}

t.test('every problem has its line, and the last line says what to do', async (t) => {
  const { said, status } = await failing(t, () => {
    throw new CommandError(['a is wrong', 'b is wrong'], 'mend both');
  });
  t.equal(said, 'error: a is wrong\nerror: b is wrong\n next: mend both\n');
  t.equal(status, 1);
});

t.test("a failure without advice gets the command's own, a mistyped option the help", async (t) => {
  t.equal(
    (
      await failing(t, () => {
        throw new Error('broken');
      })
    ).said,
    'error: broken\n next: look at the logs\n',
  );
  t.match(
    (
      await failing(t, () => {
        parseArgs({ args: ['--no-such'], options: {} });
      })
    ).said,
    /^error: Unknown option '--no-such'.*\n next: --help lists commands and options\n$/s,
  );
});

t.test('a command that works says nothing and leaves the exit code alone', async (t) => {
  const { said, status } = await failing(t, () => undefined);
  t.equal(said, '');
  t.not(status, 1);
});
