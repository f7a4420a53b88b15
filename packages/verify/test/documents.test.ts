import t from 'tap';
import { formatProblems, stepsOf } from '../src/blocks.ts';
import { documentsIn, named } from '../src/documents.ts';
import { filesOfTree, read } from './tree.ts';

const files = filesOfTree();
const documents = documentsIn(files);

t.test('every shell block is run or says why not', (t) => {
  for (const document of documents)
    for (const { line, message } of formatProblems(read(document))) t.fail(`${document}:${line}: ${message}`);
  const blocks = documents.flatMap((document) => stepsOf(read(document)).filter(({ kind }) => kind === 'sh'));
  const marked = blocks.filter(({ notRun }) => notRun !== undefined).length;
  t.ok(blocks.length > 50, `${blocks.length} blocks`);
  t.ok(marked * 10 <= blocks.length, `${marked} of them are not run, at most one in ten`);
  t.end();
});

t.test('the table of what documents need names documents', (t) => {
  for (const document of named) t.ok(files.includes(document), document);
  t.end();
});
