import { LineChart, type LineSeriesOption } from 'echarts/charts';
import { GridComponent, type GridComponentOption } from 'echarts/components';
import { type ComposeOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { COLOURS } from '@gitops/report/colours';
import type { Line, Span } from './collect.ts';
import { formatValue } from './format.ts';
import type { Panel } from './panel.ts';

use([LineChart, GridComponent, SVGRenderer]);

type ChartOption = ComposeOption<LineSeriesOption | GridComponentOption>;

const PALETTE = ['blue', 'orange', 'green', 'purple', 'teal', 'pink', 'yellow', 'muted'] as const;
const FONT = 'system-ui, sans-serif';
const TEXT = { color: COLOURS.muted, fontFamily: FONT, fontSize: 12 };

/** The colour of each line: a limit is red, and no other line is. */
export function coloursOf(lines: readonly Line[]): string[] {
  let index = 0;
  return lines.map(({ isLimit }) => (isLimit ? COLOURS.red : COLOURS[PALETTE[index++ % PALETTE.length] ?? 'blue']));
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The lines of a panel over time as SVG, in colours of light ground. */
export function chart(panel: Panel, lines: readonly Line[], span: Span, size: Size): string {
  const { unit, isLogarithmic = false } = panel;
  const days = span.to - span.from > 86_400;
  return draw(
    {
      animation: false,
      grid: { left: 62, right: 16, top: 10, bottom: 30 },
      xAxis: {
        type: 'time',
        min: span.from * 1000,
        max: span.to * 1000,
        splitNumber: Math.max(2, Math.round(size.width / 110)),
        axisLine: { lineStyle: { color: COLOURS.line } },
        axisTick: { lineStyle: { color: COLOURS.line } },
        axisLabel: { ...TEXT, margin: 13, hideOverlap: true, formatter: (time: number) => clock(time, days) },
      },
      yAxis: {
        type: isLogarithmic ? 'log' : 'value',
        ...(isLogarithmic ? {} : scaleOf(panel, lines)),
        splitNumber: 4,
        splitLine: { lineStyle: { color: COLOURS.line, width: 1 } },
        axisLabel: { ...TEXT, formatter: (value: number) => formatValue(value, unit) },
      },
      series: seriesOf(panel, lines, span),
    },
    size,
    panel.title,
  );
}

/** The course of one line, without axes. */
export function sparkChart({ title }: Panel, line: Line, span: Span, size: Size): string {
  return draw(
    {
      animation: false,
      grid: { left: 0, right: 0, top: 2, bottom: 2 },
      xAxis: { type: 'time', show: false, min: span.from * 1000, max: span.to * 1000 },
      yAxis: {
        type: 'value',
        show: false,
        min: ({ min }) => Math.min(0, min),
        max: ({ max }) => (max === 0 ? 1 : max),
      },
      series: [{ ...lineOf(line, COLOURS.blue), areaStyle: { color: COLOURS.blue, opacity: 0.12 } }],
    },
    size,
    `${title}: its course`,
  );
}

function draw(option: ChartOption, { width, height }: Size, title: string): string {
  const made = init(null, undefined, { renderer: 'svg', ssr: true, width, height });
  try {
    made.setOption(option);
    const svg = made.renderToSVGString();
    return svg.replace(/^<svg[^>]*>/, (tag) => labelled(tag, width, height, title));
  } finally {
    made.dispose();
  }
}

/** The tag of an SVG that fills the width it is given, and has a name for people who hear it. */
const labelled = (tag: string, width: number, height: number, title: string): string =>
  tag
    .replace(/ width="[^"]*"| height="[^"]*"| viewBox="[^"]*"/g, '')
    .replace(
      '<svg',
      `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title.replaceAll('"', '&quot;')}"`,
    );

function seriesOf({ kind, isLogarithmic = false }: Panel, lines: readonly Line[], span: Span): LineSeriesOption[] {
  const colours = coloursOf(lines);
  return lines.map((line, index) => {
    const colour = colours[index] ?? COLOURS.blue;
    if (line.isLimit) return { ...lineOf(line, colour), lineStyle: { color: colour, width: 1.5, type: [6, 4] }, z: 1 };
    if (kind === 'areas')
      return {
        ...lineOf(line, colour),
        data: onGrid(line, span),
        stack: 'all',
        areaStyle: { color: colour, opacity: 0.35 },
      };
    if (!isLogarithmic) return lineOf(line, colour);
    const positive = line.points.map(
      ([time, value]) => [time, value !== undefined && value > 0 ? value : undefined] as const,
    );
    return lineOf({ ...line, points: positive }, colour);
  });
}

/** Bounds and ticks of the axis of values: whole numbers, powers of two for bytes, and none that crowd a bound. */
function scaleOf({ unit, min, max }: Panel, lines: readonly Line[]): object {
  const values = lines.flatMap(({ points }) => points.flatMap(([, value]) => value ?? []));
  if (max !== undefined) {
    const step = roundStep((max - Math.min(min ?? 0, ...values)) / 4);
    return { max, min: max - step * Math.ceil((max - Math.min(min ?? 0, ...values)) / step), interval: step };
  }
  const bounds = min === undefined ? {} : { min };
  if (unit === 'none') return { ...bounds, minInterval: 1 };
  if (unit !== 'bytes') return bounds;
  const most = Math.max(1, ...values);
  const step = 2 ** Math.max(0, Math.ceil(Math.log2(most / 4)));
  return { ...bounds, max: step * Math.ceil(most / step), interval: step };
}

/** The next larger of 1, 2, 2.5 and 5 times a power of ten. */
function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * ([1, 2, 2.5, 5].find((step) => step * power >= size) ?? 10);
}

function lineOf({ name, points }: Line, colour: string): LineSeriesOption {
  return {
    name,
    type: 'line',
    data: points.map(([time, value]) => [time * 1000, value ?? null]),
    // A line of one point is a dot.
    showSymbol: points.length < 3,
    symbol: 'circle',
    symbolSize: 5,
    silent: true,
    color: colour,
    lineStyle: { color: colour, width: 1.75 },
  };
}

/** A value at every step: what is stacked must have the same times. */
function onGrid({ points }: Line, { from, to, step }: Span): [number, number][] {
  const known = new Map(points);
  const all: [number, number][] = [];
  for (let time = from; time <= to; time += step) all.push([time * 1000, known.get(time) ?? 0]);
  return all;
}

function clock(time: number, isLong: boolean): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = date.getSeconds() === 0 ? '' : `:${two(date.getSeconds())}`;
  const day = isLong ? `${two(date.getDate())}.${two(date.getMonth() + 1)}. ` : '';
  return `${day}${two(date.getHours())}:${two(date.getMinutes())}${seconds}`;
}
