import t from 'tap';
import { stepsOf } from '../../src/blocks.ts';
import { documentsIn, worldOf } from '../../src/documents.ts';
import { openReader } from '../reader.ts';
import { filesOfTree, read } from '../tree.ts';

// DOCUMENT=docs/guides/aws.md follows one document.
const documents = documentsIn(filesOfTree()).filter(
  (file) =>
    (process.env.DOCUMENT ?? file) === file &&
    worldOf(file) !== 'stack' &&
    stepsOf(read(file)).some(({ notRun }) => notRun === undefined),
);

for (const world of ['clone', 'aws'] as const) {
  const followed = documents.filter((file) => worldOf(file) === world);
  if (followed.length === 0) continue;
  t.test(`documents for ${world}`, { timeout: 900_000 }, async (t) => {
    const reader = await openReader(world);
    t.teardown(async () => reader.close());
    for (const document of followed)
      await t.test(`${document}, command by command`, async (t) => reader.follow(t, document));
  });
}
