import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import t, { type Test } from 'tap';

const source = resolve(import.meta.dirname, '../src');

/** Starts a program with one command, `wait`, as make does. */
function start(t: Test, body: string): ChildProcessByStdio<null, Readable, Readable> {
  const folder = t.testdir({
    'main.ts': `
      import { command, runProgram } from '${source}/command-line.ts';
      const wait = command({ summary: 'wait', options: {}, run: async ({ print }) => { ${body} } });
      await runProgram({
        file: 'main.ts',
        summary: 'Waits.',
        commands: { wait: async () => ({ default: wait }) },
        afterInterrupt: 'run it again',
      });
    `,
  });
  return spawn(process.execPath, [join(folder, 'main.ts'), 'wait'], {
    env: { PATH: process.env.PATH, MAKEFLAGS: 'k' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end; when it has written its first line, does something to it. */
async function result(
  child: ReturnType<typeof start>,
  onFirstLine: (child: ReturnType<typeof start>) => unknown = () => undefined,
): Promise<Result> {
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (stdout === '') onFirstLine(child);
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

t.test('a signal ends a command with the exit code that a shell gives it', async (t) => {
  const forever = "print('begun'); await new Promise((done) => setTimeout(done, 60_000));";
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    t.strictSame(await result(start(t, forever), (child) => child.kill(signal)), {
      code,
      stdout: 'begun\n',
      stderr: '\ninterrupted; run it again\n',
    });
});

t.test('a command that waits for a program after a signal ends in its own time', async (t) => {
  const waiting = (then: string): string => `
    const signalled = new Promise((done) => process.once('SIGINT', done));
    const alive = setTimeout(() => undefined, 60_000);
    print('begun');
    await signalled;
    clearTimeout(alive);
    print('written');
    ${then}`;
  const interrupt = async (then: string): Promise<Result> =>
    result(start(t, waiting(then)), (child) => child.kill('SIGINT'));
  t.match(await interrupt("throw new Error('apply failed');"), {
    code: 130,
    stdout: 'begun\nwritten\n',
    stderr: /^error: apply failed\n/,
  });
  t.match(await interrupt(''), { code: 0, stdout: 'begun\nwritten\n', stderr: '' });
});

t.test('what was given to make is not handed to programs that the command starts', async (t) => {
  t.strictSame(await result(start(t, "print(String('MAKEFLAGS' in process.env));")), {
    code: 0,
    stdout: 'false\n',
    stderr: '',
  });
});

t.test('the reader of the output may stop early', async (t) => {
  const lines =
    "for (let line = 0; line < 10_000; line += 1) { print('x'.repeat(99)); await new Promise(setImmediate); }";
  const { code, stderr } = await result(start(t, lines), (child) => child.stdout.destroy());
  t.strictSame({ code, stderr }, { code: 0, stderr: '' });
});
