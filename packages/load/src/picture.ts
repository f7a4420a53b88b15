import { LineChart, type LineSeriesOption } from 'echarts/charts';
import {
  GraphicComponent,
  type GraphicComponentOption,
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  MarkLineComponent,
  TitleComponent,
  type TitleComponentOption,
} from 'echarts/components';
import { type ComposeOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { COLOURS, forLightAndDark } from '@gitops/report/colours';
import { after, endOf, type Line, type Panel, panelsOf } from './panels.ts';
import type { RunRecord } from './run.ts';
import { clock, type Marker, markers, tickSeconds } from './time-axis.ts';

use([LineChart, GraphicComponent, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, SVGRenderer]);

export type PictureOption = ComposeOption<
  LineSeriesOption | GraphicComponentOption | GridComponentOption | LegendComponentOption | TitleComponentOption
>;

const WIDTH = 1000;
const LEFT = 56;
const RIGHT = 24;
// Title and subtitle, then the first panel's title; the numbers of events are below that.
const TOP = 104;
const NUMBER_LINE = 15;
const PANEL = 150;
const GAP = 64;
const EVENT_LINE = 18;
const EVENT_COLUMNS = 3;
const FONT = 'system-ui, sans-serif';

/**
 * The picture of a run as SVG, legible on light and on dark ground: requests, latency and pods over one time axis, with
 * a numbered line where something happened and the list of these below.
 */
export function picture(record: RunRecord): string {
  const { option, height } = pictureOption(record);
  const chart = init(null, undefined, { renderer: 'svg', ssr: true, width: WIDTH, height });
  try {
    chart.setOption(option);
    return forLightAndDark(chart.renderToSVGString(), titleOf(record));
  } finally {
    chart.dispose();
  }
}

const titleOf = ({ scenario, start }: RunRecord): string =>
  `Load test “${scenario}”, ${new Date(start).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

function subtitleOf({ target, total, rate }: RunRecord): string {
  const bad = total.refused + total.failed;
  return `${target.address}${target.host === undefined ? '' : ` (${target.host})`}: ${total.requests} requests, ${bad} of them without the right answer; usual rate ${rate}/s`;
}

/** The option of ECharts for a run, and the height that it needs. */
export function pictureOption(record: RunRecord): { readonly option: PictureOption; readonly height: number } {
  const panels = panelsOf(record);
  const end = endOf(record);
  const marks = markers(record.events, record.start, end, WIDTH - LEFT - RIGHT);
  const text = { color: COLOURS.muted, fontFamily: FONT, fontSize: 12 };
  const top = TOP + NUMBER_LINE * Math.max(0, ...marks.map(({ level }) => level + 1));
  const topOf = (index: number): number => top + index * (PANEL + GAP);
  const bottom = topOf(panels.length - 1) + PANEL;
  // The first panel's title is above the numbers of the events.
  const headOf = (index: number): number => (index === 0 ? TOP : topOf(index)) - 34;
  const series: LineSeriesOption[] = [];
  for (const [index, panel] of panels.entries()) {
    const [first, ...others] = panel.lines.map((line) => seriesOf(line, index));
    if (first === undefined) continue;
    // The marks hang on the first line of a panel.
    series.push({ ...first, markLine: markLine(marks, panel, index === 0) }, ...others);
  }
  const option: PictureOption = {
    animation: false,
    backgroundColor: COLOURS.ground,
    textStyle: { fontFamily: FONT },
    title: [
      {
        text: titleOf(record),
        subtext: subtitleOf(record),
        left: 16,
        top: 10,
        itemGap: 6,
        textStyle: { color: COLOURS.text, fontFamily: FONT, fontSize: 17, fontWeight: 600 },
        subtextStyle: text,
      },
      ...panels.map(({ title }, index) => ({
        text: title,
        left: LEFT - 6,
        top: headOf(index),
        textStyle: { color: COLOURS.text, fontFamily: FONT, fontSize: 13, fontWeight: 600 },
      })),
    ],
    legend: panels.map(({ lines }, index) => ({
      data: lines.map(({ name }) => name),
      right: RIGHT,
      top: headOf(index),
      silent: true,
      selectedMode: false,
      itemGap: 20,
      itemWidth: 18,
      itemHeight: 8,
      icon: 'roundRect',
      // Texts cannot be measured without a browser; fonts are wider than they are taken for.
      textStyle: { ...text, padding: [0, 12, 0, 0] },
    })),
    grid: panels.map((_, index) => ({
      left: LEFT,
      right: RIGHT,
      top: topOf(index),
      height: PANEL,
    })),
    xAxis: panels.map((_, index) => ({
      type: 'value',
      gridIndex: index,
      min: 0,
      max: end,
      interval: tickSeconds(end),
      ...(index === panels.length - 1 && {
        name: 'minutes:seconds after the first request',
        nameLocation: 'middle' as const,
        nameGap: 26,
        nameTextStyle: text,
      }),
      axisLine: { lineStyle: { color: COLOURS.line } },
      axisTick: { show: true, lineStyle: { color: COLOURS.line } },
      splitLine: { show: false },
      axisLabel: { ...text, formatter: clock, hideOverlap: true, showMaxLabel: false },
    })),
    yAxis: panels.map(({ isLogarithmic = false, isWhole = false }, index) => ({
      type: isLogarithmic ? 'log' : 'value',
      gridIndex: index,
      ...(isLogarithmic ? {} : { min: 0 }),
      ...(isWhole && { minInterval: 1, max: ({ max }: { max: number }) => max + 1 }),
      splitNumber: 4,
      axisLine: { show: false },
      splitLine: { lineStyle: { color: COLOURS.line } },
      axisLabel: text,
    })),
    series,
    graphic: eventList(record, bottom + 56),
  };
  return { option, height: bottom + 64 + Math.ceil(record.events.length / EVENT_COLUMNS) * EVENT_LINE };
}

/** A line where something happened, with its number above the first panel, and the level to compare with. */
function markLine(
  marks: readonly Marker[],
  { level }: Panel,
  isNumbered: boolean,
): NonNullable<LineSeriesOption['markLine']> {
  const number = { color: COLOURS.text, fontFamily: FONT, fontSize: 11, fontWeight: 'bold' } as const;
  const vertical = marks.map(({ seconds, number: text, level: row }) => ({
    xAxis: seconds,
    // ECharts takes two distances, along the line and across it; its types know one.
    label: { ...number, show: isNumbered, formatter: String(text), distance: [0, 2 + row * NUMBER_LINE] as never },
  }));
  const horizontal =
    level === undefined ? [] : [{ yAxis: level, lineStyle: { color: COLOURS.red, type: 'dashed' as const } }];
  return {
    silent: true,
    symbol: 'none',
    animation: false,
    lineStyle: { color: COLOURS.muted, type: [2, 3], width: 1 },
    label: { show: false, position: 'end' },
    data: [...vertical, ...horizontal],
  };
}

function seriesOf(
  { name, colour, points, step, isFilled, isDashed, isDotted = false }: Line,
  panel: number,
): LineSeriesOption {
  return {
    name,
    type: 'line',
    xAxisIndex: panel,
    yAxisIndex: panel,
    data: points.map((point) => [...point]),
    showSymbol: isDotted,
    ...(isDotted && { showAllSymbol: true, symbol: 'circle', symbolSize: 6 }),
    silent: true,
    color: colour,
    lineStyle: {
      color: colour,
      width: isDashed === true || isDotted ? 1.5 : 2,
      type: isDashed === true ? 'dashed' : 'solid',
    },
    ...(step === true && { step: 'end' as const }),
    ...(isFilled === true && { areaStyle: { color: colour, opacity: 0.15 } }),
  };
}

/** The events with their numbers, in columns. */
function eventList({ events, start }: RunRecord, top: number): GraphicComponentOption {
  const width = (WIDTH - 2 * 16) / EVENT_COLUMNS;
  const rows = Math.ceil(events.length / EVENT_COLUMNS);
  return {
    elements: events.map(({ time, text }, index) => ({
      type: 'text' as const,
      left: 16 + Math.floor(index / rows) * width,
      top: top + (index % rows) * EVENT_LINE,
      silent: true,
      style: {
        text: `${index + 1}   ${clock(Math.max(0, after(start, time)))}   ${text}`,
        fill: COLOURS.text,
        font: `12px ${FONT}`,
      },
    })),
  };
}
