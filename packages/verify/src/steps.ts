import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Invocation } from '@gitops/report/command-line';
import { elapsed } from '@gitops/report/progress';
import { table } from '@gitops/report/table';
import { addCounts, type Counts, countsOf } from './counts.ts';
import { failuresOf } from './failures.ts';
import { pnpmFolder, root } from './pnpm.ts';
import { slowest, type TestFile, testFilesOf } from './test-files.ts';

/** A part of a test run: a program of node_modules/.bin with its arguments. */
interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

/** First and by itself, since it takes minutes on a fresh machine and shows its progress. */
export const TOOLS: Step = { name: 'tools', command: ['node', 'packages/local/src/main.ts', 'tools'] };

const turbo = (...tasks: readonly string[]): readonly string[] => [
  ...['turbo', 'run', ...tasks, '--continue'],
  // A task for each core: ten at once on two cores would miss every time limit that a test sets.
  '--concurrency=100%',
  ...['--env-mode=loose', '--output-logs=full', '--ui=stream', '--log-order=grouped'],
];

export const UNIT: Step = {
  name: 'format, types, lint and unit tests',
  command: turbo('format', 'types', 'lint', 'unit'),
};

/** Tests that start whole programs; the drills of e2e/test/ are among them, and wait more than they compute. */
export const INTEGRATION: Step = { name: 'integration tests and drills of Argo CD', command: turbo('integration') };

/** The drills of e2e/life/, on pods that run. By themselves: another task beside them would starve pods and load. */
export const LIFE: Step = { name: 'drills on pods that run', command: turbo('life') };

/** The drills of e2e/soak/, which last as long as DURATION says. */
export const SOAK: Step = { name: 'long drills', command: turbo('soak') };

const SHOWN = 12;

// Turborepo starts every task by pnpm.
const programs = [resolve(root, 'node_modules/.bin'), pnpmFolder];

/**
 * Runs steps one after the other; prints the slowest test files, what failed and the sums of the assertions at the end.
 * Fails where a step did.
 */
export async function runSteps(steps: readonly Step[], { json, print, fail }: Invocation): Promise<void> {
  const start = Date.now();
  const output = json ? process.stderr : process.stdout;
  const files: TestFile[] = [];
  const failures: string[] = [];
  let total: Counts = { passed: 0, failed: 0 };
  for (const step of steps) {
    const result = await runStep(step, output);
    total = addCounts(total, result.counts);
    files.push(...result.files);
    failures.push(...result.failures);
  }
  const milliseconds = Date.now() - start;
  if (json)
    print(
      JSON.stringify({ ...total, seconds: Math.round(milliseconds / 1000), slowest: slowest(files, SHOWN), failures }),
    );
  else {
    const rows = slowest(files, SHOWN).map(({ name, seconds }) => [name, `${seconds.toFixed(1)} s`]);
    if (rows.length > 0) print(`\n${table(['SLOWEST TEST FILES', 'TIME'], rows)}`);
    if (failures.length > 0) print(`\nFAILED\n${failures.join('\n')}`);
    print(`\nin ${elapsed(milliseconds)}`);
    print(`${total.passed} passed, ${total.failed} failed`);
  }
  if (total.failed > 0) fail();
}

/** Runs a step with its output shown as it comes, and gives what it counted and the test files that it ran. */
async function runStep(
  { name, command: [program = '', ...args] }: Step,
  output: NodeJS.WriteStream,
): Promise<{ readonly counts: Counts; readonly files: readonly TestFile[]; readonly failures: readonly string[] }> {
  output.write(`\n── ${name}\n`);
  const start = Date.now();
  const child = spawn(resolve(root, 'node_modules/.bin', program), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      PATH: [...programs, process.env.PATH].join(':'),
      TURBO_TELEMETRY_DISABLED: '1',
      // Hundreds of processes of Node.js start from what the first of them compiled.
      NODE_COMPILE_CACHE: resolve(root, '.local/compiled'),
    },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    output.write(chunk);
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  output.write(`── ${name}: ${elapsed(Date.now() - start)}\n`);
  return { counts: countsOf(text, code === 0), files: testFilesOf(text), failures: failuresOf(text) };
}
