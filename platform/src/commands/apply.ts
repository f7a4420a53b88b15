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
  summary: 'apply the settings to AWS, stack by stack; asks before each',
  options: {
    cluster: clusterOption,
    stack: stackOption,
    yes: flag('do not ask'),
    recover: flag('import what an apply created from a machine that is lost'),
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
  /** Whether to apply without asking. */
  readonly yes: boolean;
  /** Whether an earlier apply ran on a machine that is lost; an interrupted one of this machine is noticed anyway. */
  readonly lost: boolean;
  readonly search: Search;
  readonly print: (text: string) => void;
}

/**
 * Applies one stack whose folder is initialized. Where the last apply was killed, what it had created is imported into
 * the state first. Throws CommandError where OpenTofu fails, and KilledError where it is killed; the next call then
 * looks for what it left.
 */
export async function applyStack(
  tofu: Tofu,
  stack: SynthesizedStack,
  { platform, yes, lost, search, print }: ApplyOptions,
): Promise<void> {
  const folder = dataFolder(platform, stack.name);
  // Exists while an apply runs.
  const mark = join(folder, 'applying');
  if (lost || existsSync(mark)) print(recoveryReport(stack, await recover(tofu, stack, search)));
  mkdirSync(folder, { recursive: true });
  writeFileSync(mark, '');
  let wasKilled = false;
  try {
    await tofu.run(stack, ['apply', ...(yes ? ['-input=false', '-auto-approve'] : [])]);
  } catch (error) {
    wasKilled = error instanceof KilledError;
    throw error;
  } finally {
    if (!wasKilled) rmSync(mark, { force: true });
  }
}

function recoveryReport({ name }: SynthesizedStack, { adopted, strangers }: Recovery): string {
  const lines: string[] = [];
  if (adopted.length === 0)
    lines.push(`an apply of ${name} was interrupted; it had created nothing that the state lacks`);
  else {
    const rows = adopted.map(({ to, id }) => [to, id]);
    lines.push(`an apply of ${name} was interrupted; it had created these, which are now in the state:`);
    lines.push(table(['RESOURCE', 'ID'], rows));
  }
  if (strangers.length > 0) {
    lines.push('these have the tags of the stack, but the state has others in their place; check and delete them:');
    lines.push(...strangers.map((arn) => `  ${arn}`));
  }
  return lines.join('\n');
}
