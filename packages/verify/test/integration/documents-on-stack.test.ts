import t from 'tap';
import { documentsToFollow } from '../../src/documents.ts';
import { openReader } from '../reader.ts';
import { filesOfTree, read } from '../tree.ts';

// DOCUMENT="README.md docs/runbooks/rollback.md" follows these alone.
const documents = documentsToFollow(filesOfTree(), ['stack'], read, process.env.DOCUMENT);

t.test('documents for a running stack', { timeout: 900_000, skip: documents.length === 0 }, async (t) => {
  const reader = await openReader('stack');
  t.teardown(async () => reader.close());
  for (const document of documents)
    await t.test(`${document}, command by command`, async (t) => reader.follow(t, document));
});
