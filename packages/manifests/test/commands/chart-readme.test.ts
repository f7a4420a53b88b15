import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { chartReadme, CHARTS, describedValues } from '../../src/commands/chart-readme.ts';

const root = resolve(import.meta.dirname, '../../../..');
type Schema = Readonly<Record<string, unknown>>;
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const schemaOf = (chart: string): Schema =>
  JSON.parse(readFileSync(join(root, chart, 'values.schema.json'), 'utf8')) as Schema;

/** A part of the schema, by its keys. */
const at = (part: unknown, ...keys: string[]): unknown =>
  keys.reduce<unknown>((inner, key) => (isSchema(inner) ? inner[key] : undefined), part);
const propertiesOf = (part: unknown): [string, unknown][] => Object.entries((at(part, 'properties') ?? {}) as Schema);

/** Dotted names of everything in the schema that is not an object. */
const leavesOf = (part: unknown, above = ''): string[] =>
  propertiesOf(part).flatMap(([key, inner]) =>
    propertiesOf(inner).length > 0 ? leavesOf(inner, `${above}${key}.`) : [`${above}${key}`],
  );

/** Every part of the schema, with where it stands. */
const partsOf = (part: unknown, path = '#'): [string, Schema][] =>
  Array.isArray(part)
    ? part.flatMap((inner, index) => partsOf(inner, `${path}/${index}`))
    : isSchema(part)
      ? [[path, part], ...Object.entries(part).flatMap(([key, inner]) => partsOf(inner, `${path}/${key}`))]
      : [];

for (const chart of CHARTS)
  t.test(chart, (t) => {
    const schema = schemaOf(chart);

    t.test('the README is the one that its values make', (t) => {
      t.equal(
        readFileSync(join(root, chart, 'README.md'), 'utf8'),
        chartReadme(root, chart),
        'run: node packages/manifests/src/main.ts chart-readme',
      );
      t.end();
    });

    t.test('every value has a comment that says what it does', (t) => {
      const values = describedValues(join(root, chart));
      t.ok(values.length > 15, `${values.length} values`);
      t.same(
        values.filter(({ text }) => text.length < 15).map(({ key }) => key),
        [],
      );
      t.equal(new Set(values.map(({ text }) => text)).size, values.length, 'and no two the same');
      t.end();
    });

    t.test('values and schema have the same keys', (t) => {
      t.same(
        describedValues(join(root, chart))
          .map(({ key }) => key)
          .sort(),
        leavesOf(schema)
          .filter((key) => key !== 'global')
          .sort(),
      );
      t.end();
    });

    t.test('the schema refuses unknown keys at every level, and refers to nothing outside of it', (t) => {
      const parts = partsOf(schema);
      const open = parts
        .filter(([, part]) => part.type === 'object' && part.additionalProperties !== false)
        .map(([path]) => path);
      t.same(open, []);
      const references = parts.flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : []));
      t.ok(references.length > 0);
      for (const reference of references)
        t.ok(reference.startsWith('#/$defs/') && isSchema(at(schema, ...reference.slice(2).split('/'))), reference);
      t.end();
    });

    t.test('a value that a null removes is missed, whichever it is', (t) => {
      const missing = (part: unknown, complete: unknown, above = ''): string[] =>
        propertiesOf(part).flatMap(([key, inner]) => {
          const required = (at(complete, 'required') ?? []) as readonly unknown[];
          return [
            ...(required.includes(key) ? [] : [`${above}${key}`]),
            ...missing(inner, at(complete, 'properties', key), `${above}${key}.`),
          ];
        });
      t.same(missing(schema, at(schema, '$defs', 'complete')), ['global']);
      t.ok(
        propertiesOf(schema).length - 1 > Number(at(schema, 'if', 'minProperties')),
        'the values of all files together count as complete',
      );
      t.end();
    });

    t.end();
  });

t.test('what belongs to a value: the comment directly above, and no other', (t) => {
  const folder = t.testdir({
    app: {
      'Chart.yaml': 'name: app\ndescription: An app\n',
      'values.yaml':
        '# The head.\n\n# Left alone by a gap.\n\n# Two\n# lines | of it.\na: 1\nmap:\n  # Inner.\n  b: ""\n  # - c\n  list: [x]\n# Of the map.\nother:\n  d: {}\n',
    },
  });
  t.same(describedValues(join(folder, 'app')), [
    { key: 'a', preset: 1, text: 'Two lines | of it.' },
    { key: 'map.b', preset: '', text: 'Inner.' },
    { key: 'map.list', preset: ['x'], text: '- c' },
    { key: 'other.d', preset: {}, text: '' },
  ]);
  const readme = chartReadme(folder, 'app');
  t.match(readme, '# app\n\nAn app.\n\nThe head.\n');
  t.match(readme, '| `a` | `1` | Two lines \\| of it. |\n| `map.b` | `""` | Inner. |\n');
  t.end();
});
