import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { text } from '@gitops/report/options';
import { table } from '@gitops/report/table';
import { changeWithoutSecrets, HIDDEN, hiddenIn, isOfSecretData } from '../kubernetes/secret-values.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { keysOf } from '../render/values.ts';
import { type Effect, effect, type Explanation, provenance, valuesBehind } from './explanation.ts';
import { cut, shown } from './values-in-words.ts';
import { requiredAppOption, requiredClusterOption, selected, withWorkspace, type Workspace } from './workspace.ts';

export default command({
  summary: 'show which file and line set a value, what it shadowed, and which fields it sets',
  options: {
    cluster: requiredClusterOption,
    app: requiredAppOption,
    key: text('a value of the chart, or a field that it renders; all values without it', {
      placeholder: 'KEY',
      isArgument: true,
    }),
  },
  run: async ({ options, json, print }) =>
    withWorkspace(async (workspace) => {
      const [entry] = await selected(workspace, options);
      if (entry === undefined) return;
      const explanations = (await explained(workspace, entry, options.key)).map((each) => printable(each));
      if (options.key === undefined) {
        print(json ? JSON.stringify(explanations, null, 2) : listOf(explanations));
        return;
      }
      // Trying other values costs renders, so it is done for what was asked for, not for a list of everything.
      const effects: Effect[] = [];
      for (const [index, explanation] of explanations.entries()) {
        const found = await effect(workspace.renderer, workspace.root, entry, keysOf(explanation.key));
        const isSecret = found.changes.some(isOfSecretData);
        if (isSecret) explanations[index] = printable(explanation, true);
        const changes = found.changes.map((change) => changeWithoutSecrets(change));
        effects.push({ ...found, ...(isSecret && { tried: HIDDEN }), changes });
      }
      if (json)
        print(
          JSON.stringify(
            explanations.map((explanation, index) => ({ ...explanation, ...effects[index] })),
            null,
            2,
          ),
        );
      else print(explanations.map((explanation, index) => inWords(explanation, effects[index])).join('\n\n'));
    }),
});

/**
 * An explanation without secrets.
 * @param isSecret whether the value becomes the data of a Secret
 */
function printable(explanation: Explanation, isSecret = false): Explanation {
  const name = keysOf(explanation.key).at(-1) ?? '';
  const hide = (value: unknown): unknown => (isSecret && value !== '' ? HIDDEN : hiddenIn(name, value));
  const shadowed = explanation.shadowed.map(({ place, value }) => ({ place, value: hide(value) }));
  return { ...explanation, value: hide(explanation.value), shadowed };
}

/** What a key means: a value, some values, or a rendered field with the values behind it. */
async function explained(
  { root, renderer }: Workspace,
  entry: FleetApplication,
  key: string | undefined,
): Promise<Explanation[]> {
  try {
    return provenance(root, entry, key);
  } catch (error) {
    if (!(error instanceof CommandError) || key === undefined) throw error;
    const behind = await valuesBehind(renderer, root, entry, key);
    if (behind.length === 0) throw error;
    process.stderr.write(`${key} is not a value of the chart but a rendered field. Values that set it:\n`);
    return behind;
  }
}

function listOf(explanations: readonly Explanation[]): string {
  const rows = explanations.map(({ key, value, place, shadowed }) => [
    key,
    cut(shown(value)),
    place,
    cut(shadowed.map((below) => shown(below.value)).join(', ')) || '-',
  ]);
  return table(['VALUE', 'IS', 'SET BY', 'SHADOWED'], rows);
}

function inWords({ key, value, meaning, place, shadowed }: Explanation, found: Effect | undefined): string {
  const lines = [`${key} = ${shown(value)}`];
  if (meaning !== '') lines.push(`  ${meaning}`);
  lines.push(`  set by    ${place}`);
  for (const below of shadowed) lines.push(`  shadowed  ${below.place}: ${shown(below.value)}`);
  if (found !== undefined) lines.push(...effectInWords(found));
  return lines.join('\n');
}

function effectInWords({ tried, changes, refusal }: Effect): string[] {
  if (refusal !== undefined) return [`  no other value renders: ${refusal}`];
  if (changes.length === 0) return ['  sets nothing: its feature is switched off'];
  const lines = [`  sets (tried ${shown(tried)})`];
  for (const { object, path, before } of changes)
    lines.push(`    ${object} ${path === '' ? '(whole object)' : `${path}: ${shown(before)}`}`);
  return lines;
}
