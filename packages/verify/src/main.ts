// `make test`: types, lint and unit tests of every package, then the drills; ends with the sums.
// Usage: node packages/verify/src/main.ts [--unit]   (--unit leaves the drills out)
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { addCounts, type Counts, countsOf } from './counts.ts';

const root = resolve(import.meta.dirname, '../../..');

// Turborepo starts every task by pnpm, which bootstrap.mjs keeps below the name that package.json gives it.
const { packageManager } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
  packageManager: string;
};
const programs = [resolve(root, 'node_modules/.bin'), resolve(root, '.local', packageManager, 'node_modules/.bin')];

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly folder?: string;
}

const drills = !process.argv.includes('--unit');

const steps: readonly Step[] = [
  // First and by itself, since it takes minutes on a fresh machine and shows how far it is.
  { name: 'tools', command: ['node', 'packages/local/src/main.ts', 'tools'] },
  // A task for each core: ten at once on two of them would be late for every promise of a time that a test looks at.
  {
    name: 'types, lint and unit tests',
    command: [
      'turbo',
      'run',
      'types',
      'lint',
      'test',
      '--continue',
      '--concurrency=100%',
      '--env-mode=loose',
      '--output-logs=full',
      '--ui=stream',
      '--log-order=grouped',
    ],
  },
  ...(drills ? [{ name: 'drills', command: ['tap'], folder: 'e2e' }] : []),
];

/** Runs a step with its output shown as it comes, and gives what it counted. */
async function runStep({ name, command: [program = '', ...args], folder = '.' }: Step): Promise<Counts> {
  process.stdout.write(`\n── ${name}\n`);
  const child = spawn(resolve(root, 'node_modules/.bin', program), args, {
    cwd: resolve(root, folder),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: [...programs, process.env.PATH].join(':'), TURBO_TELEMETRY_DISABLED: '1' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return countsOf(output, code === 0);
}

const start = Date.now();
let total: Counts = { passed: 0, failed: 0 };
for (const step of steps) total = addCounts(total, await runStep(step));
const seconds = Math.round((Date.now() - start) / 1000);
process.stdout.write(
  `\nin ${Math.floor(seconds / 60)} min ${seconds % 60} s\n${total.passed} passed, ${total.failed} failed\n`,
);
process.exitCode = total.failed === 0 ? 0 : 1;
