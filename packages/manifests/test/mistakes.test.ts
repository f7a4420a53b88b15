import t from 'tap';
import { copy, edit, open } from './helper.ts';
import { MISTAKES } from './mistakes.ts';

const { allProblems } = await open(t);

t.test('a copy without a mistake has no problem', async (t) => {
  t.strictSame(await allProblems(copy(t)), []);
});

t.ok(MISTAKES.length >= 60, `${MISTAKES.length} mistakes`);
for (const { name, file, from, to, told } of MISTAKES) {
  t.test(`${file}: ${name}`, async (t) => {
    const folder = copy(t);
    edit(folder, file, from, to);
    const problems = await allProblems(folder);
    t.ok(
      problems.some((problem) => told.test(problem)),
      `told: ${String(told)}`,
      { problems },
    );
  });
}
