import t from 'tap';
import { missingLine, stepsOf } from '../src/guide.ts';

t.test('the steps of a guide are its blocks of commands, edits and output', (t) => {
  const guide =
    'Text\n\n```sh\nmake a\nmake b\n```\n\n```text\nout\n```\n\n```yaml\nx: 1\n```\n```sh fails\nmake c\n```\n```diff\n--- a/x\n+++ b/x\n```\n```sh charts\nmake d\n```\n```text\nd\n```\n';
  t.strictSame(stepsOf(guide), [
    { line: 3, kind: 'sh', content: 'make a\nmake b\n', fails: false, needsCharts: false },
    { line: 8, kind: 'text', content: 'out\n', fails: false, needsCharts: false },
    { line: 15, kind: 'sh', content: 'make c\n', fails: true, needsCharts: false },
    { line: 18, kind: 'diff', content: '--- a/x\n+++ b/x\n', fails: false, needsCharts: false },
    { line: 22, kind: 'sh', content: 'make d\n', fails: false, needsCharts: true },
    { line: 25, kind: 'text', content: 'd\n', fails: false, needsCharts: true },
  ]);
  t.end();
});

t.test('what a guide shows must have been printed, line by line and in order', (t) => {
  const printed = 'one\n  two 2.5 s\nthree (abc)\n';
  for (const shown of ['one\nthree (abc)\n', 'two … s\n', '…\nthree …\n', '… (abc)\n', ''])
    t.equal(missingLine(shown, printed), undefined, JSON.stringify(shown));
  t.equal(missingLine('three (abc)\none\n', printed), 'one');
  t.equal(missingLine('two … min\n', printed), 'two … min');
  t.equal(missingLine('ne\n', printed), 'ne');
  t.equal(missingLine('thre\n', printed), 'thre');
  t.end();
});
