import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The part of JSON Schema that a chart's values use. */
export interface ValueSchema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, ValueSchema>>;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  /** A pattern in words. */
  readonly description?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: ValueSchema;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  /** Of a map whose keys the user names: what each holds, by the pattern of the names. */
  readonly patternProperties?: Readonly<Record<string, ValueSchema>>;
  readonly required?: readonly string[];
}

/**
 * The schema of a chart's values; an empty one for an upstream chart without any.
 * @param folder the chart's
 */
export function readValueSchema(folder: string): ValueSchema {
  const file = join(folder, 'values.schema.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ValueSchema) : {};
}

/** The schema of a key, with local references resolved; undefined where there is none. */
export function schemaAt(schema: ValueSchema, keys: readonly string[]): ValueSchema | undefined {
  const resolve = (part: ValueSchema): ValueSchema => {
    const { $ref, ...own } = part;
    const named = $ref === undefined ? {} : resolve(schema.$defs?.[$ref.replace('#/$defs/', '')] ?? {});
    return {
      ...named,
      ...own,
      ...(own.items === undefined ? {} : { items: resolve(own.items) }),
      ...(own.patternProperties === undefined ? {} : { patternProperties: resolved(own.patternProperties) }),
      ...(own.properties === undefined ? {} : { properties: resolved(own.properties) }),
    };
  };
  const resolved = (parts: Readonly<Record<string, ValueSchema>>): Record<string, ValueSchema> =>
    Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, resolve(part)]));
  return keys.reduce<ValueSchema | undefined>(
    (inner, key) => inner?.properties?.[key] ?? (/^\d+$/.test(key) ? inner?.items : undefined) ?? entryOf(inner),
    resolve(schema),
  );
}

/** What each entry of a map holds whose keys the user names; undefined for any other schema. */
const entryOf = ({ patternProperties = {} }: ValueSchema = {}): ValueSchema | undefined =>
  Object.values(patternProperties)[0];

// One text of each kind that charts ask for; those that a pattern refuses are left out.
const SAMPLES = [
  'other',
  'OTHER',
  '333m',
  '333Mi',
  '10.99.0.0/16',
  'other.example.com',
  'registry.example.com/other',
  '9.9.9',
  `sha256:${'9'.repeat(64)}`,
  'arn:aws:acm:us-east-1:999999999999:certificate/00000000-0000-0000-0000-000000000000',
  'arn:aws:wafv2:us-east-1:999999999999:regional/webacl/other/00000000-0000-0000-0000-000000000000',
  '9m',
  '9h',
];

/**
 * Other values that a key may have, the most useful first. Meant for asking what a value changes: a chart's own rules
 * may still refuse one, hence several.
 */
export function flips(value: unknown, schema: ValueSchema = {}): unknown[] {
  if (schema.enum !== undefined) return schema.enum.filter((other) => other !== value);
  if (typeof value === 'boolean') return [!value];
  if (typeof value === 'number') {
    const fits = (other: number): boolean =>
      other !== value && other >= (schema.minimum ?? 0) && other <= (schema.maximum ?? Number.POSITIVE_INFINITY);
    return [value + 1, value - 1, value + 5, value - 5, value * 2].filter(fits);
  }
  if (Array.isArray(value))
    return [
      ...sampleOf(schema.items).map((item) => [...(value as unknown[]), item]),
      ...(value.length > 0 ? [[]] : []),
    ];
  if (typeof value === 'object' && value !== null && entryOf(schema) !== undefined) {
    const [pattern] = Object.keys(schema.patternProperties ?? {});
    const [name] = flips('', pattern === undefined ? {} : { pattern });
    return sampleOf(entryOf(schema)).map((entry) => ({ ...value, [String(name)]: entry }));
  }
  if (typeof value === 'string') {
    const own = [value.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10)), `${value}x`];
    const fits = (other: string): boolean =>
      other !== value && (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(other));
    return [
      ...new Set([...own, ...SAMPLES].filter(fits)),
      ...(value !== '' && (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test('')) ? [''] : []),
    ];
  }
  return [];
}

/** Values that fit a schema; for lists, what an item may be. */
function sampleOf(schema: ValueSchema | undefined): unknown[] {
  if (schema?.properties !== undefined) {
    const entries = Object.entries(schema.properties).map(([key, part]) => [key, sampleOf(part)[0]] as const);
    return [Object.fromEntries(entries.filter(([, value]) => value !== undefined))];
  }
  switch (schema?.type) {
    case 'array':
      return sampleOf(schema.items).map((item) => [item]);
    case 'integer':
      return flips(Math.max(schema.minimum ?? 0, 1) - 1, schema).slice(0, 1);
    case 'boolean':
      return [true];
    default:
      return flips('', schema).slice(0, 2);
  }
}
