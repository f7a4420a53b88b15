import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { flag } from '@gitops/report/options';
import { table } from '@gitops/report/table';
import type { SynthesizedStack } from '../app.ts';
import { acceptedIn, planFile, planInWords, readPlan, requireAllowed } from '../changes/plan-changes.ts';
import type { Revision } from '../recovery/releases.ts';
import { dataFolder, KilledError, type Tofu } from '../tofu.ts';
import { chosenStacks, clusterOption, onEach, platformFolder, repository, stackOption } from '../workspace.ts';
import { acceptOption } from './accept.ts';
import { type OfferedAddons, offeredAddons } from './addons.ts';
import { ask } from './ask.ts';
import { requirePreconditions } from './preconditions.ts';
import { adoptReleases, recover, type Recovery, type Search } from './recover.ts';
import { backupSelections, clearRevision, helmRevisions, tagged } from './search.ts';
import { keepUnsavedState, storeUnsavedState } from './unsaved-state.ts';
import { inWords, type Step, upgradeSteps } from './upgrade.ts';

export default command({
  summary: 'apply the settings to AWS, stack by stack; asks before each',
  options: {
    cluster: clusterOption,
    stack: stackOption,
    yes: flag('do not ask'),
    recover: flag('import what an apply created from a machine that is lost'),
    accept: acceptOption,
  },
  run: async ({ options: { yes, recover: lost, accept, ...chosen }, print }) => {
    const search = { tagged, backupSelections, helmRevisions, clearRevision };
    await onEach(await chosenStacks(chosen), print, async (tofu, stack) => {
      await requirePreconditions(tofu, stack, print);
      await applyStack(tofu, stack, {
        root: repository,
        platform: platformFolder,
        yes,
        accepted: acceptedIn(accept),
        lost,
        search,
        addons: offeredAddons,
        print,
      });
    });
  },
});

export interface ApplyOptions {
  /** The repository's folder. */
  readonly root: string;
  /** The folder platform/. */
  readonly platform: string;
  /** Whether to apply without asking. */
  readonly yes: boolean;
  /** What ACCEPT names. */
  readonly accepted: readonly string[];
  /** Whether an earlier apply ran on a machine that is lost; an interrupted one of this machine is noticed anyway. */
  readonly lost: boolean;
  readonly search: Search;
  readonly addons: OfferedAddons;
  readonly print: (text: string) => void;
}

/**
 * Applies one stack whose folder is initialized; an upgrade of Kubernetes step by step. What is applied is the plan that
 * was shown in words and judged by the table of settings. Where the last apply was killed, what it had created is imported
 * into the state first; so are Helm releases that the state has lost. A state that it could not store is stored. Throws SettingsError for a version that the cluster
 * cannot be upgraded to and for what a plan must not do, CommandError where OpenTofu fails or somebody says no to it, and
 * KilledError where it is killed; the next call then looks for what it left.
 */
export async function applyStack(tofu: Tofu, stack: SynthesizedStack, options: ApplyOptions): Promise<void> {
  const { root, platform, lost, search, addons, print } = options;
  const folder = dataFolder(platform, stack.name);
  // Exists while an apply runs.
  const mark = join(folder, 'applying');
  if (await storeUnsavedState(tofu, platform, stack))
    print('the state that the last apply could not store is stored now');
  if (lost || existsSync(mark)) print(recoveryReport(stack, await recover(tofu, stack, search)));
  else for (const line of inReport(await adoptReleases(tofu, stack, search))) print(line);
  const steps = await upgradeSteps(tofu, stack, root, addons);
  if (steps.length > 0) print(inWords(steps));
  mkdirSync(folder, { recursive: true });
  writeFileSync(mark, '');
  let wasKilled = false;
  try {
    for (const { title, args } of steps.length > 0 ? steps : [AT_ONCE]) {
      if (title !== '') print(`\n${stack.name}: ${title}`);
      await applyPlan(tofu, stack, args, options);
    }
  } catch (error) {
    wasKilled = error instanceof KilledError;
    if (keepUnsavedState(platform, stack))
      print(
        'the state could not be stored; it is kept on this machine, and the next `make apply` here stores it first',
      );
    throw error;
  } finally {
    if (!wasKilled) rmSync(mark, { force: true });
  }
}

/** Plans, says what the plan does, asks, and applies just that plan. */
async function applyPlan(
  tofu: Tofu,
  stack: SynthesizedStack,
  args: readonly string[],
  { root, platform, yes, accepted, print }: ApplyOptions,
): Promise<void> {
  const file = planFile(platform, stack.name);
  try {
    await tofu.run(stack, ['plan', '-input=false', ...args, `-out=${file}`]);
    const planned = await readPlan(tofu, stack, file, accepted);
    const words = planInWords(planned);
    if (words !== '') print(words);
    requireAllowed(planned, stack, root);
    if (!yes && planned.facts.length > 0) await requireYes(stack);
    await tofu.run(stack, ['apply', '-input=false', file]);
  } finally {
    rmSync(file, { force: true });
  }
}

/** Throws CommandError unless a person types yes. */
async function requireYes({ name }: SynthesizedStack): Promise<void> {
  const typed = await ask(`Apply this to ${name}? Only yes is a yes: `);
  if (typed.trim() !== 'yes') throw new CommandError(`${name}: not applied`, 'type yes, or set YES=yes');
}

/** What was put right of Helm releases, a line each. */
const inReport = ({ adopted, cleared }: Pick<Recovery, 'adopted' | 'cleared'>): string[] => [
  ...adopted.map(({ id }) => `the Helm release ${id} was not in the state; it is imported`),
  ...cleared.map(clearedInWords),
];

const clearedInWords = ({ release, number, status }: Revision): string =>
  `revision ${number} of the Helm release ${release} was left ${status}; its record is deleted`;

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
  lines.push(...cleared.map(clearedInWords));
  if (strangers.length > 0) {
    lines.push('these have the tags of the stack, but the state has others in their place; check and delete them:');
    lines.push(...strangers.map((arn) => `  ${arn}`));
  }
  return lines.join('\n');
}
