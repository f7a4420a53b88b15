import t from 'tap';
import { nearest } from '../src/nearest.ts';

t.test('a slip of the finger is recognized, something else is not', (t) => {
  const names = ['cluster', 'stack', 'yes', 'recover', 'production'];
  for (const [typed, meant] of [
    ['clutser', 'cluster'],
    ['CLUSTR', 'cluster'],
    ['custer', 'cluster'],
    ['clusters', 'cluster'],
    ['stakc', 'stack'],
    ['recovr', 'recover'],
    ['yse', 'yes'],
    ['prod', 'production'],
    ['app', undefined],
    ['foo', undefined],
    ['retsulc', undefined],
  ] as const)
    t.equal(nearest(typed, names), meant, typed);
  t.equal(nearest('x', []), undefined);
  t.equal(nearest('dve', ['dive', 'dev']), 'dive', 'the first of two that are as near');
  t.end();
});
