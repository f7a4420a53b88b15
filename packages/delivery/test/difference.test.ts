import t from 'tap';
import { differences, fieldDifferences } from '../src/difference.ts';

const object = (kind: string, spec: unknown) => ({ apiVersion: 'v1', kind, metadata: { name: 'x' }, spec });

t.test('each field that differs, by its path', (t) => {
  t.strictSame(fieldDifferences({ a: { b: 1, same: 1 }, 'x.io/y': 'u' }, { a: { b: 2, same: 1, c: [1, { d: 2 }] }, 'x.io/y': 'v' }), [
    { path: 'a.b', before: 1, after: 2 },
    { path: 'a.c', before: undefined, after: [1, { d: 2 }] },
    { path: '["x.io/y"]', before: 'u', after: 'v' },
  ]);
  t.strictSame(fieldDifferences([1, { a: 1 }], [1, { a: 2 }, 3]), [
    { path: '[1].a', before: 1, after: 2 },
    { path: '[2]', before: undefined, after: 3 },
  ]);
  t.end();
});

t.test('objects that came or went are one difference each; order does not matter', (t) => {
  t.strictSame(differences([object('A', 1), object('B', 1)], [object('B', 1), object('A', 1)]), []);
  t.strictSame(differences([object('A', 1)], [object('C', 2)]).map(({ object: name, path }) => [name, path]), [
    ['A/x', ''],
    ['C/x', ''],
  ]);
  t.end();
});
