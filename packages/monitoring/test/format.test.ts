import t from 'tap';
import { formatValue, sparkline } from '../src/format.ts';
import type { Unit } from '../src/panel.ts';

t.test('values have as many digits as a person needs, and their unit', (t) => {
  const known: readonly (readonly [number, Unit, string])[] = [
    [0.0123, 's', '12.3 ms'],
    [0.000596, 's', '596 µs'],
    [0, 's', '0 s'],
    [1.5, 's', '1.5 s'],
    [90, 's', '1.5 min'],
    [86_400, 's', '1 d'],
    [0, 'bytes', '0 B'],
    [134_217_728, 'bytes', '128 MiB'],
    [1, 'percentunit', '100 %'],
    [0.9995, 'percentunit', '99.95 %'],
    [0.99995, 'percentunit', '99.995 %'],
    [0.001, 'percentunit', '0.1 %'],
    [0.5, 'percentunit', '50 %'],
    [-0.25, 'percentunit', '-25 %'],
    [14.4, 'short', '14.4'],
    [12_345, 'none', '12.3 k'],
    [100, 'none', '100'],
    [0.004, 'reqps', '0.004/s'],
    [63.456, 'reqps', '63.5/s'],
    [321.4, 'currencyUSD', '$321'],
    [0.5, 'currencyUSD', '$0.50'],
  ];
  for (const [value, unit, text] of known) t.equal(formatValue(value, unit), text, `${value} ${unit}`);
  t.end();
});

t.test('a sparkline follows the values, and has a gap where there are none', (t) => {
  const points = (values: readonly (number | undefined)[]) => values.map((value, index) => [index, value] as const);
  t.equal(sparkline(points([0, 1, 2, 3, 4, 5, 6, 7]), 8), '▁▂▃▄▅▆▇█');
  t.equal(sparkline(points([5, 5, 5, 5]), 4), '▁▁▁▁');
  t.equal(sparkline(points([0, undefined, 1]), 3), '▁ █');
  t.equal(sparkline(points([1, 2]), 4).length, 4);
  t.end();
});
