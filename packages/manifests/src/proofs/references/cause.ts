import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readYamlFile } from '@gitops/settings/yaml-file';
import { declarationOf } from '../../render/declaration.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { sourcesOf } from '../../render/renderer.ts';
import { filesBelow } from '../../render/tree.ts';
import { layersOf, leaves } from '../../render/values.ts';

/** The line that decides about a field of an object. */
export interface Cause {
  /** `file:line` */
  readonly place: string;
  /** The key of the values, `secret.store`; undefined where the object itself says it. */
  readonly key: string | undefined;
}

/**
 * The line that writes a text of an object: the value that Git sets to it, or else a line of the object's template.
 * Undefined where neither has it.
 * @param field the last word of the field that has the text, `priorityClassName`
 * @param hints more words of the object, such as its name, that tell equal values apart
 */
export function causeOf(
  root: string,
  entry: FleetApplication,
  text: string,
  field: string,
  hints: readonly string[],
): Cause | undefined {
  return valueCause(root, entry, text, field, hints) ?? manifestCause(root, entry, text, field.replace(/^.*\./, ''));
}

const OWN_NAME = 'metadata.name';

/** The key of the values, of those that are set to the text, that is most like the field. */
function valueCause(
  root: string,
  entry: FleetApplication,
  text: string,
  field: string,
  hints: readonly string[],
): Cause | undefined {
  const declaration = declarationOf(root, entry.application.metadata.name);
  let best: (Cause & { readonly likeness: number }) | undefined;
  for (const layer of layersOf(root, entry.chart, declaration)) {
    if (layer.kind === 'chart defaults' && entry.chart?.isUpstream === true) continue;
    for (const { keys, value } of everyLeaf(layer.values)) {
      // An object that is called so is what is meant only where its own name is.
      if (value !== text || (keys.slice(-2).join('.') === OWN_NAME && field !== OWN_NAME)) continue;
      const words = keys.join('.').toLowerCase();
      const likeness =
        (keys.at(-1)?.toLowerCase() === field.toLowerCase() ? 4 : 0) +
        hints.filter((hint) => words.includes(hint.toLowerCase())).length;
      const place = layer.position(keys);
      // Later layers win.
      if (place !== undefined && likeness >= (best?.likeness ?? 0)) best = { place, key: keys.join('.'), likeness };
    }
  }
  return best;
}

/** Every leaf of values, items of lists included. */
function everyLeaf(values: unknown): { keys: readonly string[]; value: unknown }[] {
  return leaves(values).flatMap(({ keys, value }) =>
    Array.isArray(value)
      ? value.flatMap((item, index) =>
          everyLeaf(item).map((leaf) => ({ keys: [...keys, String(index), ...leaf.keys], value: leaf.value })),
        )
      : [{ keys, value }],
  );
}

/** The line of a template or manifest of this repository that writes `key: text`. */
function manifestCause(root: string, { application }: FleetApplication, text: string, key: string): Cause | undefined {
  for (const { path } of sourcesOf(application))
    for (const file of path === undefined ? [] : filesBelow(root, path)) {
      if (!/\.(ya?ml|tpl)$/.test(file)) continue;
      const lines = readFileSync(join(root, file), 'utf8').split('\n');
      const index = lines.findIndex((line) => {
        const [, found, value] = /^[\s-{]*(\w+): *["']?([^"'#{}]*?)["']?[ }]*$/.exec(line) ?? [];
        return found === key && value === text;
      });
      if (index !== -1) return { place: `${file}:${index + 1}`, key: undefined };
    }
  return undefined;
}

/** The line of a cluster's setting: its own, or that of all clusters. */
export function settingPlace(root: string, cluster: string, key: string): string {
  const own = `clusters/${cluster}/cluster.yaml`;
  return (
    readYamlFile(root, own).position([key]) ??
    readYamlFile(root, 'clusters/shared/cluster.yaml').position([key]) ??
    `${own}:1`
  );
}
