import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '@gitops/report/command-line';
import { flag } from '@gitops/report/options';
import { table } from '@gitops/report/table';
import type { SynthesizedStack } from '../app.ts';
import { nameIn } from '../names.ts';
import { dataFolder, initialize, KilledError, type Tofu } from '../tofu.ts';
import {
  chosenStacks,
  clusterNamed,
  clusterOption,
  onEach,
  platformFolder,
  repository,
  stackOption,
  stateKind,
} from '../workspace.ts';
import { requireEntry } from './entry.ts';
import { recover, type Recovery, type Search } from './recover.ts';
import { backupSelections, clearRevision, helmRevisions, tagged } from './search.ts';
import { inWords, type Step, upgradeSteps } from './upgrade.ts';
import { requireEmptyZones } from './zones.ts';

export default command({
  summary: 'apply the settings to AWS, stack by stack; asks before each',
  options: {
    cluster: clusterOption,
    stack: stackOption,
    yes: flag('do not ask'),
    recover: flag('import what an apply created from a machine that is lost'),
  },
  run: async ({ options: { yes, recover: lost, ...chosen }, print }) => {
    const search = { tagged, backupSelections, helmRevisions, clearRevision };
    await onEach(await chosenStacks(chosen), print, async (tofu, stack) => {
      if (stack.cluster !== undefined && stack.name === nameIn({ name: stack.cluster }, 'argocd'))
        await requireEntry(clusterNamed(stack.cluster), repository);
      if (stack.cluster !== undefined && stack.name === nameIn({ name: stack.cluster }, 'network'))
        await requireEmptyZones(tofu, stack, async () => clusterStackOf(tofu, stack), repository);
      await applyStack(tofu, stack, { root: repository, platform: platformFolder, yes, lost, search, print });
    });
  },
});

/** The stack of the cluster in a network, written beside the network's, with its state at hand. */
async function clusterStackOf(tofu: Tofu, network: SynthesizedStack): Promise<SynthesizedStack> {
  const name = nameIn({ name: network.cluster ?? '' }, 'cluster');
  const stack = { ...network, name, folder: join(network.folder, '..', name), after: [network.name] };
  await initialize(tofu, platformFolder, stack, stateKind());
  return stack;
}

export interface ApplyOptions {
  /** The repository's folder. */
  readonly root: string;
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
 * Applies one stack whose folder is initialized; an upgrade of Kubernetes step by step. Where the last apply was killed,
 * what it had created is imported into the state first. Throws SettingsError for a version that the cluster cannot be
 * upgraded to, CommandError where OpenTofu fails or somebody says no to it, and KilledError where it is killed; the next
 * call then looks for what it left.
 */
export async function applyStack(
  tofu: Tofu,
  stack: SynthesizedStack,
  { root, platform, yes, lost, search, print }: ApplyOptions,
): Promise<void> {
  const folder = dataFolder(platform, stack.name);
  // Exists while an apply runs.
  const mark = join(folder, 'applying');
  if (lost || existsSync(mark)) print(recoveryReport(stack, await recover(tofu, stack, search)));
  const steps = await upgradeSteps(tofu, stack, root);
  if (steps.length > 0) print(inWords(steps));
  mkdirSync(folder, { recursive: true });
  writeFileSync(mark, '');
  let wasKilled = false;
  try {
    for (const { title, args } of steps.length > 0 ? steps : [AT_ONCE]) {
      if (title !== '') print(`\n${stack.name}: ${title}`);
      await tofu.run(stack, ['apply', ...args, ...(yes ? ['-input=false', '-auto-approve'] : [])]);
    }
  } catch (error) {
    wasKilled = error instanceof KilledError;
    throw error;
  } finally {
    if (!wasKilled) rmSync(mark, { force: true });
  }
}

const AT_ONCE: Step = { title: '', args: [] };

function recoveryReport({ name }: SynthesizedStack, { adopted, strangers, cleared }: Recovery): string {
  const lines: string[] = [];
  if (adopted.length === 0)
    lines.push(`an apply of ${name} was interrupted; it had created nothing that the state lacks`);
  else {
    const rows = adopted.map(({ to, id }) => [to, id]);
    lines.push(`an apply of ${name} was interrupted; it had created these, which are now in the state:`);
    lines.push(table(['RESOURCE', 'ID'], rows));
  }
  for (const { release, number, status } of cleared)
    lines.push(`revision ${number} of the Helm release ${release} was left ${status}; its record is deleted`);
  if (strangers.length > 0) {
    lines.push('these have the tags of the stack, but the state has others in their place; check and delete them:');
    lines.push(...strangers.map((arn) => `  ${arn}`));
  }
  return lines.join('\n');
}
