import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Invocation } from '@gitops/report/command-line';
import { addCounts, type Counts, countsOf } from './counts.ts';

/** A part of a test run: a program of node_modules/.bin with its arguments. */
interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly folder?: string;
}

/** First and by itself, since it takes minutes on a fresh machine and shows its progress. */
export const TOOLS: Step = { name: 'tools', command: ['node', 'packages/local/src/main.ts', 'tools'] };

export const PACKAGES: Step = {
  name: 'types, lint and unit tests',
  command: [
    'turbo',
    'run',
    'types',
    'lint',
    'test',
    '--continue',
    // A task for each core: ten at once on two cores would miss every time limit that a test sets.
    '--concurrency=100%',
    '--env-mode=loose',
    '--output-logs=full',
    '--ui=stream',
    '--log-order=grouped',
  ],
};

export const DRILLS: Step = { name: 'drills', command: ['tap'], folder: 'e2e' };

const root = resolve(import.meta.dirname, '../../..');

// Turborepo starts every task by pnpm, which bootstrap.mjs keeps below the name that package.json gives it.
const { packageManager } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
  packageManager: string;
};
const programs = [resolve(root, 'node_modules/.bin'), resolve(root, '.local', packageManager, 'node_modules/.bin')];

/** Runs steps one after the other; prints the sums of their assertions at the end, and fails where one did. */
export async function runSteps(steps: readonly Step[], { json, print, fail }: Invocation): Promise<void> {
  const start = Date.now();
  const output = json ? process.stderr : process.stdout;
  let total: Counts = { passed: 0, failed: 0 };
  for (const step of steps) total = addCounts(total, await runStep(step, output));
  const seconds = Math.round((Date.now() - start) / 1000);
  if (json) print(JSON.stringify({ ...total, seconds }));
  else {
    print(`\nin ${Math.floor(seconds / 60)} min ${seconds % 60} s`);
    print(`${total.passed} passed, ${total.failed} failed`);
  }
  if (total.failed > 0) fail();
}

/** Runs a step with its output shown as it comes, and gives what it counted. */
async function runStep(
  { name, command: [program = '', ...args], folder = '.' }: Step,
  output: NodeJS.WriteStream,
): Promise<Counts> {
  output.write(`\n── ${name}\n`);
  const child = spawn(resolve(root, 'node_modules/.bin', program), args, {
    cwd: resolve(root, folder),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: [...programs, process.env.PATH].join(':'), TURBO_TELEMETRY_DISABLED: '1' },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    output.write(chunk);
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return countsOf(text, code === 0);
}
