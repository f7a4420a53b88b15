import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readYamlFile, type YamlFile } from '@gitops/settings/yaml-file';
import type { Chart } from './chart.ts';

/** Something that sets values of an Application, in the order in which Helm lays one over the other. */
export interface Layer {
  /**
   * The file, or for a parameter the file that holds the ApplicationSet. One of an upstream chart stands in no folder
   * here.
   */
  readonly file: string;
  readonly kind: 'chart defaults' | 'values file' | 'parameter';
  readonly values: Readonly<Record<string, unknown>>;
  /** `file:line` of a key; undefined where this layer does not set it. */
  readonly position: (keys: readonly string[]) => string | undefined;
  /** What keeps the file from being read; see readYamlFile. */
  readonly problems: readonly string[];
}

/**
 * The key path of a dotted name, `networkPolicy.egress.0.port`. A backslash keeps a dot within a key, as in Helm's
 * --set.
 */
export const keysOf = (name: string): string[] =>
  name
    .split(/(?<!\\)\.|\[|\]\.?/)
    .filter((key) => key !== '')
    .map((key) => key.replaceAll('\\.', '.'));

/** A map with one value at a key path. */
export const nested = (keys: readonly string[], value: unknown): Record<string, unknown> =>
  keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Record<string, unknown>;

/**
 * The layers of an Application's values, chart defaults first: a later one wins. None for an Application without a
 * chart.
 * @param declaration the file in which the Application's parameters are written, for positions
 */
export function layersOf(root: string, chart: Chart | undefined, declaration: string): Layer[] {
  if (chart === undefined) return [];
  const fromFile = (kind: Layer['kind'], { path, content, position, problems }: YamlFile): Layer => ({
    file: path,
    kind,
    values: content,
    position,
    problems,
  });
  const lines = existsSync(join(root, declaration)) ? readFileSync(join(root, declaration), 'utf8').split('\n') : [];
  return [
    ...chartDefaults(chart.folder, chart.label).map((file) => fromFile('chart defaults', file)),
    ...chart.valueFiles.map((file) => fromFile('values file', readYamlFile(root, file))),
    ...(chart.source.helm?.parameters ?? []).map(({ name, value }): Layer => {
      const keys = keysOf(name);
      const line = lines.findIndex((text) => text.trim().replace(/^- /, '') === `name: ${name}`) + 1;
      const position = (wanted: readonly string[]): string | undefined =>
        keys.every((key, index) => key === wanted[index]) ? `${declaration}:${Math.max(1, line)}` : undefined;
      return {
        file: declaration,
        kind: 'parameter',
        values: nested(keys, parameterValue(value)),
        position,
        problems: [],
      };
    }),
  ];
}

const DEFAULTS = 'values.yaml';

/** A chart's own values.yaml, over those of its dependencies, each below its name; none where the chart has no values. */
function chartDefaults(folder: string, label: string): YamlFile[] {
  if (!existsSync(join(folder, DEFAULTS))) return [];
  const own = below(label, readYamlFile(folder, DEFAULTS));
  let { content, position } = own;
  for (const { name, alias = name } of dependenciesOf(folder)) {
    const [part] = chartDefaults(join(folder, 'charts', name), join(label, 'charts', name));
    if (part === undefined) continue;
    content = filled(content, nested([alias], part.content)) as typeof content;
    const before = position;
    position = (keys) => before(keys) ?? (keys[0] === alias ? part.position(keys.slice(1)) : undefined);
  }
  return [{ ...own, content, position }];
}

/** The charts that a chart brings in its folder charts/. */
function dependenciesOf(folder: string): readonly { readonly name: string; readonly alias?: string }[] {
  if (!existsSync(join(folder, CHART))) return [];
  const { dependencies } = readYamlFile(folder, CHART).content;
  return Array.isArray(dependencies) ? (dependencies as { name: string; alias?: string }[]) : [];
}

const CHART = 'Chart.yaml';

/** Values, with what only the second has added; a key that is null stays a key. */
function filled(values: unknown, more: unknown): unknown {
  if (!isMap(values) || !isMap(more)) return values ?? more;
  const keys = new Set([...Object.keys(more), ...Object.keys(values)]);
  return Object.fromEntries([...keys].map((key) => [key, filled(values[key], more[key])]));
}

/** A file that was read by its name alone, with the folder before its name in all positions and problems. */
const below = (folder: string, { path, content, position, problems }: YamlFile): YamlFile => {
  const named = (text: string): string => join(folder, text);
  return {
    path: named(path),
    content,
    problems: problems.map(named),
    position: (keys) => {
      const place = position(keys);
      return place === undefined ? undefined : named(place);
    },
  };
};

/** The value that Helm's --set parses from a text: a list in braces, a number, a boolean, null, else the text. */
export function parameterValue(text: string): unknown {
  const list = /^\{(.*)\}$/s.exec(text)?.[1];
  if (list !== undefined) return list === '' ? [] : list.split(',').map((item) => parameterValue(item.trim()));
  if (/^(0|-?[1-9]\d*)$/.test(text)) return Number(text);
  return text === 'true' ? true : text === 'false' ? false : text === 'null' ? null : text;
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The values that Helm would compute: maps are merged, anything else replaced, null removes; a parameter may set a part
 * of a list, by number.
 */
export function merged(layers: readonly Pick<Layer, 'values'>[]): Record<string, unknown> {
  const over = (under: unknown, value: unknown): unknown => {
    if (!isMap(value)) return value;
    if (Array.isArray(under) && Object.keys(value).every((key) => /^\d+$/.test(key)))
      return under.map((item: unknown, index) => (String(index) in value ? over(item, value[index]) : item));
    return merge(isMap(under) ? under : {}, value);
  };
  const merge = (below: Record<string, unknown>, above: Readonly<Record<string, unknown>>): Record<string, unknown> => {
    const entries = new Map(Object.entries(below));
    for (const [key, value] of Object.entries(above)) {
      if (value === null) entries.delete(key);
      else entries.set(key, over(entries.get(key), value));
    }
    return Object.fromEntries(entries);
  };
  return layers.reduce<Record<string, unknown>>((below, { values }) => merge(below, values), {});
}

/** Every leaf of values with its key path: a scalar, a list, or an empty map. */
export function leaves(values: unknown, keys: readonly string[] = []): { keys: readonly string[]; value: unknown }[] {
  return isMap(values) && Object.keys(values).length > 0
    ? Object.entries(values).flatMap(([key, value]) => leaves(value, [...keys, key]))
    : [{ keys, value: values }];
}

/** `file:line` of the layer that wins for a key; where no layer has it, of the nearest key above it. */
export function positionOf(layers: readonly Layer[], keys: readonly string[]): string | undefined {
  const found = layers.map((layer) => layer.position(keys)).findLast((place) => place !== undefined);
  return found ?? (keys.length <= 1 ? undefined : positionOf(layers, keys.slice(0, -1)));
}
