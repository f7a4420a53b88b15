import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isNode, LineCounter, parse, parseDocument, type Scalar } from 'yaml';
import { command } from '@gitops/report/command-line';
import { repositoryAbove } from '../render/repository.ts';

/** Our charts, from the repository's folder. */
export const CHARTS = ['charts/fastify-service', 'charts/monitoring'] as const;

export default command({
  summary: 'write the README.md of our charts from Chart.yaml and the comments of values.yaml',
  options: {},
  run: async ({ print }) => {
    const root = repositoryAbove(process.cwd());
    for (const chart of CHARTS) {
      const file = join(chart, 'README.md');
      writeFileSync(join(root, file), chartReadme(root, chart));
      print(file);
    }
    return Promise.resolve();
  },
});

/** A value of a chart, as its values.yaml has it. */
export interface DescribedValue {
  /** Dotted: shutdown.drainSeconds. */
  readonly key: string;
  readonly preset: unknown;
  /** The comment directly above it; empty where there is none. */
  readonly text: string;
}

/**
 * Every leaf of a chart's values with the comment directly above it, in the order of the file. A list is one leaf.
 * @param folder the chart's
 */
export function describedValues(folder: string): DescribedValue[] {
  const text = readFileSync(join(folder, 'values.yaml'), 'utf8');
  const lines = text.split('\n');
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const found: DescribedValue[] = [];
  const visit = (map: unknown, above: readonly string[]): void => {
    if (!isMap(map)) return;
    for (const { key, value } of map.items) {
      const { value: name, range } = key as Scalar;
      const keys = [...above, String(name)];
      if (isMap(value) && value.items.length > 0) visit(value, keys);
      else
        found.push({
          key: keys.join('.'),
          preset: isNode(value) ? value.toJS(document) : value,
          text: commentAbove(lines, counter.linePos(range?.[0] ?? 0)),
        });
    }
  };
  visit(document.contents, []);
  return found;
}

/** The lines of comment directly above a key, as far in as the key itself: one without a gap belongs to it. */
function commentAbove(lines: readonly string[], { line, col }: { line: number; col: number }): string {
  const indented = `${' '.repeat(col - 1)}#`;
  const first = lines.slice(0, line - 1).findLastIndex((other) => !other.startsWith(indented)) + 1;
  // Many upstream charts begin it with two dashes, for helm-docs.
  return lines
    .slice(first, line - 1)
    .map((comment) =>
      comment
        .slice(indented.length)
        .trim()
        .replace(/^#* *-- /, ''),
    )
    .join(' ');
}

/**
 * The README of a chart: the description in Chart.yaml, the head comment of values.yaml, and a table of all values.
 * @param root the repository's folder
 * @param chart the chart's, from there
 */
export function chartReadme(root: string, chart: string): string {
  const { name, description } = parse(readFileSync(join(root, chart, 'Chart.yaml'), 'utf8')) as {
    name: string;
    description: string;
  };
  const lines = readFileSync(join(root, chart, 'values.yaml'), 'utf8').split('\n');
  const head = lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('#')),
    )
    .map((line) => line.slice(1).trim());
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = describedValues(join(root, chart)).map(
    ({ key, preset, text }) => `| \`${key}\` | \`${cell(JSON.stringify(preset))}\` | ${cell(text)} |`,
  );
  return [
    '<!-- Written by `node packages/manifests/src/main.ts chart-readme`: change Chart.yaml and values.yaml instead. -->',
    '',
    `# ${name}`,
    '',
    `${description}.`,
    '',
    ...head,
    '',
    'Unknown keys, and values of another type or form, are refused (`values.schema.json`).',
    ...(existsSync(join(root, chart, 'templates/_rules.tpl'))
      ? [
          'Rules between values are in `templates/_rules.tpl`; a render reports every broken rule at once. `ci/` has values',
          'for features that no cluster enables.',
        ]
      : []),
    '',
    '| value | default | what it does |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
