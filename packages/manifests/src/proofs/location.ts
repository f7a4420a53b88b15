import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Chart } from '../render/chart.ts';
import { declarationOf } from '../render/declaration.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { sourcesOf } from '../render/renderer.ts';
import { filesBelow } from '../render/tree.ts';
import type { Problem } from './problem.ts';

/** A key of a map, or a place in a list, from 0. */
export type Key = string | number;

/**
 * A problem with a rendered object as one line, at the file in which the object is written.
 * @param keys the field, for its line, or that of the nearest field above it that is written there
 */
export function objectProblem(
  root: string,
  entry: FleetApplication,
  { object, path, rule }: Problem,
  keys: readonly Key[] = [],
): string {
  const subject = [labelOf(entry), object, path].filter((part) => part !== '').join(' ');
  const place = placeOf(root, entry, object);
  const exact =
    entry.chart?.isUpstream === true ? placeOfValue(root, entry.chart, path) : placeOfKey(root, place, keys);
  return `${exact ?? place}: ${subject}: ${rule}`;
}

/** `file:line` of the values that set an annotation or label of an upstream chart's object; the last file counts. */
function placeOfValue(root: string, { valueFiles }: Chart, path: string): string | undefined {
  const key = /\[([^\]]*\/[^\]]*)\]$/.exec(path)?.[1];
  if (key === undefined) return undefined;
  for (const file of valueFiles.toReversed()) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    const index = lines.findIndex((line) => line.trim().replace(/^["']/, '').startsWith(key));
    if (index !== -1) return `${file}:${index + 1}`;
  }
  return undefined;
}

/** A problem with an Application as one line, at the file that declares it. */
export const applicationProblem = (
  root: string,
  { application }: Pick<FleetApplication, 'application'>,
  key: string,
  rule: string,
): string => `${declarationOf(root, application.metadata.name)}:1: ${key}: ${rule}`;

/** `file:line` of a key of the object whose `kind` is at a place; of the nearest key above it that is written there. */
function placeOfKey(root: string, place: string, keys: readonly Key[]): string {
  const { file = '', line = '1' } = /^(?<file>.*):(?<line>\d+)$/.exec(place)?.groups ?? {};
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  let found: number | undefined;
  // A document begins after `---`, or with the file.
  let from = lines.slice(0, Number(line)).findLastIndex((text) => text.startsWith('---')) + 1;
  let indentation = -1;
  for (const key of keys) {
    if (typeof key === 'number') continue;
    const index = childLine(lines, { from, indentation, key });
    if (index === undefined) break;
    found = index;
    from = index + 1;
    indentation = indentationOf(lines[index] ?? '');
  }
  return found === undefined ? place : `${file}:${found + 1}`;
}

const indentationOf = (line: string): number => line.search(/\S|$/);

/** The first line below a key that begins with another key; lines of templates count as none. */
function childLine(
  lines: readonly string[],
  { from, indentation, key }: { from: number; indentation: number; key: string },
): number | undefined {
  for (let index = from; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const text = line.trim();
    if (text.startsWith('---')) return undefined;
    if (text === '' || text.startsWith('#') || text.startsWith('{{')) continue;
    if (indentationOf(line) < indentation || (indentationOf(line) === indentation && !text.startsWith('- ')))
      return undefined;
    const [name = ''] = text.replace(/^- /, '').split(/:(?: |$)/);
    if (name.replaceAll(/^["']|["']$/g, '') === key) return index;
  }
  return undefined;
}

/** `file:line` of the template or manifest of an object's kind; of the Application's declaration if there is none. */
function placeOf(root: string, entry: FleetApplication, object: string): string {
  const declaration = declarationOf(root, entry.application.metadata.name);
  const [kind = '', name = ''] = object.split('/');
  const release = entry.chart?.source.helm?.releaseName ?? entry.application.metadata.name;
  const named = new RegExp(`name: "?${name.replaceAll('.', '\\.')}"?(?![\\w.-])`);
  let first: string | undefined;
  for (const file of filesOf(root, entry)) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.trimEnd() !== `kind: ${kind}`) continue;
      const place = `${file}:${index + 1}`;
      first ??= place;
      const head = lines
        .slice(index, index + 5)
        .join('\n')
        .replaceAll('{{ .Release.Name }}', release);
      if (named.test(head)) return place;
    }
  }
  // An upstream chart's objects are changed by the values that we give it.
  if (entry.chart?.isUpstream === true) return `${entry.chart.valueFiles[0] ?? declaration}:1`;
  return first ?? `${declaration}:1`;
}

/** The YAML files below the folders that an Application renders. */
const filesOf = (root: string, { application }: FleetApplication): string[] =>
  sourcesOf(application)
    .flatMap(({ path }) => (path === undefined ? [] : filesBelow(root, path)))
    .filter((file) => /\.ya?ml$/.test(file));
