import t from 'tap';
import { check } from '../../src/commands/check.ts';
import { missingChartOf, uncheckedLine } from '../../src/render/unchecked.ts';
import { open, root } from '../helper.ts';

const { renderer, proofsOf } = await open(t);
const { capabilities, all } = proofsOf(root);
const { problems, fleet } = await check(renderer, root, capabilities);

t.test('every file is well-formed and read, every application of every cluster renders', (t) => {
  t.strictSame(problems, []);
  t.ok(fleet.length >= 8, `${fleet.length} applications`);
  t.ok(
    fleet
      .filter((entry) => missingChartOf(entry) === undefined)
      .every(({ rendered }) => rendered.ok && rendered.value.length > 0),
  );
  t.comment(uncheckedLine(fleet) ?? 'none is unchecked');
  t.end();
});

for (const { name, intent, prove } of all) {
  t.test(`${name}: ${intent}`, async (t) => {
    t.strictSame(await prove(fleet), []);
  });
}
