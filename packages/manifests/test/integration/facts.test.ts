import t from 'tap';
import { copy, edit, lacksCharts, open } from '../helper.ts';
import { RIGHT } from '../mistakes/facts.ts';

const { allProblems } = await open(t);

t.test('values that agree with the facts give no problem', { skip: lacksCharts() }, async (t) => {
  const folder = copy(t);
  for (const [file, from, to] of RIGHT) edit(folder, file, from, to);
  t.strictSame(await allProblems(folder), []);
});
