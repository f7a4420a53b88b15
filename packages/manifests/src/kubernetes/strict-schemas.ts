import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { CommandError } from '@gitops/report/errors';
import {
  KUBERNETES_MINORS,
  type KubernetesMinor,
  type OpenApiSchema,
  type SchemaFile,
  type Schemas,
} from '@gitops/tools/schemas';
import type { KubernetesObject } from './object.ts';

/** Everything that one minor version of Kubernetes and the operators on it say of their objects. */
export interface StrictSchemas {
  /**
   * What is wrong with an object, all at once: one line each, `field: rule`, or `apiVersion kind: rule`. Empty where
   * all is well. Stricter than an API server, which drops what it does not know: a field without a schema is a problem,
   * and so is null.
   */
  readonly problems: (object: KubernetesObject) => string[];
  /**
   * Every API, sorted, as Argo CD tells Helm of a cluster: `v1`, `v1/Pod`, `apps/v1`, `apps/v1/Deployment` and so on.
   */
  readonly apiVersions: readonly string[];
}

/**
 * The schemas of one minor version, from the files of ensureSchemas; a kind's own are compiled when its first object
 * comes. What schemas do not say is not checked: neither the CEL rules of CustomResourceDefinitions nor what an API
 * server's code checks, such as the range of a port or the form of a name. Alpha and beta APIs of Kubernetes count as
 * absent, since servers leave them off unless they are told otherwise. Throws CommandError for a version without
 * schemas, and an Error where a file cannot be read.
 */
export function loadSchemas(schemas: Schemas, minor: string): StrictSchemas {
  if (!isKnown(minor))
    throw new CommandError(
      `there are no schemas of Kubernetes ${minor}, only of ${KUBERNETES_MINORS.join(', ')}`,
      'add its release to SCHEMA_PINS in packages/tools/src/schemas.ts',
    );
  const kubernetes = compilerOf(schemas.kubernetes[minor].file);
  const custom = sharedCompiler(schemas.customResources.file);

  const problems = (object: KubernetesObject): string[] => {
    const untyped = ['apiVersion', 'kind'].filter((field) => typeof object[field] !== 'string');
    if (untyped.length > 0)
      return untyped.map(
        (field) =>
          `${field}: ${object[field] === undefined ? 'is missing' : `must be string (it is ${shown(object[field])})`}`,
      );
    const { apiVersion, kind } = object;
    const key = `${apiVersion}/${kind}`;
    const name = `${apiVersion} ${kind}`;
    const builtIn = kubernetes.file.kinds[key];
    if (builtIn !== undefined) {
      if (!isStable(key)) return [`${name}: Kubernetes ${minor} does not serve it unless a cluster switches it on`];
      return [...unnamed(object), ...check(kubernetes.validator(builtIn.definition), object, object)];
    }
    const resource = custom.file.kinds[key];
    if (resource !== undefined) {
      // Their own schemas say nothing of metadata: the API server checks it as that of any object.
      const metadata =
        'metadata' in object ? check(kubernetes.validator(OBJECT_META), object.metadata, object, '/metadata') : [];
      // The API server looks at an object with its defaults filled in. Ajv does that to a copy, but only after it has
      // looked at alternatives, hence twice.
      const filled = structuredClone(object);
      const validate = custom.validator(resource.definition);
      validate(filled);
      return [...unnamed(object), ...metadata, ...check(validate, filled, object)];
    }
    return [
      isOfKubernetes(apiVersion)
        ? `${name}: Kubernetes ${minor} has no such kind`
        : `${name}: no operator that the platform knows has such a kind`,
    ];
  };

  const apis = new Set<string>();
  for (const [key, { listed }] of [
    ...Object.entries(kubernetes.file.kinds).filter(([key]) => isStable(key)),
    ...Object.entries(custom.file.kinds),
  ]) {
    // Argo CD leaves out what it could not watch.
    if (listed) apis.add(key.slice(0, key.lastIndexOf('/'))).add(key);
  }
  return { problems, apiVersions: [...apis].sort() };
}

const isKnown = (minor: string): minor is KubernetesMinor => KUBERNETES_MINORS.some((known) => known === minor);
const isStable = (key: string): boolean => !/(^|\/)v\d+(alpha|beta)\d+\//.test(key);
/** By its group, as Kubernetes' own are named; the Gateway API is one of the few others below k8s.io. */
const isOfKubernetes = (apiVersion: string): boolean =>
  !/^[^/]*\./.test(apiVersion) || (/^[^/]*\.k8s\.io\//.test(apiVersion) && !apiVersion.startsWith('gateway.'));

const DEFINITIONS = 'io.k8s.apimachinery.pkg.';
const OBJECT_META = `${DEFINITIONS}apis.meta.v1.ObjectMeta`;

/** An API server takes no object without a name; its schemas do not say so. */
function unnamed(object: Readonly<Record<string, unknown>>): string[] {
  const { metadata = {} } = object;
  // Of another type, it is a problem already.
  if (typeof metadata !== 'object' || metadata === null) return [];
  return 'name' in metadata || 'generateName' in metadata ? [] : ['metadata.name: is missing'];
}

interface Compiler {
  readonly file: SchemaFile;
  /** The validator of a definition, compiled once. */
  validator(definition: string): ValidateFunction;
}

// Custom resources are the same for every version of Kubernetes, and their schemas the largest of all.
const compilers = new Map<string, Compiler>();
function sharedCompiler(path: string): Compiler {
  const compiler = compilers.get(path) ?? compilerOf(path);
  compilers.set(path, compiler);
  return compiler;
}

function compilerOf(path: string): Compiler {
  const file = JSON.parse(readFileSync(path, 'utf8')) as SchemaFile;
  const roots = new Set(Object.values(file.kinds).map(({ definition }) => definition));
  const ajv = newAjv();
  const added = new Set<string>();
  const add = (name: string): void => {
    if (added.has(name)) return;
    added.add(name);
    const schema = file.definitions[name];
    if (schema === undefined) throw new Error(`${path} has no definition ${name}`);
    if (name.startsWith('io.k8s.')) {
      const strict = SPECIAL[name] ?? strictly(schema, 'kubernetes', add);
      ajv.addSchema({ ...strict, title: name.slice(name.lastIndexOf('.') + 1) }, name);
    } else {
      ajv.addSchema(strictly(roots.has(name) ? withObjectFields(schema) : schema, 'custom', add), name);
    }
  };
  return {
    file,
    validator(definition) {
      add(definition);
      const validate = ajv.getSchema(definition);
      if (validate === undefined) throw new Error(`${definition} of ${path} cannot be compiled`);
      return validate;
    },
  };
}

/** A JSON schema as Ajv takes it. */
type JsonSchema = Readonly<Record<string, unknown>>;

// What OpenAPI describes by words, since the types have a form of their own in JSON.
const SPECIAL: Readonly<Record<string, JsonSchema>> = {
  [`${DEFINITIONS}api.resource.Quantity`]: { type: ['string', 'number'], quantity: true },
  [`${DEFINITIONS}util.intstr.IntOrString`]: { type: ['integer', 'string'], format: 'int32' },
  // Go writes a time that is not set as null.
  [`${DEFINITIONS}apis.meta.v1.Time`]: { type: ['string', 'null'], format: 'date-time' },
};

/** The root of a custom resource: apiVersion and kind are fields of every object, and metadata is checked by itself. */
function withObjectFields(schema: OpenApiSchema): OpenApiSchema {
  return {
    ...schema,
    properties: { ...schema.properties, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: {} },
  };
}

/**
 * A schema of OpenAPI as a JSON schema in which an object has no other fields than its properties.
 * @param origin of a custom resource, an object without properties is empty: an API server drops all else. Kubernetes'
 *   own definitions without properties stand for any object.
 * @param refer called with the name of every definition that the schema refers to
 */
function strictly(schema: OpenApiSchema, origin: 'kubernetes' | 'custom', refer: (name: string) => void): JsonSchema {
  const { $ref, properties, items, additionalProperties, nullable, type, enum: values, ...rest } = schema;
  if ($ref !== undefined) {
    refer($ref);
    return { $ref };
  }
  const part = (inner: OpenApiSchema): JsonSchema => strictly(inner, origin, refer);
  const {
    'x-kubernetes-int-or-string': intOrString,
    'x-kubernetes-preserve-unknown-fields': open,
    'x-kubernetes-embedded-resource': embedded,
    ...keywords
  } = rest;
  if (intOrString === true) {
    // Their anyOf says the same again.
    const { anyOf: _, ...others } = keywords;
    return { ...others, type: ['integer', 'string', ...(nullable === true ? ['null'] : [])] };
  }
  const fields = embedded === true ? { apiVersion: {}, kind: {}, metadata: {}, ...properties } : properties;
  const closed = open !== true && (fields !== undefined || (origin === 'custom' && type === 'object'));
  const others =
    additionalProperties === undefined
      ? closed
        ? false
        : undefined
      : typeof additionalProperties === 'boolean'
        ? additionalProperties
        : part(additionalProperties);
  return {
    ...keywords,
    ...(type === undefined ? {} : { type: nullable === true ? [type, 'null'] : type }),
    ...(values === undefined ? {} : { enum: nullable === true ? [...(values as unknown[]), null] : values }),
    ...(fields === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(fields).map(([name, inner]) => [name, part(inner)])) }),
    ...(items === undefined ? {} : { items: part(items) }),
    ...(others === undefined ? {} : { additionalProperties: others }),
  };
}

// As in Kubernetes' resource.Quantity, but for the minus: no field that people write takes less than nothing.
const QUANTITY = /^\+?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;
const DATE_TIME =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** RE2 has flags amid a pattern, `(?i)`, which JavaScript lacks: such a pattern ignores case as a whole. */
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

/**
 * The problems that a validator finds in a value, in the order of the fields.
 * @param pointer of the value in its object, as a JSON pointer
 */
function check(validate: ValidateFunction, value: unknown, object: KubernetesObject, pointer = ''): string[] {
  if (validate(value)) return [];
  const errors = (validate.errors ?? []).filter(isOfItself);
  const ofWrongType = new Set(
    errors.filter(({ keyword }) => keyword === 'type').map(({ instancePath }) => instancePath),
  );
  // What has the wrong type breaks further rules by that alone.
  const told = errors.filter(({ keyword, instancePath }) => keyword === 'type' || !ofWrongType.has(instancePath));
  return [...new Set(told.map((error) => problemOf(error, object, pointer)))];
}

/** Not merely one of several alternatives, about which there is an error as well. */
const isOfItself = ({ schemaPath }: ErrorObject): boolean => !/\/(anyOf|oneOf)\/\d+\//.test(schemaPath);

function problemOf(error: ErrorObject, object: KubernetesObject, pointer: string): string {
  const { keyword, instancePath, data } = error;
  const params = error.params as Readonly<Record<string, unknown>>;
  const keys = (pointer + instancePath)
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (keyword === 'additionalProperties') {
    const { title } = error.parentSchema as { readonly title?: string };
    const owner = title ?? keys.findLast((key) => !/^\d+$/.test(key)) ?? object.kind;
    return `${readable(object, [...keys, String(params.additionalProperty)])}: is not a field of ${owner}`;
  }
  if (keyword === 'required') return `${readable(object, [...keys, String(params.missingProperty)])}: is missing`;
  // Logs are no place for what a Secret holds.
  return `${readable(object, keys)}: ${ruleOf(error, params)}${object.kind === 'Secret' ? '' : ` (it is ${shown(data)})`}`;
}

function ruleOf({ keyword, message = 'is wrong' }: ErrorObject, params: Readonly<Record<string, unknown>>): string {
  const { type, allowedValues, pattern, format } = params;
  switch (keyword) {
    case 'type':
      return `must be ${[type].flat().join(' or ')}`;
    case 'enum':
      return `must be one of ${[allowedValues].flat().join(', ')}`;
    case 'pattern':
      return `must match ${String(pattern)}`;
    case 'format':
      return FORMATS[String(format)] ?? `must be of the format ${String(format)}`;
    case 'quantity':
      return 'must be a quantity that is not negative, such as 250m or 64Mi';
    case 'oneOf':
    case 'anyOf':
      return `must fit ${keyword === 'oneOf' ? 'exactly' : 'at least'} one of the alternatives of its schema`;
    default:
      return message;
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  int32: 'must fit into 32 bits',
  int64: 'must fit into 64 bits',
  'date-time': 'must be a time such as 2026-01-31T12:00:00Z',
  byte: 'must be Base64',
};

/** A value as JSON, on one line that is not too long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** Where a field is: spec.containers[0].name, metadata.labels["app.kubernetes.io/name"]. */
function readable(object: unknown, keys: readonly string[]): string {
  let path = '';
  let parent = object;
  for (const key of keys) {
    if (Array.isArray(parent)) path += `[${key}]`;
    else if (/^[A-Za-z_$][\w$-]*$/.test(key)) path += path === '' ? key : `.${key}`;
    else path += `[${JSON.stringify(key)}]`;
    parent = (parent as Readonly<Record<string, unknown>> | null | undefined)?.[key];
  }
  return path === '' ? 'the object' : path;
}
