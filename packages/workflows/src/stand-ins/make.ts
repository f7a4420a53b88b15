// The `make` of a workflow in the tests: node make.ts ARGUMENTS. It writes down each call. The targets that the test lets
// run are those of the real make; what takes minutes, or needs AWS, is answered as the test says, and with success by
// default. A command gets a token that says which job it belongs to, so that ../github.ts can check the job's permissions.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** What a target does instead of its command. */
export interface StandIn {
  readonly code?: number;
  readonly prints?: string;
  /** For the next steps of the job. */
  readonly outputs?: Readonly<Record<string, string>>;
  /** Files, by their paths from the root. */
  readonly writes?: Readonly<Record<string, string>>;
}

/** What a test says of the targets; in the file STAND_IN_ANSWERS. */
export interface Answers {
  /** The targets that really run. */
  readonly real: readonly string[];
  /** What the others do, by target; succeed where it is not said. */
  readonly standIns: Readonly<Record<string, StandIn>>;
  /** The real make. */
  readonly make: string;
  /** The repository under test, whose packages and pnpm are already installed. */
  readonly root: string;
}

const { env } = process;
const args = process.argv.slice(2);
const [target = ''] = args;
const { GITHUB_WORKFLOW: workflow = '', GITHUB_JOB: job = '' } = env;
const answers = JSON.parse(readFileSync(env.STAND_IN_ANSWERS ?? '', 'utf8')) as Answers;

const makefile = readFileSync('Makefile', 'utf8');
const exported = (/^export ([A-Z_ ]+)$/m.exec(makefile)?.[1] ?? '').split(' ');
const isHandedOver = (name: string): boolean =>
  [...exported, 'REQUIRE_CHARTS', 'GITHUB_TOKEN'].includes(name) || name.startsWith('AWS_');
const variables = Object.fromEntries(Object.entries(env).filter(([name, value]) => isHandedOver(name) && value !== ''));
const isReal = answers.real.includes(target);

/**
 * Takes the packages of the repository under test where the checkout has the same lock file, since a job would need ten
 * seconds to link them: its `make install` then finds everything in place.
 */
function takePackages(): void {
  const { root } = answers;
  const isSame = (file: string): boolean => readFileSync(file, 'utf8') === readFileSync(join(root, file), 'utf8');
  if (existsSync('node_modules') || !['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'].every(isSame)) return;
  symlinkSync(join(root, 'node_modules'), 'node_modules');
  // .gitignore has a folder of that name, and this is a link: the checkout would have uncommitted changes.
  appendFileSync('.git/info/exclude', 'node_modules\n');
  const packages = readdirSync('packages').map((name) => join('packages', name));
  for (const folder of [...packages, 'service', 'platform', 'e2e']) {
    const modules = join(folder, 'node_modules');
    // Its links are relative: those to packages of the workspace lead to the packages of the checkout.
    if (existsSync(join(root, modules)))
      cpSync(join(root, modules), modules, { recursive: true, verbatimSymlinks: true });
  }
  const { packageManager } = JSON.parse(readFileSync('package.json', 'utf8')) as { packageManager: string };
  mkdirSync('.local', { recursive: true });
  symlinkSync(join(root, '.local', packageManager), join('.local', packageManager));
}

function runReal(): number {
  takePackages();
  const token = env.GITHUB_TOKEN === undefined ? {} : { GITHUB_TOKEN: `${workflow}/${job}` };
  return spawnSync(answers.make, args, { stdio: 'inherit', env: { ...env, ...token } }).status ?? 1;
}

function standIn(): number {
  const { code = 0, prints = '', outputs = {}, writes = {} } = answers.standIns[target] ?? {};
  console.log(`make ${args.join(' ')}: not run, a stand-in answers${prints === '' ? '' : `: ${prints}`}`);
  for (const [name, value] of Object.entries(outputs)) appendFileSync(env.GITHUB_OUTPUT ?? '', `${name}=${value}\n`);
  for (const [file, content] of Object.entries(writes)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return code;
}

const code = isReal ? runReal() : standIn();
appendFileSync(
  env.STAND_IN_LOG ?? '',
  `${JSON.stringify({ workflow, job, make: target, args: args.slice(1), variables, names: Object.keys(env), isReal, code, endedAt: Date.now() })}\n`,
);
process.exitCode = code;
