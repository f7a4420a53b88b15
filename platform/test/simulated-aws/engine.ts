import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SimulatedAws } from './cloud.ts';
import { type RunningProviders, serveProviders } from './provider.ts';

/** How a run of the command line ended. */
export interface Run {
  /** null where it was killed. */
  readonly code: number | null;
  readonly output: string;
  /** The summaries of what it complained of. */
  readonly errors: readonly string[];
}

/** A stack in a folder of its own, with the real command line and a simulated AWS behind it. */
export interface Engine {
  readonly folder: string;
  run(...args: readonly string[]): Promise<Run>;
  init(...args: readonly string[]): Promise<Run>;
  validate(...args: readonly string[]): Promise<Run>;
  /** Code 0 where nothing is to be done, 2 where something is. */
  plan(...args: readonly string[]): Promise<Run>;
  apply(...args: readonly string[]): Promise<Run>;
  destroy(...args: readonly string[]): Promise<Run>;
  /** The process that runs at the moment. */
  readonly pid: number | undefined;
  close(): void;
}

interface StackJson {
  readonly resource?: Readonly<Record<string, object>>;
  readonly data?: Readonly<Record<string, object>>;
}

const SETTINGS = 'settings.tofurc';

/**
 * Opens a stack for a simulated AWS.
 * @param source the folder that synth wrote: cdk.tf.json and assets
 * @param folder where it is copied to, and where its state lies
 * @param program OpenTofu or Terraform
 * @param later the folder of the stack as it will be, where it uses further types
 */
export async function openEngine(
  cloud: SimulatedAws,
  source: string,
  folder: string,
  program: string,
  later = source,
): Promise<Engine> {
  mkdirSync(folder, { recursive: true });
  cpSync(source, folder, { recursive: true });
  // Whoever runs the tests may have settings of their own.
  writeFileSync(join(folder, SETTINGS), '');
  const stacks = [source, later].map(
    (from) => JSON.parse(readFileSync(join(from, 'cdk.tf.json'), 'utf8')) as StackJson,
  );
  const typesOf = (part: 'resource' | 'data'): string[] => [
    ...new Set(stacks.flatMap((stack) => Object.keys(stack[part] ?? {}))),
  ];
  const registry = program.endsWith('terraform') ? 'registry.terraform.io' : 'registry.opentofu.org';
  const providers: RunningProviders = await serveProviders(
    cloud,
    { resources: typesOf('resource'), data: typesOf('data') },
    registry,
  );
  let pid: number | undefined;

  const run = async (...args: readonly string[]): Promise<Run> =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        cwd: folder,
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          TF_REATTACH_PROVIDERS: providers.reattach,
          TF_IN_AUTOMATION: '1',
          TF_INPUT: '0',
          CHECKPOINT_DISABLE: '1',
          TF_CLI_CONFIG_FILE: join(folder, SETTINGS),
          // A run ends after a second: collecting garbage so often is a sixth of its work.
          GOGC: '400',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      pid = child.pid;
      let output = '';
      const collect = (chunk: string): void => void (output += chunk);
      child.stdout.setEncoding('utf8').on('data', collect);
      child.stderr.setEncoding('utf8').on('data', collect);
      child.on('error', reject);
      child.on('close', (code) => {
        pid = undefined;
        resolve({
          code,
          output,
          errors: Array.from(
            output.matchAll(/"@level":"error","@message":"(.*?)"(?=,"@module")|^[│╷ ]*Error: (.*)$/gm),
            ([, json, plain]) => json ?? plain ?? '',
          ),
        });
      });
    });
  return {
    folder,
    run,
    init: async (...args) => run('init', '-no-color', ...args),
    validate: async (...args) => run('validate', '-no-color', ...args),
    plan: async (...args) => run('plan', '-no-color', '-detailed-exitcode', ...args),
    apply: async (...args) => run('apply', '-no-color', '-auto-approve', ...args),
    destroy: async (...args) => run('destroy', '-no-color', '-auto-approve', ...args),
    get pid() {
      return pid;
    },
    close: () => {
      providers.close();
    },
  };
}
