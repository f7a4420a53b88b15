// What no client that reads the contract would send: raw bytes, and numbers as other languages write them.
import fc from 'fast-check';
import t from 'tap';
import { formatCidr, parseCidr } from '@gitops/subnets/cidr';
import { bodySchema, exampleRequests, type Json, operations, type Schema, urlOf } from './contract.ts';
import { build } from './helper.ts';

/** Texts that some language takes for a number, and that are no whole decimal number. */
const oddNumbers = [
  ...['Infinity', '-Infinity', 'NaN', '1e999', '-1e999', '1e1', '4e0', '1.0', '4.0', '10.', '.5', '1_0', '1,0', '10n'],
  ...[
    '0x10',
    '0x4',
    '0X4',
    '0b11',
    '0o4',
    '010',
    '04',
    '+5',
    '+4',
    '--4',
    '-0',
    '',
    ' ',
    ' 10',
    '10 ',
    '4\t',
    '\u00a010',
  ],
  ...['٣', '４', '१', '①', 'null', 'true', '[4]', '10;', '9'.repeat(16), '9'.repeat(90)],
];

/** Every integer of a path or a query, with a request that is right but for it. */
const integerParameters = operations.flatMap(({ path, method, operation }) => {
  const { parameters, body } = exampleRequests(operation)[0] ?? { parameters: {}, body: undefined };
  return (operation.parameters ?? [])
    .filter(({ schema }) => schema.type === 'integer')
    .map(({ name, in: where, schema }) => ({
      ...{ name, where, schema },
      request: (text: string) => ({
        method,
        url: urlOf(path, { ...parameters, [name]: text }, operation),
        ...(body !== undefined && { payload: body }),
      }),
    }));
});

t.test('numbers of a path or a query are whole decimal numbers, and nothing else', async (t) => {
  const { api } = await build(t);
  for (const { name, where, schema, request } of integerParameters) {
    t.equal(schema.format, 'int32', `${name}: the contract says so`);
    const expected = { status: 400, type: /:invalid-request$/, errors: [{ in: where, pointer: `#/${name}` }] };
    for (const text of oddNumbers) t.match((await api.inject(request(text))).json(), expected, request(text).url);
    if (where !== 'query') continue;
    const { url, ...rest } = request('4');
    t.equal((await api.inject({ url: `${url}&${name}=4`, ...rest })).statusCode, 400, 'twice is a list, not a number');
  }
  t.ok(integerParameters.length >= 2, `${integerParameters.length} parameters were tried`);
  t.match((await api.inject('/v1/reserved-ranges?limit=0x10')).json(), {
    errors: [{ detail: 'must be a whole decimal number, such as 10' }],
  });
  t.equal((await api.inject('/v1/reserved-ranges?limit=10&family=4')).statusCode, 200);
});

/** JSON texts that are no integer, or none that a number holds. */
const oddJson = ['1e999', '-1e999', '1e400', '0.5', '1.0000001', '"4"', '"Infinity"', 'null', 'true', '[4]', '{}'];
const noJson = ['Infinity', '-Infinity', 'NaN', '0x10', '+5', '.5', '05', '1_0', '٣'];

/** Every place of an integer in a value, as the value with a mark in that place. */
function* marked(schema: Schema, value: Json): Generator<Json> {
  if (schema.type === 'integer') yield '\u0000mark';
  if (Array.isArray(value) && schema.items !== undefined)
    for (const [index, item] of value.entries())
      for (const inner of marked(schema.items, item)) yield value.with(index, inner);
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    for (const [name, part] of Object.entries(value))
      for (const inner of marked(schema.properties?.[name] ?? {}, part)) yield { ...value, [name]: inner };
}

/** Every integer of a body, as a request with a mark in its place. */
const integerPlaces = operations.flatMap(({ path, method, operation }) => {
  const body = exampleRequests(operation)[0]?.body;
  return body === undefined
    ? []
    : Array.from(marked(bodySchema(operation) ?? {}, body), (place) => ({ url: path, method, place }));
});

t.test('numbers of a body are integers that a number can hold', async (t) => {
  const { api } = await build(t);
  for (const { url, method, place } of integerPlaces) {
    for (const text of [...oddJson, ...noJson]) {
      const payload = JSON.stringify(place).replace('"\\u0000mark"', text);
      const response = await api.inject({ method, url, payload, headers: { 'content-type': 'application/json' } });
      t.match(response.json(), { status: 400, detail: oddJson.includes(text) ? /#\// : /JSON/ }, payload);
    }
  }
  t.ok(integerPlaces.length > 0, `${integerPlaces.length} places were tried`);
});

t.test('a parameter of the path that is too long is refused without being repeated', async (t) => {
  const { api } = await build(t);
  for (const length of [101, 5000]) {
    const response = await api.inject(`/v1/networks/${'9'.repeat(length)}`);
    t.strictSame(
      { ...response.json<object>(), instance: undefined },
      {
        type: 'about:blank',
        title: 'URI Too Long',
        status: 414,
        detail: 'A part of the path is longer than 100 characters.',
        instance: undefined,
      },
    );
  }
  const longest = 'ffff%3A'.repeat(6) + '255.255.255.255%2F128';
  t.equal((await api.inject(`/v1/networks/${longest}`)).statusCode, 200, 'the longest network, percent-encoded');
});

t.test('raw bytes in place of bodies and paths are answered, and never with 5xx', { timeout: 120_000 }, async (t) => {
  const { api } = await build(t, { LOG_LEVEL: 'error', CACHE_MAX_BYTES: '100000' });
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'binary', maxLength: 60 }),
      async (bytes, text) => {
        const answers = [
          await api.inject({
            method: 'POST',
            url: '/v1/plans',
            headers: { 'content-type': 'application/json' },
            payload: Buffer.from(bytes),
          }),
          await api.inject(`/v1/networks/${encodeURIComponent(text.toWellFormed())}`),
          await api.inject(
            `/v1/reserved-ranges?${new URLSearchParams([
              [text.toWellFormed(), '1'],
              ['after', text.toWellFormed()],
            ]).toString()}`,
          ),
        ];
        for (const { statusCode, body } of answers) {
          asked += 1;
          if (statusCode < 400 || statusCode >= 500) throw new Error(`${statusCode} ${body}`);
        }
      },
    ),
    { numRuns: 500 },
  );
  t.equal(asked, 1500);
});

const cidrs = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([address, length]) => `${address}/${length}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([address, length]) => `${address}/${length}`),
);

t.test('what the service says of a network, it says again of its own answer', async (t) => {
  const { api } = await build(t, { LOG_LEVEL: 'error' });
  await fc.assert(
    fc.asyncProperty(cidrs, async (cidr) => {
      const answer = (await api.inject(`/v1/networks/${cidr}`)).json<{
        cidr: string;
        containing: string | null;
        contained: string[];
      }>();
      if (answer.cidr !== formatCidr(parseCidr(cidr))) throw new Error(`${cidr} became ${answer.cidr}`);
      for (const half of answer.contained) {
        const { containing } = (await api.inject(`/v1/networks/${half}`)).json<{ containing: string }>();
        if (containing !== answer.cidr) throw new Error(`${half} is in ${containing}, not in ${answer.cidr}`);
      }
    }),
    { numRuns: 100 },
  );
  t.pass('for 100 networks');
});
