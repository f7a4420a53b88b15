import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  LineStyleBuilder,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  FieldColorBuilder,
  FieldColorModeId,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as NumberBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { type Dashboard, heightOf, type Level, type Panel, type Query, type Variable } from './panel.ts';
import { ALL } from './variables.ts';

/** Every query and variable asks the datasource that the reader chose. */
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLOURS: Readonly<Record<Level['is'], string>> = { good: 'green', warning: 'orange', bad: 'red' };

/** The file of a dashboard, as Grafana's provisioning reads it: without an id, which is each Grafana's own. */
export function grafanaJson(dashboard: Dashboard): string {
  return `${JSON.stringify(grafanaDashboard(dashboard), null, 2)}\n`;
}

function grafanaDashboard({ uid, title, description, tags, variables, rows }: Dashboard): unknown {
  // Files that a sidecar hands to Grafana have this form; the newer one comes by Grafana's own API server.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['gitops', ...tags])
    .timezone('browser')
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'));
  for (const variable of variables) builder.withVariable(grafanaVariable(variable));
  let id = 1;
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title).id(id++));
    for (const panel of row.panels) builder.withPanel(grafanaPanel(panel).id(id++));
  }
  return builder.build();
}

const grafanaVariable = ({ name, series }: Variable): QueryVariableBuilder =>
  new QueryVariableBuilder(name)
    .label(name)
    .datasource(DATASOURCE)
    .query({ query: `label_values(${series}, ${name})`, refId: name })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(ALL)
    .current({ selected: true, text: 'All', value: '$__all' });

type Builder = LinesBuilder | NumberBuilder | TableBuilder;

function grafanaPanel(panel: Panel): Builder {
  const { title, description, kind, unit, width, levels, min, max } = panel;
  const builder: Builder =
    kind === 'number' ? numberPanel(panel) : kind === 'table' ? tablePanel(panel) : linesPanel(panel);
  builder
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(unit)
    .span(width)
    .height(heightOf(panel))
    .noValue('no data');
  for (const target of targets(panel)) builder.withTarget(target);
  if (levels !== undefined) builder.thresholds(thresholds(levels));
  if (min !== undefined) builder.min(min);
  if (max !== undefined) builder.max(max);
  return builder;
}

const refId = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index);

function targets({ queries, kind }: Panel): DataqueryBuilder[] {
  return queries.map(({ expr, legend }, index) => {
    const query = new DataqueryBuilder().datasource(DATASOURCE).expr(expr).refId(refId(index));
    return kind === 'table'
      ? query.instant().format(PromQueryFormat.Table)
      : query.range().format(PromQueryFormat.TimeSeries).legendFormat(legend);
  });
}

function thresholds(levels: readonly Level[]): ThresholdsConfigBuilder {
  const steps = levels.map(({ from, is }, index) => ({ value: index === 0 ? null : from, color: COLOURS[is] }));
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

function numberPanel({ levels }: Panel): NumberBuilder {
  const mode = levels === undefined ? FieldColorModeId.Fixed : FieldColorModeId.Thresholds;
  const colour = new FieldColorBuilder().mode(mode);
  if (levels === undefined) colour.fixedColor('text');
  return new NumberBuilder()
    .colorScheme(colour)
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

function linesPanel({ kind, queries, isLogarithmic = false }: Panel): LinesBuilder {
  const builder = new LinesBuilder()
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic))
    .lineWidth(1)
    .fillOpacity(kind === 'areas' ? 30 : 5)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (kind === 'areas') builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  if (isLogarithmic)
    builder.scaleDistribution(new ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(10));
  for (const [index, { isLimit = false }] of queries.entries()) if (isLimit) drawLimit(builder, refId(index));
  return builder;
}

function drawLimit(builder: LinesBuilder, ref: string): void {
  builder.overrideByQuery(ref, [
    { id: 'color', value: { mode: FieldColorModeId.Fixed, fixedColor: COLOURS.bad } },
    { id: 'custom.lineStyle', value: new LineStyleBuilder().fill('dash').dash([6, 4]).build() },
    { id: 'custom.fillOpacity', value: 0 },
  ]);
}

function tablePanel({ queries, columns = {} }: Panel): TableBuilder {
  const builder = new TableBuilder();
  // Grafana calls the values of several queries Value #A, Value #B.
  const valueOf = (index: number): string => (queries.length === 1 ? 'Value' : `Value #${refId(index)}`);
  const values = queries.map(({ legend }: Query, index): [string, string] => [valueOf(index), legend]);
  const order = [...Object.keys(columns), ...values.map(([name]) => name)];
  if (queries.length > 1) builder.withTransformation({ id: 'merge', options: {} });
  return builder.withTransformation({
    id: 'organize',
    options: {
      excludeByName: { Time: true },
      renameByName: { ...columns, ...Object.fromEntries(values) },
      indexByName: Object.fromEntries(order.map((name, index) => [name, index])),
    },
  });
}
