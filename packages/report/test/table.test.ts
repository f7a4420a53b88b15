import t from 'tap';
import { table } from '../src/table.ts';

t.test('columns are as wide as their widest cell, and lines end without spaces', (t) => {
  t.equal(
    table(
      ['A', 'LONG', 'C'],
      [
        ['wide', '1', ''],
        ['x', '', 'z'],
      ],
    ),
    ['A     LONG  C', 'wide  1', 'x           z'].join('\n'),
  );
  t.equal(table(['A', 'B'], []), 'A  B', 'without rows, the header alone');
  t.equal(table(['A', 'B'], [['1']]), 'A  B\n1', 'a cell that is missing is empty');
  t.end();
});
