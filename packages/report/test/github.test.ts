import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { setJobOutputs } from '../src/github.ts';

t.test('values are handed to the next steps of a job, one a line', (t) => {
  const file = join(t.testdir({ output: 'first=1\n' }), 'output');
  setJobOutputs({ tag: '0.2.0', digest: 'sha256:0 a=b' }, { GITHUB_OUTPUT: file });
  t.equal(readFileSync(file, 'utf8'), 'first=1\ntag=0.2.0\ndigest=sha256:0 a=b\n');
  t.throws(() => {
    setJobOutputs({ tag: '0.2.0\ndigest=sha256:1' }, { GITHUB_OUTPUT: file });
  }, /^the output tag has more than one line$/);
  t.equal(readFileSync(file, 'utf8').split('\n').length, 4, 'nothing of it was written');
  t.end();
});

t.test('outside of a job nothing is written', (t) => {
  t.doesNotThrow(() => {
    setJobOutputs({ tag: '0.2.0' }, {});
    setJobOutputs({ tag: '0.2.0' }, { GITHUB_OUTPUT: '' });
  });
  t.end();
});
