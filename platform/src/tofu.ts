import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError } from '@platform/report/errors';
import { progressTo } from '@platform/report/progress';
import { ensureTools } from '@platform/tools/tools';
import type { SynthesizedStack } from './app.ts';

/** Runs OpenTofu in the folder of a stack. */
export interface Tofu {
  /** Shows what it says and lets it ask. Throws CommandError where it fails. */
  show(stack: SynthesizedStack, args: readonly string[]): Promise<void>;
  /** Gives what it prints. Throws CommandError where it fails. */
  read(stack: SynthesizedStack, args: readonly string[]): Promise<string>;
}

/**
 * OpenTofu, built where the user's cache folder lacks it; TOFU names another program of its kind, Terraform for instance.
 * @param platform the folder platform/, in which the downloaded providers of each stack are kept from one synth to the next
 */
export async function openTofu(platform: string): Promise<Tofu> {
  const program = process.env.TOFU ?? join((await ensureTools({ ...progressTo(), note: () => undefined }, { verify: false, builds: ['opentofu'] })).bin, 'tofu');
  const run = async (stack: SynthesizedStack, args: readonly string[], stdout: 'inherit' | 'pipe'): Promise<string> => {
    const data = join(platform, '.terraform', stack.name);
    mkdirSync(data, { recursive: true });
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { cwd: stack.folder, stdio: ['inherit', stdout, 'inherit'], env: { ...process.env, TF_DATA_DIR: data, TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' } });
      let output = '';
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
      child.on('error', (error) => {
        reject(new CommandError(`${program} does not start: ${error.message}`, 'install it, or leave TOFU unset to have OpenTofu built here'));
      });
      child.on('close', (code) => {
        if (code === 0) resolve(output);
        else reject(new CommandError(`${stack.name}: ${args[0] ?? ''} failed`, advice(stack)));
      });
    });
  };
  return {
    show: async (stack, args) => {
      await run(stack, args, 'inherit');
    },
    read: async (stack, args) => run(stack, args, 'pipe'),
  };
}

const advice = ({ after }: SynthesizedStack): string => `read what it says above${after.length === 0 ? '' : `; a first plan needs what comes before: \`make apply STACK=${after.join(' ')}\``}`;

/** The state of a stack on this machine. */
export const localState = (platform: string, stack: string): string => join(platform, 'state', `${stack}.tfstate`);

/**
 * Makes a stack's folder ready: providers and the place of its state.
 * Throws CommandError where the state would be read from the bucket while it still lies here: an empty state would make
 * everything a second time.
 */
export async function initialize(tofu: Tofu, platform: string, stack: SynthesizedStack, state: 'local' | 's3'): Promise<void> {
  if (state === 's3' && existsSync(localState(platform, stack.name))) {
    throw new CommandError(`the settings keep state in S3, and that of ${stack.name} lies in platform/state`, 'run `make migrate-state`');
  }
  // Where it was before does not matter: the settings and the check above decide.
  await tofu.read(stack, ['init', '-input=false', '-reconfigure']);
}
