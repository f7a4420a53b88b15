import { table } from '@gitops/report/table';
import type { Collected, Line, PanelData } from './collect.ts';
import { formatValue, sparkline } from './format.ts';
import type { Panel } from './panel.ts';

const MOST_LINES = 4;
const MOST_ROWS = 12;

/** All panels as tables for a terminal: a row a panel, its latest values, and the course of its first line. */
export function report({ dashboards }: Collected): string {
  const parts: string[] = [];
  for (const { dashboard, rows } of dashboards) {
    const cells = rows.flatMap(({ panels }) => panels.flatMap(panelCells));
    parts.push(table([dashboard.title.toUpperCase(), 'COURSE', 'NOW'], cells));
  }
  return parts.join('\n\n');
}

function panelCells({ panel, lines, missing }: PanelData): string[][] {
  if (missing !== undefined) return [[panel.title, '', `no data: ${missing}`]];
  if (panel.kind === 'table') return tableCells(panel, lines);
  const shown = lines.slice(0, MOST_LINES).map((line) => nowOf(line, panel));
  if (lines.length > MOST_LINES) shown.push(`and ${lines.length - MOST_LINES} more`);
  const [first] = lines;
  return [[panel.title, first === undefined ? '' : sparkline(first.points), shown.join('; ')]];
}

const nowOf = ({ name, latest }: Line, { unit, kind, queries }: Panel): string =>
  kind === 'number' && queries.length === 1 && !queries[0]?.legend.includes('{{')
    ? formatValue(latest, unit)
    : `${name} ${formatValue(latest, unit)}`;

function tableCells(panel: Panel, lines: readonly Line[]): string[][] {
  const rows = tableRows(panel, lines);
  const cells = rows.slice(0, MOST_ROWS).map((row, index) => [index === 0 ? panel.title : '', '', row.join('  ')]);
  if (rows.length > MOST_ROWS) cells.push(['', '', `and ${rows.length - MOST_ROWS} more`]);
  return cells;
}

/** The rows of a table: the labels of its columns, then a value for each query. */
export function tableRows({ columns = {}, queries, unit }: Panel, lines: readonly Line[]): string[][] {
  const rows = new Map<string, string[]>();
  const names = Object.keys(columns);
  for (const { labels, query, latest } of lines) {
    const key = names.map((name) => labels[name] ?? '');
    const row = rows.get(key.join('\n')) ?? [...key, ...queries.map(() => '')];
    row[names.length + query] = formatValue(latest, unit);
    rows.set(key.join('\n'), row);
  }
  return [...rows.values()].sort((one, other) => one.join('\n').localeCompare(other.join('\n'), 'en'));
}
