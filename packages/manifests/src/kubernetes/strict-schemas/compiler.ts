import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { Ajv, type ValidateFunction } from 'ajv';
import type { SchemaFile } from '@gitops/tools/schemas';
import { DEFINITIONS, type JsonSchema, strictSchema, withObjectFields } from './json-schema.ts';

/** The schemas of a file, each compiled when it is first needed. */
export interface Compiler {
  readonly file: SchemaFile;
  /** The validator of a definition. Throws an Error for one that the file does not have. */
  validator(definition: string): ValidateFunction;
}

// Custom resources are the same for every version of Kubernetes, and their schemas the largest of all.
const compilers = new Map<string, Compiler>();

/** The compiler of a file, one for all callers. */
export function sharedCompiler(path: string): Compiler {
  const compiler = compilers.get(path) ?? compilerOf(path);
  compilers.set(path, compiler);
  return compiler;
}

/** A compiler for the definitions of a version of Kubernetes; a definition that equals that of another one is shared. */
export const compilerOf = (path: string): Compiler => {
  const file = JSON.parse(readFileSync(path, 'utf8')) as SchemaFile;
  return compilerFor(file, path, { ...shared, identify: identities(file) });
};

const REFERENCE = /"\$ref":"([^"]+)"/g;

/** Names a definition by all that it means: itself, and what it refers to at any depth. */
function identities(file: SchemaFile): (name: string) => string {
  const texts = new Map<string, string>();
  const textOf = (name: string): string => {
    const text = texts.get(name) ?? JSON.stringify(file.definitions[name] ?? null);
    texts.set(name, text);
    return text;
  };
  const known = new Map<string, string>();
  return (name) => {
    const identity = known.get(name);
    if (identity !== undefined) return identity;
    const closure = new Set([name]);
    // What is added on the way is visited as well.
    for (const each of closure) for (const [, other = ''] of textOf(each).matchAll(REFERENCE)) closure.add(other);
    const hash = createHash('sha256');
    for (const each of [...closure].sort()) hash.update(`${each} ${textOf(each)}\n`);
    known.set(name, `${name}-${hash.digest('hex').slice(0, 16)}`);
    return known.get(name) ?? name;
  };
}

interface Workshop {
  readonly ajv: Ajv;
  /** The identities of the definitions that it has. */
  readonly added: Set<string>;
  readonly identify: (name: string) => string;
}

/**
 * A compiler for definitions.
 * @param source what messages call them
 */
export function compilerFor(
  file: SchemaFile,
  source: string,
  { ajv, added, identify }: Workshop = { ajv: newAjv(), added: new Set(), identify: (name) => name },
): Compiler {
  const roots = new Set(Object.values(file.kinds).map(({ definition }) => definition));
  const add = (name: string): string => {
    const identity = identify(name);
    if (added.has(identity)) return identity;
    added.add(identity);
    const schema = file.definitions[name];
    if (schema === undefined) throw new Error(`${source} has no definition ${name}`);
    if (name.startsWith('io.k8s.')) {
      const strict = SPECIAL[name] ?? strictSchema(schema, 'kubernetes', add);
      ajv.addSchema({ ...strict, title: name.slice(name.lastIndexOf('.') + 1) }, identity);
    } else {
      ajv.addSchema(strictSchema(roots.has(name) ? withObjectFields(schema) : schema, 'custom', add), identity);
    }
    return identity;
  };
  return {
    file,
    validator(definition) {
      const validate = ajv.getSchema(add(definition));
      if (validate === undefined) throw new Error(`${definition} of ${source} cannot be compiled`);
      return validate;
    },
  };
}

// OpenAPI describes these types in words only, since they have a form of their own in JSON.
const SPECIAL: Readonly<Record<string, JsonSchema>> = {
  [`${DEFINITIONS}api.resource.Quantity`]: { type: ['string', 'number'], quantity: true },
  [`${DEFINITIONS}util.intstr.IntOrString`]: { type: ['integer', 'string'], format: 'int32' },
  // Go writes a time that is not set as null.
  [`${DEFINITIONS}apis.meta.v1.Time`]: { type: ['string', 'null'], format: 'date-time' },
};

// As in Kubernetes' resource.Quantity, but for the minus: no field that people write takes less than nothing.
const QUANTITY = /^\+?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;
const DATE = /\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])/;
const TIME = /([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)/;
const DATE_TIME = new RegExp(`^${DATE.source}[Tt]${TIME.source}$`);
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** RE2 allows flags within a pattern, `(?i)`; JavaScript does not. Such a pattern ignores case as a whole. */
const regExp = Object.assign(
  (pattern: string): RegExp => new RegExp(pattern.replaceAll('(?i)', ''), pattern.includes('(?i)') ? 'iu' : 'u'),
  { code: '' },
);

function newAjv(): Ajv {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    useDefaults: true,
    // OpenAPI's schemas are no strict JSON schemas, and were checked where they come from.
    strict: false,
    validateSchema: false,
    meta: false,
    inlineRefs: false,
    logger: false,
    code: { optimize: false, regExp },
    formats: {
      int32: { type: 'number', validate: (value: number) => value >= -(2 ** 31) && value < 2 ** 31 },
      int64: { type: 'number', validate: (value: number) => value >= -(2 ** 63) && value < 2 ** 63 },
      double: true,
      'date-time': DATE_TIME,
      byte: (value: string) => BASE64.test(value.replaceAll(/[\r\n]/g, '')),
      ipv4: isIPv4,
      ipv6: isIPv6,
    },
  });
  ajv.addKeyword({ keyword: 'quantity', validate: (_: unknown, value: unknown) => QUANTITY.test(String(value)) });
  return ajv;
}

/** What the versions of Kubernetes share: most definitions are the same in all of them, and are compiled once. */
const shared = { ajv: newAjv(), added: new Set<string>() };
