import { table } from './table.ts';

/** The unit that a measure is shown in. */
export type Unit = keyof typeof shown;

/** One line of the table: all rounds of one measurement. */
export interface Measure {
  readonly name: string;
  readonly unit: Unit;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
  readonly atMost: number | undefined;
  readonly atLeast: number | undefined;
  /** Whether the median is within its target; undefined without one. */
  readonly holds: boolean | undefined;
}

/** The target of the median. */
export interface Asked {
  readonly atMost?: number;
  readonly atLeast?: number;
}

// How each unit is shown. Seconds are kept in milliseconds.
const shown = {
  s: (value: number) => `${(value / 1000).toFixed(2)} s`,
  ms: (value: number) => `${value.toFixed(1)} ms`,
  µs: (value: number) => `${value.toFixed(1)} µs`,
  MB: (value: number) => `${Math.round(value)} MB`,
  x: (value: number) => `${value.toFixed(2)} x`,
  '/s': (value: number) => `${Math.round(value)} /s`,
  count: (value: number) => String(Math.round(value)),
} as const;

/** The middle value; the mean of the two in the middle of an even number. Throws for no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  if (middle.length === 0) throw new Error('there is nothing to take the median of');
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** Sums up the rounds of one measure. */
export function summary(name: string, unit: Unit, values: readonly number[], { atMost, atLeast }: Asked = {}): Measure {
  const middle = median(values);
  const holds =
    atMost === undefined && atLeast === undefined
      ? undefined
      : middle <= (atMost ?? Infinity) && middle >= (atLeast ?? -Infinity);
  return {
    name,
    unit,
    median: middle,
    min: Math.min(...values),
    max: Math.max(...values),
    rounds: values.length,
    atMost,
    atLeast,
    holds,
  };
}

/** All measures, one a line, beside their targets. */
export function measureTable(measures: readonly Measure[]): string {
  const rows = measures.map(({ name, unit, median: middle, min, max, rounds, atMost, atLeast, holds }) => {
    const show = shown[unit];
    const asked = [atLeast === undefined ? [] : `≥ ${show(atLeast)}`, atMost === undefined ? [] : `≤ ${show(atMost)}`]
      .flat()
      .join(', ');
    return [
      name,
      show(middle),
      rounds === 1 ? '' : show(min),
      rounds === 1 ? '' : show(max),
      String(rounds),
      asked,
      holds === undefined ? '' : holds ? 'yes' : 'NO',
    ];
  });
  return table(['MEASURE', 'MEDIAN', 'MIN', 'MAX', 'ROUNDS', 'ASKED', 'HOLDS'], rows);
}
