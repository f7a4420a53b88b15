import t from 'tap';
import { readYamlFile } from '../src/yaml-file.ts';

t.test('a valid file: its content, and the line of each key', (t) => {
  const root = t.testdir({ 'a.yaml': '# comment\na: 1\nmap:\n  list:\n    - x\n    - key: 0x10\n' });
  const { content, problems, position } = readYamlFile(root, 'a.yaml');
  t.strictSame(problems, []);
  t.strictSame(content, { a: 1, map: { list: ['x', { key: 16 }] } });
  t.equal(position(['map', 'list']), 'a.yaml:4');
  t.equal(position(['map', 'list', '1']), 'a.yaml:6');
  t.equal(position(['map', 'list', '1', 'key']), 'a.yaml:6');
  t.equal(position(['map', 'nothing']), undefined);
  t.end();
});

t.test('what Helm would read differently, or print in another form, must be quoted', (t) => {
  const refused: readonly (readonly [string, string])[] = [
    ['yes', 'Helm reads it as true'],
    ['Off', 'Helm reads it as false'],
    ['n', 'Helm reads it as false'],
    ['012', 'Helm reads it as 10'],
    ['1_000', 'Helm reads it as 1000'],
    ['123456789012', 'Helm would print it as 1.23456789012e+11'],
    ['1000000', 'Helm would print it as 1e+06'],
  ];
  for (const [text, why] of refused)
    t.strictSame(
      readYamlFile(t.testdir({ 'a.yaml': `x: 1\nmap:\n  list: [a, ${text}]\n` }), 'a.yaml').problems,
      [`a.yaml:3: map.list.1: ${text} must be quoted: ${why}`],
      text,
    );
  for (const text of [
    '"yes"',
    "'012'",
    'true',
    'null',
    '~',
    '-1',
    '1.5',
    '999999',
    '0x10',
    'text',
    '2026-11-23',
    '1:20',
    '0o14',
    '1.2.3',
  ])
    t.strictSame(readYamlFile(t.testdir({ 'a.yaml': `x: ${text}\n` }), 'a.yaml').problems, [], text);
  t.strictSame(
    readYamlFile(t.testdir({ 'a.yaml': 'on: 1\n' }), 'a.yaml').problems,
    ['a.yaml:1: on: on must be quoted: Helm reads it as true'],
    'a key too',
  );
  t.end();
});

t.test('what makes a file unreadable is reported with its line, all of it at once', (t) => {
  const root = t.testdir({
    'empty.yaml': '# nothing\n',
    'list.yaml': '- a\n',
    'text.yaml': 'hello\n',
    'tabs.yaml': 'a:\n\tb: 1\nc:\t2\n',
    'duplicate.yaml': 'a: 1\nb: 2\na: 3\n',
    'nested-duplicate.yaml': 'm:\n  a: 1\n  a: 2\nb: [\n',
    'anchor.yaml': 'a: &x {b: 1}\nc: 2\n',
    'alias.yaml': 'a: &x 1\nb: *x\n',
    'merge.yaml': 'a: &x {b: 1}\nc:\n  <<: *x\n',
    'bom.yaml': '\uFEFFa: 1\n',
    'two.yaml': 'a: 1\n---\nb: 2\n',
    'large.yaml': `a: ${'x'.repeat(10 * 1024 * 1024)}\n`,
  });
  const problems = (file: string): string => readYamlFile(root, file).problems.join(' | ');
  t.equal(problems('empty.yaml'), 'empty.yaml:1: the file: is empty; it must be a map, at least {}');
  t.equal(problems('list.yaml'), 'list.yaml:1: the file: must be a map');
  t.equal(problems('text.yaml'), 'text.yaml:1: the file: must be a map');
  t.equal(
    problems('tabs.yaml'),
    'tabs.yaml:2: the file: has a tab; use spaces | tabs.yaml:3: the file: has a tab; use spaces',
  );
  t.match(problems('duplicate.yaml'), /^duplicate\.yaml:3: the file: Map keys must be unique/);
  t.match(problems('nested-duplicate.yaml'), /nested-duplicate\.yaml:3: .*unique.* \| nested-duplicate\.yaml:\d: /);
  t.match(problems('anchor.yaml'), /^anchor\.yaml:1: the file: &x is an anchor/);
  t.match(problems('alias.yaml'), /alias\.yaml:2: the file: \*x is an alias/);
  t.match(problems('merge.yaml'), /merge\.yaml:3: /);
  t.match(problems('bom.yaml'), /^bom\.yaml:1: the file: starts with a byte order mark/);
  t.match(problems('two.yaml'), /^two\.yaml:2: the file: .*multiple documents/);
  t.equal(problems('large.yaml'), 'large.yaml:1: the file: has 10485764 bytes; the limit is 262144');
  t.equal(problems('none.yaml'), 'none.yaml:1: the file: does not exist');
  t.end();
});
