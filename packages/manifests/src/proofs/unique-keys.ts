import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { run } from '@gitops/tools/run';
import type { Chart } from '../render/chart.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { oncePerRender } from '../render/remember.ts';
import { renderedOnly } from '../render/rendered.ts';
import type { ProofContext } from './proof.ts';

/**
 * Keys that Helm's own output has twice: Helm and Argo CD take the last one without a warning. What an upstream chart
 * writes twice, only upstream can fix.
 */
export async function duplicateKeys(fleet: readonly FleetApplication[], context: ProofContext): Promise<string[]> {
  const found = await Promise.all(renderedOnly(fleet).map(async (entry) => duplicateKeysOf(entry, context)));
  return found.flat();
}

async function duplicateKeysOf(entry: FleetApplication, { root, tools }: ProofContext): Promise<string[]> {
  const { application, chart, rendered } = entry;
  if (chart === undefined || chart.isUpstream) return [];
  const found = await oncePerRender(rendered, 'duplicate keys', async () =>
    // Argo CD has rendered it, so that a failure here is one of this proof, and no problem of the tree's.
    duplicatesIn(await run(join(tools.bin, 'helm'), templateArguments(root, chart, application.metadata.name))),
  );
  return found.map(({ template, rule }) => `${chart.label}/${template}:1: ${labelOf(entry)}: ${rule}`);
}

/** What is wrong with each document: most are the same in all clusters. */
const known = new Map<string, readonly string[]>();

/** @param text what `helm template` prints */
function duplicatesIn(text: string): { readonly template: string; readonly rule: string }[] {
  const found: { template: string; rule: string }[] = [];
  // Helm begins each document with such a line, and then says which template it comes from.
  for (const document of text.split(/^---$/m)) {
    const rules = known.get(document) ?? rulesOf(document);
    known.set(document, rules);
    const template = /^# Source: \S+?\/(templates\/\S+)/m.exec(document)?.[1] ?? '';
    for (const rule of rules) found.push({ template, rule });
  }
  return found;
}

const rulesOf = (document: string): string[] =>
  parseDocument(document, { uniqueKeys: true, prettyErrors: false }).errors.map(({ message }) => message);

function templateArguments(root: string, { source, folder, valueFiles }: Chart, name: string): string[] {
  const args = ['template', source.helm?.releaseName ?? name, folder];
  for (const file of valueFiles) args.push('--values', join(root, file));
  for (const { name: key, value, forceString } of source.helm?.parameters ?? [])
    args.push(forceString === true ? '--set-string' : '--set', `${key}=${value}`);
  return args;
}
