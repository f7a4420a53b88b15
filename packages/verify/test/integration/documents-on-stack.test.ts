import t from 'tap';
import { stepsOf } from '../../src/blocks.ts';
import { documentsIn, worldOf } from '../../src/documents.ts';
import { openReader } from '../reader.ts';
import { filesOfTree, read } from '../tree.ts';

// DOCUMENT=README.md follows one document.
const documents = documentsIn(filesOfTree()).filter(
  (file) =>
    (process.env.DOCUMENT ?? file) === file &&
    worldOf(file) === 'stack' &&
    stepsOf(read(file)).some(({ notRun }) => notRun === undefined),
);

t.test('documents for a running stack', { timeout: 900_000 }, async (t) => {
  const reader = await openReader('stack');
  t.teardown(async () => reader.close());
  for (const document of documents)
    await t.test(`${document}, command by command`, async (t) => reader.follow(t, document));
});
