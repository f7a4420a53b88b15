import t from 'tap';
import { copy, edit, lacksCharts, open } from '../helper.ts';
import { MISTAKES } from '../mistakes.ts';

const { allProblems } = await open(t);

t.test('a copy without a mistake has no problem', async (t) => {
  t.strictSame(await allProblems(copy(t)), []);
});

t.ok(MISTAKES.length >= 60, `${MISTAKES.length} mistakes`);
const runnable = MISTAKES.filter(({ chart }) => chart === undefined || lacksCharts(chart) === false);
t.test(
  `${MISTAKES.length - runnable.length} mistakes in what upstream charts are given`,
  { skip: lacksCharts() },
  (t) => {
    t.equal(runnable.length, MISTAKES.length);
    t.end();
  },
);
for (const { name, file, from, to, expected } of runnable) {
  t.test(`${file}: ${name}`, async (t) => {
    const folder = copy(t);
    edit(folder, file, from, to);
    const problems = await allProblems(folder);
    t.ok(
      problems.some((problem) => expected.test(problem)),
      `expected: ${String(expected)}`,
      { problems },
    );
  });
}
