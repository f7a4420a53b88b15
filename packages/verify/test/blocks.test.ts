import t from 'tap';
import { blocksOf, formatProblems, likestLine, missingLine, stepsOf } from '../src/blocks.ts';

t.test('the steps of a document are its blocks of commands, edits and output', (t) => {
  const document =
    'Text\n\n```sh\nmake a\nmake b\n```\n\n```text\nout\n```\n\n```yaml\nx: 1\n```\n```sh fails\nmake c\n```\n```diff\n--- a/x\n+++ b/x\n```\n```sh charts\nmake d\n```\n```text\nd\n```\n';
  const usual = { fails: false, needsCharts: false, notRun: undefined };
  t.strictSame(stepsOf(document), [
    { ...usual, line: 3, kind: 'sh', content: 'make a\nmake b\n' },
    { ...usual, line: 8, kind: 'text', content: 'out\n' },
    { ...usual, line: 15, kind: 'sh', content: 'make c\n', fails: true },
    { ...usual, line: 18, kind: 'diff', content: '--- a/x\n+++ b/x\n' },
    { ...usual, line: 22, kind: 'sh', content: 'make d\n', needsCharts: true },
    { ...usual, line: 25, kind: 'text', content: 'd\n', needsCharts: true },
  ]);
  t.end();
});

t.test('a block within a list loses its indentation, and nothing more', (t) => {
  t.strictSame(blocksOf('1. Do\n\n   ```sh\n   make a \\\n     B=c\n\n   ```\n'), [
    { line: 3, language: 'sh', attribute: '', content: 'make a \\\n  B=c\n\n' },
  ]);
  t.throws(() => blocksOf('```sh\nmake a\n'), /line 1: the block has no end/);
  t.end();
});

t.test('a mark says why commands are not run; their output is not compared either', (t) => {
  const steps = stepsOf('```sh\n# Not run by the tests: needs AWS.\naws x\n```\n```text\ny\n```\n```sh\nz\n```\n');
  t.strictSame(
    steps.map(({ notRun }) => notRun),
    ['needs AWS', 'needs AWS', undefined],
  );
  t.end();
});

t.test('a block that would silently not be run, or not be compared, is a mistake', (t) => {
  for (const [document, line, message] of [
    ['\n```console\n$ make up\n```\n', 2, /console is not run: write `sh`/],
    ['```\nmake up\n```\n', 1, /without a language/],
    ['```bsh\nmake up\n```\n', 1, /unknown language bsh; known are sh, /],
    ['```sh fail\nmake up\n```\n', 1, /unknown attribute fail;/],
    ['```text\nout\n```\n```sh\nmake up\n```\n', 1, /there are none/],
    ['```sh\n$ make up\n```\n', 1, /without "\$ "/],
    ['```sh\nmake up\n# Not run by the tests: needs AWS.\n```\n', 1, /first line of its block/],
    ['```sh\n# Not run: needs AWS\n```\n', 1, /first line of its block/],
  ] as const)
    t.match(formatProblems(document), [{ line, message }], document);
  t.strictSame(formatProblems('```sh fails\nmake up\n```\n```text\nout\n```\n```mermaid\na\n```\n'), []);
  t.end();
});

t.test('what a document shows must have been printed, line by line and in order', (t) => {
  const printed = 'one\n  two 2.5 s\nthree (abc)\n';
  for (const shown of ['one\nthree (abc)\n', 'two … s\n', '…\nthree …\n', '… (abc)\n', ''])
    t.equal(missingLine(shown, printed), undefined, JSON.stringify(shown));
  t.strictSame(missingLine('three (abc)\none\n', printed), { index: 1, text: 'one' });
  t.strictSame(missingLine('two … min\n', printed), { index: 0, text: 'two … min' });
  t.match(missingLine('ne\n', printed), { text: 'ne' });
  t.match(missingLine('thre\n', printed), { text: 'thre' });
  t.end();
});

t.test('the line that was meant is the one with most words in common', (t) => {
  t.equal(likestLine('two 3 s', 'one\n  two 2.5 s\nthree 3'), 'two 2.5 s');
  t.equal(likestLine('four', 'one\n'), undefined);
  t.end();
});
