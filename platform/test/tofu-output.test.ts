import t from 'tap';
import { jsonIn } from '../src/tofu.ts';

t.test('what OpenTofu prints as JSON is read behind its warnings', (t) => {
  const warning = 'There are some problems with the CLI configuration:\nWarning: {unreadable}\n\n';
  t.same(jsonIn(`${warning}{"format_version":"1.2"}\n`), { format_version: '1.2' });
  t.same(jsonIn('{\n  "version": 4\n}\n'), { version: 4 });
  t.equal(jsonIn(warning), undefined);
  t.equal(jsonIn('\n'), undefined);
  t.throws(() => jsonIn('{"version": '), SyntaxError);
  t.end();
});
