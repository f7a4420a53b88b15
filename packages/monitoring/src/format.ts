import type { Unit } from './panel.ts';

const significant = (value: number): string => {
  if (value === 0) return '0';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  const text = Math.abs(value) < 0.01 ? value.toPrecision(1) : value.toFixed(digits);
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
};

const scaled = (value: number, steps: readonly (readonly [number, string])[]): string => {
  const [size, unit] = steps.find(([least]) => Math.abs(value) >= least) ?? steps.at(-1) ?? [1, ''];
  return `${significant(value / size)}${unit}`;
};

const COUNTS = [
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
] as const;
const BYTES = [
  [1024 ** 4, ' TiB'],
  [1024 ** 3, ' GiB'],
  [1024 ** 2, ' MiB'],
  [1024, ' KiB'],
  [1, ' B'],
] as const;
const SECONDS = [
  [86_400, ' d'],
  [3600, ' h'],
  [60, ' min'],
  [1, ' s'],
  [1e-3, ' ms'],
  [1e-6, ' µs'],
] as const;

// Four digits are read as fast as two and a k.
const count = (value: number): string => (Math.abs(value) < 1e4 ? significant(value) : scaled(value, COUNTS));

/** A value with its unit, as short as a person needs it: 0.0123 s is "12.3 ms"; a dash where there is none. */
export function formatValue(value: number | undefined, unit: Unit): string {
  if (value === undefined) return '–';
  switch (unit) {
    case 'none':
    case 'short':
      return count(value);
    case 'percentunit':
      return `${percent(value * 100)} %`;
    case 's':
      return value === 0 ? '0 s' : scaled(value, SECONDS);
    case 'bytes':
      return scaled(value, BYTES);
    case 'reqps':
    case 'ops':
      return `${count(value)}/s`;
    case 'currencyUSD':
      return `$${value.toFixed(value >= 100 ? 0 : 2)}`;
  }
}

/** Near 100 the rest counts: 99.95 is not 100. */
function percent(value: number): string {
  const rest = 100 - value;
  if (rest > 0 && rest < 1) return value.toFixed(rest < 0.1 ? 3 : 2).replace(/\.?0+$/, '');
  return significant(value);
}

const BLOCKS = '▁▂▃▄▅▆▇█';

/** The course of values in as many characters as asked; a blank where there is no value. */
export function sparkline(points: readonly (readonly [number, number | undefined])[], width = 16): string {
  const values = points.flatMap(([, value]) => (value === undefined ? [] : [value]));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  let text = '';
  for (let index = 0; index < width; index += 1) {
    const part = points.slice(
      Math.floor((index * points.length) / width),
      Math.ceil(((index + 1) * points.length) / width),
    );
    const known = part.flatMap(([, value]) => (value === undefined ? [] : [value]));
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
    const height = high === low ? 0 : (mean - low) / (high - low);
    text += known.length === 0 ? ' ' : (BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(height * BLOCKS.length))] ?? ' ');
  }
  return text;
}
