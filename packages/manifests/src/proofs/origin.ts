import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { declarationOf } from '../render/declaration.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { sourcesOf } from '../render/renderer.ts';
import { filesBelow } from '../render/tree.ts';
import { type Layer, layersOf } from '../render/values.ts';
import { objectProblem } from './location.ts';
import type { Problem } from './problem.ts';

/** A value that sets a text of a rendered object. */
export interface Origin {
  readonly keys: readonly string[];
  /** `file:line` */
  readonly place: string;
  readonly value: string;
}

/**
 * The value that a text of a rendered object comes from: the last layer that has the text, the whole of a value before
 * a part of one. Undefined where no value has it, so that a template does.
 * @param key the last key of the value, where the text alone could be another one
 */
export function originOf(root: string, entry: FleetApplication, text: string, key?: string): Origin | undefined {
  const layers = layersOf(root, entry.chart, declarationOf(root, entry.application.metadata.name))
    // The defaults of an upstream chart stand in no file of this repository.
    .filter(({ kind }) => kind !== 'chart defaults' || entry.chart?.isUpstream === false)
    .reverse();
  const candidates = layers.flatMap((layer) =>
    textsIn(layer.values, [])
      .filter(({ keys }) => key === undefined || keys.at(-1) === key)
      .map((found) => ({ ...found, layer })),
  );
  const found = candidates.find(({ value }) => value === text) ?? candidates.find(({ value }) => value.includes(text));
  return found === undefined
    ? undefined
    : { keys: found.keys, place: placeIn(found.layer, found.keys), value: found.value };
}

/**
 * A problem with a text of a rendered object, where the text is written: at the value that sets it; else at the line of
 * the chart's template, which is one for all clusters; else at the object.
 */
export function textProblem(
  root: string,
  entry: FleetApplication,
  problem: Problem,
  text: string,
  { key, seen = `(it is ${JSON.stringify(text)})` }: { readonly key?: string; readonly seen?: string } = {},
): string {
  const rule = `${problem.rule} ${seen}`.trimEnd();
  const origin = originOf(root, entry, text, key);
  if (origin !== undefined) return `${origin.place}: ${origin.keys.join('.')}: ${rule}`;
  const place = templateLine(root, entry, text);
  return place === undefined
    ? objectProblem(root, entry, { ...problem, rule })
    : `${place}: ${problem.object} ${problem.path}: ${rule}`;
}

/** `file:line` of the first line with a text in the templates of a chart of ours, or in what it renders as it is. */
export function templateLine(root: string, { chart, application }: FleetApplication, text: string): string | undefined {
  if (chart?.isUpstream === true) return undefined;
  for (const { path } of sourcesOf(application))
    for (const file of path === undefined ? [] : filesBelow(root, path)) {
      if (!/\.(ya?ml|tpl)$/.test(file) || file.endsWith('values.yaml')) continue;
      const line = readFileSync(join(root, file), 'utf8')
        .split('\n')
        .findIndex((content) => content.includes(text));
      if (line >= 0) return `${file}:${line + 1}`;
    }
  return undefined;
}

/** Problems with one line for each place and key: what is wrong with a shared value is wrong in every cluster. */
export function oncePerPlace(problems: readonly string[]): string[] {
  const first = new Map<string, string>();
  for (const problem of problems) {
    const place = problem.split(': ').slice(0, 2).join(': ');
    if (!first.has(place)) first.set(place, problem);
  }
  return [...first.values()];
}

/** The place of a key, or of the nearest one above it. */
function placeIn(layer: Layer, keys: readonly string[]): string {
  for (let length = keys.length; length > 0; length -= 1) {
    const place = layer.position(keys.slice(0, length));
    if (place !== undefined) return place;
  }
  return `${layer.file}:1`;
}

/** Every text and number of values, those in lists too. */
function textsIn(value: unknown, keys: readonly string[]): { keys: readonly string[]; value: string }[] {
  if (typeof value === 'string' || typeof value === 'number') return [{ keys, value: String(value) }];
  if (typeof value !== 'object' || value === null) return [];
  const found: { keys: readonly string[]; value: string }[] = [];
  for (const [key, inner] of Object.entries(value)) found.push(...textsIn(inner, [...keys, key]));
  return found;
}
