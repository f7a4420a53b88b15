import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@gitops/report/errors';
import { progressTo } from '@gitops/report/progress';
import { ensureTools } from '@gitops/tools/tools';
import type { SynthesizedStack } from './app.ts';

/** Runs OpenTofu in the folder of a stack. */
export interface Tofu {
  /** Shows what it says and lets it ask. Throws CommandError where it fails, and KilledError where it was killed. */
  show(stack: SynthesizedStack, args: readonly string[]): Promise<void>;
  /** Gives what it prints. Throws CommandError where it fails. */
  read(stack: SynthesizedStack, args: readonly string[]): Promise<string>;
  /** Gives what it prints, and whether it succeeded. */
  attempt(stack: SynthesizedStack, args: readonly string[]): Promise<Attempt>;
}

export interface Attempt {
  /** null where it was killed. */
  readonly code: number | null;
  readonly output: string;
}

/** OpenTofu had no time to write down what it had done. */
export class KilledError extends CommandError {}

/**
 * OpenTofu, built where the user's cache folder lacks it; TOFU names another program of its kind, Terraform for
 * instance.
 * @param platform the folder platform/, in which the downloaded providers of each stack are kept from one synth to the
 *   next
 */
export async function openTofu(platform: string): Promise<Tofu> {
  const program =
    process.env.TOFU ??
    join(
      (await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false, builds: ['opentofu'] })).bin,
      'tofu',
    );
  const run = async (stack: SynthesizedStack, args: readonly string[], stdout: 'inherit' | 'pipe'): Promise<Attempt> =>
    new Promise((resolve, reject) => {
      const data = dataFolder(platform, stack.name);
      mkdirSync(data, { recursive: true });
      const child = spawn(program, args, {
        cwd: stack.folder,
        stdio: ['inherit', stdout, 'inherit'],
        env: { ...process.env, TF_DATA_DIR: data, TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' },
      });
      // A terminal interrupts both; OpenTofu then ends in its own time, and writes down what it has done.
      const wait = (): void => undefined;
      const end = (): void => void child.kill('SIGTERM');
      process.on('SIGINT', wait).on('SIGTERM', end);
      const done = (): void => void process.off('SIGINT', wait).off('SIGTERM', end);
      let output = '';
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
      child.on('error', (error) => {
        done();
        reject(
          new CommandError(
            `${program} does not start: ${error.message}`,
            'install it, or leave TOFU unset to have OpenTofu built here',
          ),
        );
      });
      child.on('close', (code) => {
        done();
        resolve({ code, output });
      });
    });
  const succeed = async (
    stack: SynthesizedStack,
    args: readonly string[],
    stdout: 'inherit' | 'pipe',
  ): Promise<string> => {
    const { code, output } = await run(stack, args, stdout);
    if (code === null) throw new KilledError(`${stack.name}: ${args[0] ?? ''} was killed`, 'run the command again');
    if (code !== 0) throw new CommandError(`${stack.name}: ${args[0] ?? ''} failed`, advice(stack));
    return output;
  };
  return {
    show: async (stack, args) => {
      await succeed(stack, args, 'inherit');
    },
    read: async (stack, args) => succeed(stack, args, 'pipe'),
    attempt: async (stack, args) => run(stack, args, 'pipe'),
  };
}

/** Where OpenTofu keeps what belongs to a stack and not to its state. */
export const dataFolder = (platform: string, stack: string): string => join(platform, '.terraform', stack);

const advice = ({ after }: SynthesizedStack): string =>
  `read what it says above${after.length === 0 ? '' : `; a first plan needs what comes before: \`make apply STACK=${after.join(' ')}\``}`;

/**
 * A plan changes nothing, so it takes no lock: it waits for nobody, and CI's role for pull requests could not write
 * one.
 */
export const PLAN = ['plan', '-input=false', '-lock=false'] as const;

/** The state of a stack on this machine. */
export const localState = (platform: string, stack: string): string => join(platform, 'state', `${stack}.tfstate`);

/**
 * The checksums of the providers that every stack uses: committed, so that nobody runs another one than was looked at.
 */
export const LOCK_FILE = '.terraform.lock.hcl';

/**
 * Makes a stack's folder ready: providers, as the committed checksums have them, and the place of its state. Throws
 * CommandError for a provider with another checksum, and where the state would be read from the bucket while it still
 * lies here: an empty state would make everything a second time.
 */
export async function initialize(
  tofu: Tofu,
  platform: string,
  stack: SynthesizedStack,
  state: 'local' | 's3',
): Promise<void> {
  if (state === 's3' && existsSync(localState(platform, stack.name))) {
    throw new CommandError(
      `the settings keep state in S3, and that of ${stack.name} lies in platform/state`,
      'run `make migrate-state`',
    );
  }
  const [ours, theirs] = [join(platform, LOCK_FILE), join(stack.folder, LOCK_FILE)];
  if (existsSync(ours)) copyFileSync(ours, theirs);
  // Where it was before does not matter: the settings and the check above decide.
  const { code } = await tofu.attempt(stack, ['init', '-input=false', '-reconfigure']);
  if (code !== 0)
    throw new CommandError(
      `${stack.name}: init failed`,
      `read what it says above; is a provider another on purpose, take it out of platform/${LOCK_FILE}, run the command again, and commit what it writes there`,
    );
  if (existsSync(theirs) && addProviders(ours, theirs))
    progressTo().note(`platform/${LOCK_FILE} has the checksums of providers that it lacked: commit it`);
}

/**
 * Adds the providers that one lock file has and another lacks; OpenTofu takes out of a stack's what the stack does not
 * use.
 */
function addProviders(to: string, from: string): boolean {
  const blocksOf = (file: string): ReadonlyMap<string, string> =>
    new Map(
      Array.from(
        (existsSync(file) ? readFileSync(file, 'utf8') : '').matchAll(/^provider "([^"]+)" \{\n[^]*?^\}$/gm),
        ([block, name = '']) => [name, block],
      ),
    );
  const before = blocksOf(to);
  const all = new Map([...blocksOf(from), ...before]);
  if (all.size === before.size) return false;
  writeFileSync(
    to,
    `# Written by \`make plan\` and \`make apply\`, and checked by them.\n\n${[...all]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([, block]) => block)
      .join('\n\n')}\n`,
  );
  return true;
}
