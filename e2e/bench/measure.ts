/** One line of the table. Times are in milliseconds, memory in MB, ratios plain. */
export interface Measure {
  readonly name: string;
  readonly unit: 's' | 'MB' | 'x';
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
  readonly atMost: number | undefined;
  /** Whether the median is within what was asked; undefined where nothing was. */
  readonly holds: boolean | undefined;
}

/** The middle value; the mean of the two in the middle of an even number. Throws where there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  if (middle.length === 0) throw new Error('there is nothing to take the median of');
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** Sums up the rounds of one measure. */
export function summary(name: string, unit: Measure['unit'], values: readonly number[], { atMost }: { atMost?: number } = {}): Measure {
  const middle = median(values);
  return { name, unit, median: middle, min: Math.min(...values), max: Math.max(...values), rounds: values.length, atMost, holds: atMost === undefined ? undefined : middle <= atMost };
}
