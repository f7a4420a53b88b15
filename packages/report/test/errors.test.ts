import t, { type Test } from 'tap';
import { CommandError, EXIT, reportFailure, UsageError } from '../src/errors.ts';

/** What a failure leaves behind: the text on standard error and the exit code. */
function failing(t: Test, error: unknown): { text: string; code: number } {
  const written = t.capture(process.stderr, 'write', () => true);
  const code = reportFailure(error, 'look at the logs');
  written.restore();
  const chunks = written().map(({ args: [chunk] }) => String(chunk));
  return { text: chunks.join(''), code };
}

t.test('every problem has its line, and the last line says what to do', (t) => {
  t.strictSame(failing(t, new CommandError(['a is wrong', 'b is wrong'], 'mend both')), {
    text: 'error: a is wrong\nerror: b is wrong\n next: mend both\n',
    code: EXIT.failure,
  });
  t.end();
});

t.test("a failure without advice gets the program's own", (t) => {
  const expected = { text: 'error: broken\n next: look at the logs\n', code: EXIT.failure };
  t.strictSame(failing(t, new Error('broken')), expected);
  t.strictSame(failing(t, 'broken'), expected);
  t.end();
});

t.test('a wrong command line and an interrupted prompt have exit codes of their own', (t) => {
  t.strictSame(failing(t, new UsageError('no such option', 'read the help')), {
    text: 'error: no such option\n next: read the help\n',
    code: EXIT.usage,
  });
  const interrupted = new Error('Aborted with Ctrl+C');
  interrupted.name = 'AbortError';
  t.strictSame(failing(t, interrupted), { text: '\ninterrupted\n', code: EXIT.SIGINT });
  t.end();
});
