import { capacity } from './dashboards/capacity.ts';
import { delivery } from './dashboards/delivery.ts';
import { service } from './dashboards/service.ts';
import { slo } from './dashboards/slo.ts';
import type { Dashboard, Panel } from './panel.ts';
import { PromqlError, selectorsOf } from './promql.ts';
import { withVariables } from './variables.ts';

/** Every dashboard by the name of its file, in the order in which a reader meets them. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = { service, slo, delivery, capacity };

const COLUMNS = 24;

/**
 * What is wrong with dashboards, a line each: `src/dashboards/service.ts: Now/Requests: rule`. Grafana would show an
 * empty panel, or take one dashboard for the other, and say nothing.
 */
export function dashboardProblems(dashboards: Readonly<Record<string, Dashboard>>): string[] {
  const problems: string[] = [];
  const taken = new Map<string, string>();
  for (const [name, dashboard] of Object.entries(dashboards)) {
    const file = `src/dashboards/${name}.ts`;
    for (const key of ['uid', 'title'] as const) {
      const value = `${key} ${JSON.stringify(dashboard[key])}`;
      const other = taken.get(value);
      if (other !== undefined) problems.push(`${file}: ${key}: ${JSON.stringify(dashboard[key])} is that of ${other}`);
      else taken.set(value, file);
    }
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(dashboard.uid))
      problems.push(`${file}: uid: must be at most 40 of a-z, 0-9 and - (it is ${JSON.stringify(dashboard.uid)})`);
    problems.push(...panelsProblems(dashboard).map((problem) => `${file}: ${problem}`));
  }
  return problems;
}

function panelsProblems({ rows }: Dashboard): string[] {
  const problems: string[] = [];
  const titles = new Set<string>();
  for (const row of rows) {
    let column = 0;
    for (const panel of row.panels) {
      const place = `${row.title}/${panel.title}`;
      if (titles.has(panel.title)) problems.push(`${place}: title: another panel has it`);
      titles.add(panel.title);
      column += panel.width;
      if (column > COLUMNS) problems.push(`${place}: width: the panels of a line have more than ${COLUMNS} columns`);
      if (column >= COLUMNS) column = 0;
      problems.push(...panelProblems(panel).map((problem) => `${place}: ${problem}`));
    }
    if (column !== 0) problems.push(`${row.title}: its last line has ${column} of ${COLUMNS} columns`);
  }
  return problems;
}

function panelProblems({ queries, description, title, kind, columns }: Panel): string[] {
  const problems: string[] = [];
  if (title.trim() === '') problems.push('title: missing');
  if (description.trim() === '') problems.push('description: missing');
  if (queries.length === 0) problems.push('queries: missing');
  if ((kind === 'table') !== (columns !== undefined)) problems.push('columns: a table has them, and nothing else');
  for (const [index, { expr, legend }] of queries.entries()) {
    const key = `queries.${index}`;
    if (legend === '') problems.push(`${key}.legend: missing`);
    try {
      if (selectorsOf(withVariables(expr)).length === 0 && expr.trim() !== '')
        problems.push(`${key}.expr: asks for no metric`);
    } catch (error) {
      if (!(error instanceof PromqlError)) throw error;
      problems.push(`${key}.expr: ${expr.trim() === '' ? 'missing' : error.message}`);
    }
  }
  return problems;
}
