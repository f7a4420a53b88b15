import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Progress } from '@gitops/report/progress';
import { cacheFolder, ensureTools } from '@gitops/tools/tools';
import { REPOSITORY } from './github.ts';
import { PINS } from './pins.ts';
import { root } from './repository.ts';
import type { Answers } from './stand-ins/make.ts';

const silent: Progress = {
  start: () => undefined,
  detail: () => undefined,
  note: () => undefined,
  done: () => undefined,
};
const standIns = resolve(import.meta.dirname, 'stand-ins');
const node = resolve(root, 'node_modules/.bin');

/** A call that a job made of `make` or of an action of others. */
export interface Call {
  readonly workflow: string;
  readonly job: string;
  /** The target of make. */
  readonly make?: string;
  readonly args?: readonly string[];
  /** The name of the action. */
  readonly action?: string;
  readonly inputs?: Readonly<Record<string, string>>;
  /** What make hands over to a command, and the keys of AWS. */
  readonly variables?: Readonly<Record<string, string>>;
  /** How many commits a checkout brought. */
  readonly commits?: number;
  /** The names of all environment variables that a target of make saw. */
  readonly names?: readonly string[];
  /** When it ended, in milliseconds since 1970. */
  readonly endedAt: number;
}

/** A workflow to run, and why. */
export interface Order {
  /** .github/workflows/ci.yml */
  readonly workflow: string;
  readonly event: string;
  readonly payload: object;
  /** refs/heads/main */
  readonly ref: string;
  readonly commit: string;
}

export interface Result {
  readonly code: number | null;
  readonly output: string;
  readonly calls: readonly Call[];
}

export interface Runner {
  /** Runs the jobs of a workflow, as one runner of GitHub after the other would. */
  run(order: Order): Promise<Result>;
  /** What the stand-ins of make's targets do from now on. */
  readonly answer: (answers: Answers['standIns']) => void;
}

export interface RunnerOptions {
  /** The clone that has the workflows. */
  readonly clone: string;
  /** A folder for everything that is written. */
  readonly folder: string;
  /** The stand-in of GitHub and AWS. */
  readonly url: string;
  /** The targets of make that really run. */
  readonly real: readonly string[];
  /** The variables of the repository and its environments. */
  readonly variables: Readonly<Record<string, string>>;
  /** More for the environment of every step. */
  readonly env: Readonly<Record<string, string>>;
}

/** act, with `make`, `aws` and the actions of others replaced by stand-ins. */
export async function openRunner(options: RunnerOptions): Promise<Runner> {
  const { clone, folder, real } = options;
  const { bin } = await ensureTools(silent, { verify: false, builds: ['ci'] });
  writeActions(join(folder, 'actions'));
  mkdirSync(join(folder, 'bin'));
  for (const program of ['make', 'aws']) {
    const script = `#!/bin/sh\nexec '${node}/node' '${standIns}/${program}.ts' "$@"\n`;
    writeFileSync(join(folder, 'bin', program), script, { mode: 0o755 });
  }
  const make = spawnSync('sh', ['-c', 'command -v make'], { encoding: 'utf8' }).stdout.trim();
  const answer = (answers: Answers['standIns']): void => {
    const all: Answers = { real, standIns: answers, make, root };
    writeFileSync(join(folder, 'answers.json'), JSON.stringify(all));
  };
  answer({});
  return {
    answer,
    run: async (order) => {
      const place = mkdtempSync(join(folder, 'run-'));
      mkdirSync(join(place, 'home'));
      writeFileSync(join(place, 'calls'), '');
      writeFileSync(join(place, 'event.json'), JSON.stringify(order.payload));
      const environment = {
        PATH: [join(folder, 'bin'), node, process.env.PATH].join(':'),
        HOME: join(place, 'home'),
        XDG_CACHE_HOME: dirname(cacheFolder()),
      };
      // By `env -i`, since a step sees what act inherits, and since tap adds variables to whatever a test starts.
      const clean = ['-i', ...assignments(environment), join(bin, 'act')];
      const child = spawn('env', [...clean, ...argumentsOf(order, place, options)], {
        cwd: clone,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      const lines = readFileSync(join(place, 'calls'), 'utf8').split('\n');
      return {
        code: child.exitCode,
        output: `${stdout}${stderr}`.replaceAll(/^.*LocalRepositoryCache.*\n/gm, ''),
        calls: lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Call),
      };
    },
  };
}

const assignments = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).map(([name, value]) => `${name}=${value}`);

function argumentsOf(order: Order, place: string, { folder, url, variables, env: more }: RunnerOptions): string[] {
  const env = {
    ...more,
    ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/oidc`,
    GITHUB_ACTOR: 'developer',
    GITHUB_API_URL: `${url}/api`,
    GITHUB_REF: order.ref,
    GITHUB_REPOSITORY: REPOSITORY,
    GITHUB_SERVER_URL: url,
    GITHUB_SHA: order.commit,
    pnpm_config_registry: `${url}/npm/`,
    STAND_IN_ANSWERS: join(folder, 'answers.json'),
    STAND_IN_AWS: url,
    STAND_IN_LOG: join(place, 'calls'),
  };
  const actions = Object.entries(PINS).map(
    ([name, { commit }]) => `${name}@${commit}=${join(folder, 'actions', name)}`,
  );
  return [
    ...[order.event, '--workflows', order.workflow, '--eventpath', join(place, 'event.json')],
    ...['--platform', 'ubuntu-24.04=-self-hosted', '--no-cache-server', '--no-skip-checkout'],
    ...['--action-cache-path', join(place, 'act'), '--secret', 'GITHUB_TOKEN=token-of-the-run'],
    ...assignments(env).flatMap((each) => ['--env', each]),
    ...assignments(variables).flatMap((each) => ['--var', each]),
    ...actions.flatMap((each) => ['--local-repository', each]),
  ];
}

/** A folder for each pinned action of others, which calls its stand-in. */
function writeActions(folder: string): void {
  for (const name of Object.keys(PINS)) {
    const place = join(folder, name);
    mkdirSync(place, { recursive: true });
    const action = `name: Stand-in for ${name}\nruns:\n  using: node24\n  main: main.mjs\n`;
    writeFileSync(join(place, 'action.yml'), action);
    const main = `process.argv[2] = '${name}';\nawait import('${standIns}/action.ts');\n`;
    writeFileSync(join(place, 'main.mjs'), main);
  }
}
