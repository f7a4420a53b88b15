import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { dashboardProblems, DASHBOARDS } from '../src/dashboards.ts';
import { service } from '../src/dashboards/service.ts';
import { dashboardFiles, FOLDER, MOST_BYTES } from '../src/files.ts';
import type { Dashboard, Panel } from '../src/panel.ts';

const folder = join(resolve(import.meta.dirname, '../../..'), FOLDER);

interface GrafanaPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly datasource: { readonly uid: string } }[];
}

t.test('the files are what `make dashboards` writes', (t) => {
  const files = dashboardFiles();
  t.strictSame(readdirSync(folder).sort(), [...files.keys()].sort(), 'no file is missing or left over');
  for (const [name, content] of files)
    t.equal(readFileSync(join(folder, name), 'utf8'), content, `${name}: run \`make dashboards\``);
  t.end();
});

for (const [name, content] of dashboardFiles())
  t.test(`${name}: Grafana can provision it`, (t) => {
    const dashboard = JSON.parse(content) as { readonly panels: readonly GrafanaPanel[] };
    t.notOk('id' in dashboard, 'no id, which another Grafana may have given away');
    t.match(dashboard, { uid: /^gitops-[a-z]+$/, title: /./, editable: false });
    t.ok(content.length < MOST_BYTES, `${content.length} bytes`);
    t.match(dashboard, { templating: { list: [{ type: 'datasource', query: 'prometheus' }] } });
    const uids = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ datasource }) => datasource.uid));
    t.strictSame([...new Set(uids)], ['${datasource}'], 'every query asks the datasource that was chosen');
    const ids = dashboard.panels.map(({ id }) => id);
    t.equal(new Set(ids).size, ids.length, 'every panel has an id of its own');
    t.strictSame(overlaps(dashboard.panels), [], 'no panel covers another');
    t.end();
  });

function overlaps(panels: readonly GrafanaPanel[]): string[] {
  const found: string[] = [];
  const cells = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    const size = gridPos.w * gridPos.h;
    if (gridPos.x + gridPos.w > 24) found.push(`${title} ends right of the grid`);
    for (let index = 0; index < size; index += 1) {
      const cell = `${gridPos.x + (index % gridPos.w)}/${gridPos.y + Math.floor(index / gridPos.w)}`;
      const other = cells.get(cell);
      if (other !== undefined) found.push(`${title} covers ${other}`);
      cells.set(cell, title);
    }
  }
  return [...new Set(found)];
}

t.test('the addresses of dashboards stay: people have bookmarks', (t) => {
  t.strictSame(
    Object.values(DASHBOARDS).map(({ uid }) => uid),
    ['gitops-service', 'gitops-slo', 'gitops-delivery', 'gitops-capacity'],
  );
  t.end();
});

const panel: Panel = {
  title: 'One',
  description: 'What it shows.',
  kind: 'lines',
  unit: 's',
  width: 24,
  queries: [{ expr: 'up', legend: 'up' }],
};
const dashboard = (...panels: Panel[]): Dashboard => ({
  uid: 'a',
  title: 'A',
  description: '',
  tags: [],
  variables: [],
  rows: [{ title: 'Row', panels }],
});

t.test('what cannot work is refused with file and key', (t) => {
  const query = panel.queries[0] ?? { expr: '', legend: '' };
  const bad: Readonly<Record<string, Panel>> = {
    'queries: missing': { ...panel, queries: [] },
    'queries.0.expr: missing': { ...panel, queries: [{ ...query, expr: ' ' }] },
    'queries.0.expr: not PromQL at column 5: it ends too early': { ...panel, queries: [{ ...query, expr: 'sum(' }] },
    'queries.0.expr: asks for no metric': { ...panel, queries: [{ ...query, expr: 'vector(1)' }] },
    'queries.0.legend: missing': { ...panel, queries: [{ ...query, legend: '' }] },
    'description: missing': { ...panel, description: '' },
    'columns: a table has them, and nothing else': { ...panel, columns: { pod: 'Pod' } },
    'width: the panels of a line have more than 24 columns': { ...panel, width: 25 },
  };
  for (const [problem, wrong] of Object.entries(bad))
    t.strictSame(dashboardProblems({ file: dashboard(wrong) }), [`src/dashboards/file.ts: Row/One: ${problem}`]);
  t.strictSame(dashboardProblems({ file: dashboard({ ...panel, width: 20 }) }), [
    'src/dashboards/file.ts: Row: its last line has 20 of 24 columns',
  ]);
  t.strictSame(dashboardProblems({ file: dashboard(panel, panel) }), [
    'src/dashboards/file.ts: Row/One: title: another panel has it',
  ]);
  t.strictSame(dashboardProblems({ file: { ...dashboard(panel), uid: 'A b' } }), [
    'src/dashboards/file.ts: uid: must be at most 40 of a-z, 0-9 and - (it is "A b")',
  ]);
  t.strictSame(dashboardProblems({ service, copy: service }), [
    'src/dashboards/copy.ts: uid: "gitops-service" is that of src/dashboards/service.ts',
    'src/dashboards/copy.ts: title: "Service" is that of src/dashboards/service.ts',
  ]);
  t.strictSame(dashboardProblems(DASHBOARDS), []);
  t.end();
});
