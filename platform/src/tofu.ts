import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import type { SynthesizedStack } from './app.ts';

/** Runs OpenTofu in the folder of a stack. */
export interface Tofu {
  /**
   * Runs it in the terminal, where it prints and asks. Throws CommandError where it fails, and KilledError where it was
   * killed.
   */
  run(stack: SynthesizedStack, args: readonly string[]): Promise<void>;
  /** Runs it and returns its standard output. Throws as `run` does. */
  capture(stack: SynthesizedStack, args: readonly string[]): Promise<string>;
  /** Runs it and returns its standard output, whether it succeeds or not. */
  tryCapture(stack: SynthesizedStack, args: readonly string[]): Promise<Result>;
}

/** How OpenTofu ended. */
export interface Result {
  /** null where it was killed. */
  readonly code: number | null;
  readonly output: string;
  /** Whether AWS said that the credentials have expired. */
  readonly isExpired?: boolean;
}

function failure(
  command: string,
  stack: SynthesizedStack,
  verb: string | undefined,
  { isExpired }: Result,
): CommandError {
  return isExpired === true
    ? new CommandError(
        `${command} failed: the credentials for AWS have expired`,
        'log in again, and run the same command: it goes on where this one stopped; if the lock of the state is ' +
          `still there, \`make unlock STACK=${stack.name}\` first`,
      )
    : new CommandError(`${command} failed`, advice(stack, verb));
}

// ExpiredToken of S3 and most services, ExpiredTokenException of others, RequestExpired of EC2 (their API references,
// "Common errors"); the last is what the SDK says of a session that it cannot renew.
const EXPIRED =
  /\b(ExpiredToken(Exception)?|RequestExpired|InvalidGrantException)\b|token included in the request is expired/;

/** OpenTofu was killed, and had no time to write down what it had done. */
export class KilledError extends CommandError {}

/**
 * OpenTofu, built where the user's cache folder lacks it; TOFU names another program of its kind, such as Terraform.
 * @param platform the folder platform/, in which the downloaded providers of each stack are kept from one synth to the
 *   next
 */
export async function openTofu(platform: string): Promise<Tofu> {
  const program = process.env.TOFU ?? (await builtTofu());
  const succeed = async (stack: SynthesizedStack, args: readonly string[], output: Output): Promise<string> => {
    const result = await start(program, platform, stack, args, output);
    const command = `${stack.name}: ${args[0] ?? ''}`;
    if (result.code === null) throw new KilledError(`${command} was killed`, 'run the command again');
    if (result.code !== 0) throw failure(command, stack, args[0], result);
    return result.output;
  };
  return {
    run: async (stack, args) => {
      await succeed(stack, args, 'inherit');
    },
    capture: async (stack, args) => succeed(stack, args, 'pipe'),
    tryCapture: async (stack, args) => start(program, platform, stack, args, 'pipe'),
  };
}

async function builtTofu(): Promise<string> {
  const progress = { ...progressTo(), note: () => undefined };
  const { bin } = await ensureTools(progress, { verify: false, builds: ['opentofu'] });
  return join(bin, 'tofu');
}

/** Where standard output goes: to the terminal, or into the result. */
type Output = 'inherit' | 'pipe';

/** Runs OpenTofu to its end. Throws CommandError where it cannot be started. */
async function start(
  program: string,
  platform: string,
  stack: SynthesizedStack,
  args: readonly string[],
  stdout: Output,
): Promise<Result> {
  const data = dataFolder(platform, stack.name);
  mkdirSync(data, { recursive: true });
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: stack.folder,
      // Errors are shown as they come, and read: nothing else says whether the credentials have expired.
      stdio: ['inherit', stdout, 'pipe'],
      env: { ...process.env, TF_DATA_DIR: data, TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' },
    });
    // A terminal interrupts both; OpenTofu then ends in its own time, and writes down what it has done.
    const wait = (): void => undefined;
    const end = (): void => void child.kill('SIGTERM');
    process.on('SIGINT', wait).on('SIGTERM', end);
    const done = (): void => void process.off('SIGINT', wait).off('SIGTERM', end);
    let output = '';
    let isExpired = false;
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      process.stderr.write(chunk);
      isExpired ||= EXPIRED.test(chunk);
    });
    child.on('error', ({ message }) => {
      done();
      const next = 'install it, or unset TOFU to have OpenTofu built here';
      reject(new CommandError(`${program} does not start: ${message}`, next));
    });
    child.on('close', (code) => {
      done();
      resolve({ code, output, isExpired });
    });
  });
}

/**
 * The object that OpenTofu printed as JSON; undefined where it printed none. Before it may stand warnings, of a file that
 * TF_CLI_CONFIG_FILE names and that does not exist, for instance.
 */
export function jsonIn(printed: string): unknown {
  const start = /^\{/m.exec(printed)?.index;
  return start === undefined ? undefined : JSON.parse(printed.slice(start));
}

/** Where OpenTofu keeps what belongs to a stack and not to its state. */
export const dataFolder = (platform: string, stack: string): string => join(platform, '.terraform', stack);

function advice({ after }: SynthesizedStack, verb: string | undefined): string {
  const read =
    verb === 'apply'
      ? 'read the messages above; if something exists already, or another operation is in progress, since an apply was ' +
        'killed on another machine, add RECOVER=yes'
      : 'read the messages above';
  if (after.length === 0) return read;
  return `${read}; a first plan needs the stack before it: \`make apply STACK=${after.join(' ')}\``;
}

/**
 * A plan changes nothing, so it takes no lock: it never waits, and CI's role for pull requests could not write
 * one.
 */
export const PLAN = ['plan', '-input=false', '-lock=false'] as const;

/** The state of a stack on this machine. */
export const localState = (platform: string, stack: string): string => join(platform, 'state', `${stack}.tfstate`);

/** The checksums of the providers of all stacks: committed, so that only reviewed ones run. */
export const LOCK_FILE = '.terraform.lock.hcl';

/**
 * Prepares a stack's folder: providers, as the committed checksums have them, and where its state is. Throws
 * CommandError for a provider with another checksum, and where the state would be read from the bucket while it is
 * still on this machine: an empty state would create everything a second time.
 */
export async function initialize(
  tofu: Tofu,
  platform: string,
  stack: SynthesizedStack,
  state: 'local' | 's3',
): Promise<void> {
  if (state === 's3' && existsSync(localState(platform, stack.name)))
    throw new CommandError(
      `the settings keep state in S3, but the state of ${stack.name} is still in platform/state`,
      'run `make migrate-state`',
    );
  const ours = join(platform, LOCK_FILE);
  const theirs = join(stack.folder, LOCK_FILE);
  if (existsSync(ours)) copyFileSync(ours, theirs);
  // Where the state was before does not matter: the settings and the check above decide.
  const done = await tofu.tryCapture(stack, ['init', '-input=false', '-reconfigure']);
  if (done.isExpired === true) throw failure(`${stack.name}: init`, stack, 'init', done);
  if (done.code !== 0)
    throw new CommandError(
      `${stack.name}: init failed`,
      'read the messages above; if a provider was changed on purpose, delete its entry from ' +
        `platform/${LOCK_FILE}, run the command again, and commit the new entry`,
    );
  if (existsSync(theirs) && addProviders(ours, theirs))
    progressTo().note(`platform/${LOCK_FILE} has checksums of further providers: commit it`);
}

/** Adds the providers that one lock file has and another lacks; OpenTofu drops those that a stack does not use. */
function addProviders(to: string, from: string): boolean {
  const before = providerBlocks(to);
  const all = new Map([...providerBlocks(from), ...before]);
  if (all.size === before.size) return false;
  const blocks = [...all].sort(([a], [b]) => a.localeCompare(b)).map(([, block]) => block);
  writeFileSync(to, `# Written by \`make plan\` and \`make apply\`, and checked by them.\n\n${blocks.join('\n\n')}\n`);
  return true;
}

/** The blocks of a lock file, by provider. */
function providerBlocks(file: string): ReadonlyMap<string, string> {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const blocks = text.matchAll(/^provider "([^"]+)" \{\n[^]*?^\}$/gm);
  return new Map(Array.from(blocks, ([block, name = '']) => [name, block]));
}
