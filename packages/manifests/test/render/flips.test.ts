import t from 'tap';
import { flips, schemaAt, type ValueSchema } from '../../src/render/flips.ts';

t.test('other values of the same kind, within what the schema allows', (t) => {
  t.strictSame(flips(true), [false]);
  t.strictSame(flips('info', { enum: ['info', 'debug'] }), ['debug']);
  t.strictSame(flips(5, { minimum: 4, maximum: 6 }), [6, 4]);
  t.strictSame(flips('250m', { type: 'string', pattern: '^[0-9]+m$' }), ['251m', '333m', '9m']);
  t.strictSame(flips(['10.0.0.0/8'], { items: { type: 'string', pattern: '^[0-9./]+/[0-9]+$' } }), [
    ['10.0.0.0/8', '10.99.0.0/16'],
    [],
  ]);
  t.strictSame(
    flips([], {
      items: { properties: { cidr: { type: 'string', pattern: '/[0-9]+$' }, port: { type: 'integer', minimum: 1 } } },
    }),
    [[{ cidr: '10.99.0.0/16', port: 1 }]],
  );
  t.strictSame(
    flips(
      { db: { cidrs: ['10.0.0.0/8'] } },
      {
        patternProperties: {
          '^[a-z]+$': { properties: { cidrs: { type: 'array', items: { type: 'string', pattern: '/[0-9]+$' } } } },
        },
      },
    ),
    [{ db: { cidrs: ['10.0.0.0/8'] }, x: { cidrs: ['10.99.0.0/16'] } }],
    'a map gets one entry more',
  );
  t.end();
});

t.test('a key finds its schema, by local references too', (t) => {
  const schema: ValueSchema = {
    $defs: { port: { type: 'integer', minimum: 1 } },
    properties: {
      a: { properties: { port: { $ref: '#/$defs/port' } } },
      map: { patternProperties: { '^[a-z]+$': { $ref: '#/$defs/port' } } },
      closed: {},
      list: { items: { properties: { port: { $ref: '#/$defs/port' } } } },
    },
  };
  t.match(schemaAt(schema, ['a', 'port']), { type: 'integer', minimum: 1 });
  t.match(schemaAt(schema, ['list', '0', 'port']), { minimum: 1 });
  t.match(schemaAt(schema, ['map', 'any']), { minimum: 1 });
  t.equal(schemaAt(schema, ['closed', 'any']), undefined);
  t.equal(schemaAt(schema, ['b']), undefined);
  t.end();
});
