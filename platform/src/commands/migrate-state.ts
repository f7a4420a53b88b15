import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import type { SynthesizedStack } from '../app.ts';
import { requireCredentials } from '../credentials.ts';
import { localState, openTofu, type Tofu } from '../tofu.ts';
import { platformFolder, stateKind, synth } from '../workspace.ts';

export default command({
  summary: 'move the state of every stack from this machine to S3, once `state` in the settings is s3',
  options: {},
  without: { cluster: 'it moves the state of every cluster', stack: 'it moves the state of every stack' },
  run: async ({ print }) => {
    if (stateKind() !== 's3')
      throw new CommandError(
        'clusters/shared/cluster.yaml keeps the state on this machine',
        'set state: s3 there, and run it again',
      );
    const stacks = await synth();
    requireCredentials();
    const tofu = await openTofu(platformFolder);
    for (const stack of stacks) print(`${stack.name}: ${await migrateState(tofu, platformFolder, stack)}`);
  },
});

/** The part of a state that a move keeps; OpenTofu gives it a new lineage. */
interface State {
  readonly serial: number;
  readonly resources: readonly unknown[];
  readonly outputs: object;
}

export type Migration = 'moved' | 'already moved' | 'has no state';

/**
 * Moves the state of a stack from this machine into the bucket that its cdk.tf.json names. The file stays, under
 * another name, as a copy. Run again, it resumes where it stopped. Throws CommandError where the bucket has another
 * state than this machine.
 */
export async function migrateState(tofu: Tofu, platform: string, stack: SynthesizedStack): Promise<Migration> {
  const file = localState(platform, stack.name);
  const ours = existsSync(file) ? parseState(readFileSync(file, 'utf8')) : undefined;
  if (ours === undefined) return 'has no state';
  const { terraform } = JSON.parse(readFileSync(join(stack.folder, 'cdk.tf.json'), 'utf8')) as {
    terraform: { backend: object };
  };

  // Moving a state needs neither its resources nor their providers: a stack with nothing but a backend is enough.
  const scratch = mkdtempSync(join(tmpdir(), 'migrate-state-'));
  const mover: SynthesizedStack = { ...stack, folder: scratch };
  const initialize = async (backend: object, ...how: readonly string[]): Promise<void> => {
    writeFileSync(join(scratch, 'cdk.tf.json'), JSON.stringify({ terraform: { backend } }));
    await tofu.capture(mover, ['init', '-input=false', ...how]);
  };
  const pull = async (): Promise<State | undefined> => parseState(await tofu.capture(mover, ['state', 'pull']));
  try {
    await initialize(terraform.backend, '-reconfigure');
    const before = await pull();
    if (before !== undefined && !isSame(before, ours))
      throw new CommandError(
        `the bucket has another state of ${stack.name} than platform/state`,
        'find out which one is right (`tofu state list` in either place) and remove the other',
      );
    if (before === undefined) {
      const copy = join(scratch, 'state');
      copyFileSync(file, copy);
      await initialize({ local: { path: copy } }, '-reconfigure');
      await initialize(terraform.backend, '-migrate-state', '-force-copy');
    }
    const after = await pull();
    if (after === undefined || !isSame(after, ours))
      throw new CommandError(
        `the state of ${stack.name} did not arrive in the bucket`,
        'nothing was removed here; run the command again',
      );
    renameSync(file, `${file}.migrated`);
    return before === undefined ? 'moved' : 'already moved';
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const isSame = (a: State, b: State): boolean => isDeepStrictEqual([a.resources, a.outputs], [b.resources, b.outputs]);

/**
 * Reads a state as it is kept or printed, perhaps after warnings. Where there is none, OpenTofu prints nothing or one
 * that was never written.
 */
function parseState(text: string): State | undefined {
  if (!text.includes('{')) return undefined;
  const state = JSON.parse(text.slice(text.indexOf('{'))) as State;
  return state.serial === 0 ? undefined : state;
}
