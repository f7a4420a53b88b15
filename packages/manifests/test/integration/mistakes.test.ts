import t from 'tap';
import { apply, copy, lacksCharts, open } from '../helper.ts';
import { MISTAKES } from '../mistakes.ts';

const { allProblems } = await open(t);

t.test('a copy without a mistake has no problem', async (t) => {
  t.strictSame(await allProblems(copy(t)), []);
});

t.ok(MISTAKES.length >= 60, `${MISTAKES.length} mistakes`);
const lacks = (chart: string): boolean => lacksCharts(...(chart === 'all' ? [] : [chart])) !== false;
const runnable = MISTAKES.filter(({ chart }) => chart === undefined || !lacks(chart));
t.test(
  `${MISTAKES.length - runnable.length} mistakes in what upstream charts are given`,
  { skip: lacksCharts() },
  (t) => {
    t.equal(runnable.length, MISTAKES.length);
    t.end();
  },
);
for (const { name, edits, expected, isOnly } of runnable) {
  t.test(name, async (t) => {
    const folder = copy(t);
    for (const edit of edits) apply(folder, edit);
    const problems = await allProblems(folder);
    if (expected === undefined) {
      t.strictSame(problems, []);
      return;
    }
    const found = problems.filter((problem) => expected.test(problem));
    t.ok(found.length > 0, `expected: ${String(expected)}`, { problems });
    if (isOnly === true) t.strictSame(problems, found, 'nothing but the cause');
  });
}
