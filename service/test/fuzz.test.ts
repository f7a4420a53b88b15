// Everything here comes from openapi.json alone: what it allows is accepted, what it forbids is refused, and every
// answer is what it promises.
import { Ajv } from 'ajv';
import fc, { type Arbitrary } from 'fast-check';
import t from 'tap';
import { parseCidr } from '@gitops/subnets/cidr';
import { bodySchema, document, type Json, operations, type Schema, urlOf } from './contract.ts';
import { build } from './helper.ts';

const cidrs = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([address, length]) => `${address}/${length}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([address, length]) => `${address}/${length}`),
);

/** Values that a schema allows; numbers and lists mostly small, as those of people are. */
function valid(schema: Schema): Arbitrary<Json> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.format === 'cidr') return cidrs;
  if (schema.type === 'object') {
    const entries = Object.entries(schema.properties ?? {});
    return fc.record(Object.fromEntries(entries.map(([name, part]) => [name, valid(part)])), {
      requiredKeys: [...(schema.required ?? [])],
    });
  }
  if (schema.type === 'array') {
    const bounds = { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 8, 8) };
    const items = valid(schema.items ?? {});
    return schema.uniqueItems === true ? fc.uniqueArray(items, bounds) : fc.array(items, bounds);
  }
  if (schema.type === 'integer') return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1000 });
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.pattern !== undefined)
    return fc.stringMatching(new RegExp(schema.pattern), { maxLength: schema.maxLength ?? 20 });
  return fc.string({ minLength: schema.minLength ?? 0, maxLength: schema.maxLength ?? 20 });
}

const junk: Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  '',
  ' ',
  '10.0.0.0',
  '10.0.0.0/33',
  '__proto__',
  // Longer than any limit: of the schemas, and of a path's parameter in the router.
  'x'.repeat(65),
  'x'.repeat(1000),
  [],
  [null],
  {},
  { constructor: 1 },
];

/**
 * All values that differ from one in one place: a wrong type, a missing or an unknown field, a list too short or too
 * long.
 */
function* mutations(value: Json): Generator<Json> {
  for (const other of junk) yield other;
  if (Array.isArray(value)) {
    yield value.slice(1);
    yield [...value, ...value];
    yield Array<Json>(200).fill(value[0] ?? null);
    for (const [index, item] of value.entries())
      for (const mutated of mutations(item)) yield value.with(index, mutated);
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value, unknown: 1 };
    for (const [name, part] of Object.entries(value)) {
      const { [name]: _left, ...rest } = value;
      yield rest;
      for (const mutated of mutations(part)) yield { ...value, [name]: mutated };
    }
  }
}

const ajv = new Ajv({
  strict: false,
  validateFormats: true,
  formats: {
    cidr: (text: string) => attempt(() => parseCidr(text)) !== undefined,
    date: /^\d{4}-\d\d-\d\d$/,
    int32: true,
  },
});
ajv.addSchema({ $id: 'openapi', ...document });

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

const schemaAt = (...steps: string[]) => {
  const pointer = steps.map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  const check = ajv.getSchema(`openapi#/${pointer}`);
  if (check === undefined) throw new Error(`there is no schema at ${pointer}`);
  return check;
};

// The contract has one rule that no schema can hold: subnets must fit. Its refusal is documented, so it is an answer as
// well.
const acceptable = (status: number): boolean => status === 200 || status === 422;

for (const { path, method, operation } of operations) {
  t.test(
    `${method} ${path}: valid requests are accepted, mutated ones refused well, every answer is what was promised`,
    { timeout: 120_000 },
    async (t) => {
      const { api, lines } = await build(t, { LOG_LEVEL: 'error', CACHE_MAX_BYTES: '100000' });
      const body = bodySchema(operation);
      const seen: Record<number, number> = {};

      const ask = async (parameters: Readonly<Record<string, Json>>, body: Json | undefined) => {
        const response = await api.inject({
          method,
          url: urlOf(path, parameters, operation),
          ...(body !== undefined && { headers: { 'content-type': 'application/json' }, payload: JSON.stringify(body) }),
        });
        const { statusCode } = response;
        const name = `${method} ${path} ${JSON.stringify(parameters)} ${JSON.stringify(body)} -> ${statusCode} ${response.body}`;
        seen[statusCode] = (seen[statusCode] ?? 0) + 1;
        const type = String(response.headers['content-type']).split(';')[0] ?? '';
        const promised = operation.responses[statusCode]?.content?.[type];
        if (promised === undefined) throw new Error(`not documented: ${name}`);
        const check = schemaAt(
          'paths',
          path,
          method.toLowerCase(),
          'responses',
          String(statusCode),
          'content',
          type,
          'schema',
        );
        if (!check(response.json())) throw new Error(`not as promised: ${name}: ${ajv.errorsText(check.errors)}`);
        return { statusCode, name, json: response.json<Json>() };
      };

      const parameters = fc.record(
        // A path without its parameter is another path.
        Object.fromEntries(
          (operation.parameters ?? []).map(({ name, schema, in: where }) => [
            name,
            where === 'path'
              ? valid({ minLength: 1, ...schema }).filter((value) => value !== '.' && value !== '..')
              : valid(schema),
          ]),
        ),
        {
          requiredKeys: (operation.parameters ?? [])
            .filter(({ required }) => required === true)
            .map(({ name }) => name),
        },
      );
      const requests = fc.tuple(parameters, body === undefined ? fc.constant(undefined) : valid(body));

      let runs = 0;
      await fc.assert(
        fc.asyncProperty(requests, async ([given, body]) => {
          // Which range a page ends with, and that tiers differ, the document tells in words.
          if ('after' in given) given.after = '10.0.0.0/8';
          if (given.after !== undefined && given.family === 6) delete given.family;
          if (typeof body === 'object' && body !== null && !Array.isArray(body) && Array.isArray(body.tiers)) {
            const tiers = body.tiers as { name: string; prefixLength: number }[];
            // Every other one has the room that it needs.
            const roomy = (runs += 1) % 2 === 0;
            if (roomy) Object.assign(body, { cidr: '2001:db8::/32', taken: ['2001:db8::/34'] });
            body.tiers = tiers.map(({ prefixLength }, index) => ({
              name: `tier-${index}`,
              prefixLength: roomy ? 64 + (prefixLength % 64) : prefixLength,
            }));
          }
          const { statusCode, name } = await ask(given, body);
          if (!acceptable(statusCode)) throw new Error(`refused: ${name}`);
        }),
        { numRuns: 150 },
      );

      const isValid =
        body === undefined
          ? undefined
          : schemaAt('paths', path, method.toLowerCase(), 'requestBody', 'content', 'application/json', 'schema');
      await fc.assert(
        fc.asyncProperty(requests, async ([given, body]) => {
          for (const mutated of mutations(body ?? null)) {
            if (isValid === undefined || isValid(mutated)) continue;
            const { statusCode, name, json } = await ask(given, mutated);
            if (statusCode !== 400) throw new Error(`accepted: ${name}`);
            const pointers = (json as { errors?: { pointer: string }[] }).errors;
            if (pointers === undefined || pointers.length === 0) throw new Error(`not pointed at: ${name}`);
          }
          for (const { name: parameter, in: where, schema } of operation.parameters ?? []) {
            for (const value of junk) {
              if (value === '' || typeof value === 'object') continue;
              // In a path or a query, whatever it is arrives as text.
              if (ajv.compile(schema)(schema.type === 'string' ? String(value) : value)) continue;
              const { statusCode, name } = await ask({ ...given, [parameter]: value }, body);
              const isTooLong = where === 'path' && String(value).length > 100;
              if (statusCode !== (isTooLong ? 414 : 400)) throw new Error(`accepted: ${name}`);
            }
          }
        }),
        { numRuns: 6 },
      );
      t.ok((seen[200] ?? 0) > 20, JSON.stringify(seen));
      const takesNothing = body === undefined && (operation.parameters ?? []).length === 0;
      t.ok((seen[400] ?? 0) > (takesNothing ? -1 : 20), JSON.stringify(seen));
      t.strictSame(lines, [], 'and nothing was logged as an error');
    },
  );
}
