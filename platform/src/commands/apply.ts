import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '@gitops/report/command-line';
import { flag } from '@gitops/report/options';
import { table } from '@gitops/report/table';
import type { SynthesizedStack } from '../app.ts';
import { dataFolder, KilledError, type Tofu } from '../tofu.ts';
import { chosenStacks, clusterOption, onEach, platformFolder, stackOption } from '../workspace.ts';
import { recover, type Recovery, type Search } from './recover.ts';
import { backupSelections, tagged } from './search.ts';

export default command({
  summary: 'make AWS as the settings say, stack by stack; asks before each',
  options: {
    cluster: clusterOption,
    stack: stackOption,
    yes: flag('do not ask'),
    recover: flag('look for what an apply made on a machine that is lost'),
  },
  run: async ({ options: { yes, recover: lost, ...chosen }, print }) => {
    const search = { tagged, backupSelections };
    await onEach(await chosenStacks(chosen), print, async (tofu, stack) =>
      applyStack(tofu, stack, { platform: platformFolder, yes, lost, search, print }),
    );
  },
});

export interface ApplyOptions {
  /** The folder platform/. */
  readonly platform: string;
  /** Whether nobody is to be asked. */
  readonly yes: boolean;
  /** Whether the machine of an earlier run was lost; that of this machine is noticed by itself. */
  readonly lost: boolean;
  readonly search: Search;
  readonly print: (text: string) => void;
}

/**
 * Applies one stack whose folder is ready. Where the last apply was killed, what it had made is taken into the state
 * first. Throws CommandError where OpenTofu fails, and KilledError where it is killed; the next call then looks what it
 * left.
 */
export async function applyStack(
  tofu: Tofu,
  stack: SynthesizedStack,
  { platform, yes, lost, search, print }: ApplyOptions,
): Promise<void> {
  const folder = dataFolder(platform, stack.name);
  // There as long as an apply runs.
  const mark = join(folder, 'applying');
  if (lost || existsSync(mark)) print(told(stack, await recover(tofu, stack, search)));
  mkdirSync(folder, { recursive: true });
  writeFileSync(mark, '');
  let wasKilled = false;
  try {
    await tofu.show(stack, ['apply', ...(yes ? ['-input=false', '-auto-approve'] : [])]);
  } catch (error) {
    wasKilled = error instanceof KilledError;
    throw error;
  } finally {
    if (!wasKilled) rmSync(mark, { force: true });
  }
}

function told({ name }: SynthesizedStack, { adopted, strangers }: Recovery): string {
  const rows = adopted.map(({ to, id }) => [to, id]);
  return [
    `an apply of ${name} did not come to its end; it had made ${adopted.length === 0 ? 'nothing that the state lacks' : 'these, which the state has now:'}`,
    ...(rows.length === 0 ? [] : [table(['RESOURCE', 'ID'], rows)]),
    ...(strangers.length === 0
      ? []
      : [
          'the state has others in place of these, which were made once more or are gone since a moment ago; look, and delete them:',
          ...strangers.map((arn) => `  ${arn}`),
        ]),
  ].join('\n');
}
