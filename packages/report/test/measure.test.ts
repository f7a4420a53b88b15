import t from 'tap';
import { measureTable, median, summary } from '../src/measure.ts';

t.test('the median is the middle, whatever the order', (t) => {
  t.equal(median([10, 9, 1]), 9, 'sorted as numbers, not as text');
  t.equal(median([4, 1, 3, 2]), 2.5, 'the mean of the two in the middle of an even number');
  t.equal(median([7]), 7);
  t.throws(() => median([]), /nothing to take the median of/);
  const given = [3, 1, 2];
  median(given);
  t.same(given, [3, 1, 2], 'what was given stays in its order');
  t.end();
});

t.test('the median is held against what was asked', (t) => {
  t.match(summary('boot', 'ms', [30, 10, 20]), {
    name: 'boot',
    unit: 'ms',
    median: 20,
    min: 10,
    max: 30,
    rounds: 3,
    holds: undefined,
  });
  const holds = (asked: Parameters<typeof summary>[3]): boolean | undefined => summary('', 'x', [1, 2, 9], asked).holds;
  t.equal(holds({ atMost: 2 }), true);
  t.equal(holds({ atMost: 1.9 }), false);
  t.equal(holds({ atLeast: 2 }), true);
  t.equal(holds({ atLeast: 2.1 }), false);
  t.equal(holds({ atLeast: 1, atMost: 3 }), true);
  t.equal(holds({ atLeast: 3, atMost: 4 }), false);
  t.equal(summary('failed', 'count', [0], { atMost: 0 }).holds, true, 'nothing is something to ask for');
  t.end();
});

t.test('the table shows each unit in its own way, and the range only where there is one', (t) => {
  const lines = measureTable([
    summary('up', 's', [1234, 2000, 3000], { atMost: 20_000 }),
    summary('boot', 'ms', [1.25]),
    summary('cost', 'µs', [12.34], {}),
    summary('memory', 'MB', [99.6], { atMost: 99 }),
    summary('ratio', 'x', [1], { atLeast: 1 }),
    summary('rate', '/s', [1234.5]),
    summary('failed', 'count', [0], { atMost: 0 }),
  ])
    .split('\n')
    .map((line) => line.split(/ {2,}/));
  t.same(lines, [
    ['MEASURE', 'MEDIAN', 'MIN', 'MAX', 'ROUNDS', 'ASKED', 'HOLDS'],
    ['up', '2.00 s', '1.23 s', '3.00 s', '3', '≤ 20.00 s', 'yes'],
    ['boot', '1.3 ms', '1'],
    ['cost', '12.3 µs', '1'],
    ['memory', '100 MB', '1', '≤ 99 MB', 'NO'],
    ['ratio', '1.00 x', '1', '≥ 1.00 x', 'yes'],
    ['rate', '1235 /s', '1'],
    ['failed', '0', '1', '≤ 0', 'yes'],
  ]);
  t.end();
});
