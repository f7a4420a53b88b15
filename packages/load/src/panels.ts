import { COLOURS } from '@gitops/report/colours';
import type { RunRecord } from './run.ts';
import type { Second } from './tally.ts';

/** A line of a panel: its points are seconds after the first request, and a value. */
export interface Line {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [number, number | null])[];
  readonly step?: boolean;
  readonly isFilled?: boolean;
  readonly isDashed?: boolean;
  /** Points that are seen one by one: a single failed request among hundreds must not be missed. */
  readonly isDotted?: boolean;
}

/** One of the panels of the picture, all of which have the same time axis. */
export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly isLogarithmic?: boolean;
  readonly isWhole?: boolean;
  /** A level to compare with. */
  readonly level?: number;
}

/** A moment in seconds after the first request. */
export const after = (start: number, milliseconds: number): number => Math.round((milliseconds - start) / 100) / 10;

/** The end of the time axis, in seconds. */
export function endOf({ start, seconds, replicas }: RunRecord): number {
  const lastRequest = (seconds.at(-1)?.time ?? start / 1000) + 1 - start / 1000;
  const lastSample = after(start, replicas.at(-1)?.time ?? start);
  return Math.max(1, Math.ceil(lastRequest), Math.ceil(lastSample));
}

/** Requests, latency and, where they are known, pods. */
export function panelsOf(record: RunRecord): Panel[] {
  const { start, seconds, replicas, target } = record;
  const points = (value: (second: Second) => number | undefined): Line['points'] =>
    seconds.map((second) => [after(start, second.time * 1000 + 500), value(second) ?? null]);
  const requests: Panel = {
    title: 'Requests per second',
    lines: [
      { name: 'all', colour: COLOURS.blue, points: points((each) => each.requests), isFilled: true },
      { name: '4xx as expected', colour: COLOURS.muted, points: points((each) => each.mistakes) },
      {
        name: 'refused (503)',
        colour: COLOURS.orange,
        points: points(({ refused }) => refused || undefined),
        isDotted: true,
      },
      { name: 'failed', colour: COLOURS.red, points: points(({ failed }) => failed || undefined), isDotted: true },
    ],
  };
  const { milliseconds, percent } = target.slo.latency;
  const latency: Panel = {
    title: `Latency in ms; dashed: the objective, ${percent} % within ${milliseconds} ms`,
    isLogarithmic: true,
    level: milliseconds,
    lines: [
      { name: 'p50', colour: COLOURS.blue, points: points(({ p50 }) => p50) },
      { name: 'p95', colour: COLOURS.purple, points: points(({ p95 }) => p95) },
      { name: 'p99', colour: COLOURS.orange, points: points(({ p99 }) => p99) },
    ],
  };
  if (replicas.length === 0) return [requests, latency];
  const pods: Panel = {
    title: 'Pods',
    isWhole: true,
    lines: [
      {
        name: 'ready',
        colour: COLOURS.green,
        points: replicas.map(({ time, ready }) => [Math.max(0, after(start, time)), ready]),
        step: true,
        isFilled: true,
      },
      {
        name: 'desired',
        colour: COLOURS.text,
        points: replicas.map(({ time, desired }) => [Math.max(0, after(start, time)), desired]),
        step: true,
        isDashed: true,
      },
    ],
  };
  return [requests, latency, pods];
}
