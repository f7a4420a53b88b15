import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argocdValueFiles } from '@gitops/settings';
import { readYamlFile, valueAt } from '@gitops/settings/yaml-file';

/** A setting of Argo CD, with the line that decides it. */
export interface Setting {
  readonly value: string;
  /** The file, from the repository's root. */
  readonly file: string;
  /** The line of the key. */
  readonly line: number;
  /** Lines from the key to the first line of its text: 1 for a block, 0 for a value on the key's own line. */
  readonly textOffset: 0 | 1;
}

/** The sections of `configs` that become Argo CD's ConfigMaps. */
export type Section = 'cm' | 'params' | 'rbac';

// Of the chart: no data of the ConfigMap.
const OF_CHART = ['create', 'annotations'];

/**
 * What Argo CD's own ConfigMap of a cluster gets from the values files in Git, by key; the cluster's file wins. As in
 * the chart, every value becomes text, and an empty one in `cm` is left out. A file that cannot be read adds nothing.
 */
export function argocdSettings(root: string, cluster: string, section: Section): ReadonlyMap<string, Setting> {
  const settings = new Map<string, Setting>();
  for (const file of argocdValueFiles(cluster)) {
    const { content, position, problems } = readYamlFile(root, file);
    const values = problems.length === 0 ? valueAt(content, ['configs', section]) : undefined;
    if (typeof values !== 'object' || values === null) continue;
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    for (const [key, value] of Object.entries(values as Record<string, unknown>)) {
      if (OF_CHART.includes(key)) continue;
      const line = Number(position(['configs', section, key])?.split(':').at(-1) ?? 1);
      const textOffset = /: \|[+-]?$/.test(lines[line - 1] ?? '') ? 1 : 0;
      settings.set(key, { value: textOf(value), file, line, textOffset });
    }
  }
  if (section === 'cm') for (const [key, { value }] of settings) if (value === '') settings.delete(key);
  return settings;
}

// Whatever is neither text nor number nor boolean is refused as a value of the wrong kind.
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The problem of a setting, at its key or at a line of its text, counted from 1. */
export function settingProblem(
  section: Section,
  key: string,
  { file, line, textOffset }: Setting,
  rule: string,
  textLine = 1,
): string {
  const place = textOffset === 0 ? line : line + textLine;
  return `${file}:${place}: configs.${section}.${key}: ${rule}`;
}
