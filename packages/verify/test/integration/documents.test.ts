import t from 'tap';
import { documentsToFollow } from '../../src/documents.ts';
import { openReader } from '../reader.ts';
import { filesOfTree, read } from '../tree.ts';

// DOCUMENT="docs/guides/aws.md docs/guides/github.md" follows these alone.
for (const world of ['clone', 'aws'] as const) {
  const documents = documentsToFollow(filesOfTree(), [world], read, process.env.DOCUMENT);
  if (documents.length === 0) continue;
  t.test(`documents for ${world}`, { timeout: 900_000 }, async (t) => {
    const reader = await openReader(world);
    t.teardown(async () => reader.close());
    for (const document of documents)
      await t.test(`${document}, command by command`, async (t) => reader.follow(t, document));
  });
}
