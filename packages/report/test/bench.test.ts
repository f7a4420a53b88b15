import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { reportBench, runParts } from '../src/bench.ts';
import { summary } from '../src/measure.ts';

t.test('a part that fails loses its own figures and those of no other part', async (t) => {
  const output = t.capture(process.stderr, 'write', () => true);
  const result = await runParts({
    first: async () => Promise.resolve([summary('first', 'ms', [1])]),
    broken: async () => Promise.reject(new Error('no room')),
    partly: async (fail) => {
      fail('one of two');
      return Promise.resolve([summary('the other one', 'ms', [2])]);
    },
    last: async () => Promise.resolve([summary('last', 'ms', [3])]),
  });
  t.strictSame(
    result.measures.map(({ name }) => name),
    ['first', 'the other one', 'last'],
  );
  t.strictSame(result.failures, ['broken: no room', 'partly: one of two']);
  t.strictSame(
    output().map(({ args: [text] }) => text),
    ['error: broken: no room\n', 'error: partly: one of two\n'],
    'reported when it happens',
  );
});

t.test('measures are printed and written despite failures, and the exit code is 1', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'report-'));
  const before = process.exitCode;
  t.teardown(() => {
    process.exitCode = before;
    rmSync(folder, { recursive: true });
  });
  const printed = t.capture(console, 'log', () => undefined);
  const file = join(folder, 'new/bench.json');
  const measures = [summary('boot', 'ms', [1])];

  reportBench({ measures, failures: [] }, { file, json: false });
  t.equal(process.exitCode, before, 'nothing failed');

  const result = { rounds: 1, measures, failures: ['cost: too slow'] };
  reportBench(result, { file, json: false });
  t.equal(process.exitCode, 1);
  t.same(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(JSON.stringify(result)));

  reportBench(result, { file, json: true });
  reportBench({ measures: [], failures: ['cost: too slow'] }, { file, json: false });
  const [table = '', withFailure = '', json = '', empty = ''] = printed().map(({ args: [text] }) => String(text));
  t.match(table, /^\nMEASURE .*\nboot .*\n\nwritten to /);
  t.match(withFailure, /boot .*\n\nnot measured: cost: too slow\nwritten to /);
  t.same(JSON.parse(json), JSON.parse(JSON.stringify(result)));
  t.match(empty, /^\n\nnot measured: cost: too slow\n/);
  t.end();
});
