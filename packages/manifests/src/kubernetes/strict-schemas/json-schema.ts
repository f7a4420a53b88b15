import type { OpenApiSchema } from '@gitops/tools/schemas';

/** A JSON schema as Ajv takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How Kubernetes' own definitions are named. */
export const DEFINITIONS = 'io.k8s.apimachinery.pkg.';

/** The root of a custom resource: apiVersion and kind are fields of every object, and metadata is checked by itself. */
export function withObjectFields(schema: OpenApiSchema): OpenApiSchema {
  return {
    ...schema,
    properties: { ...schema.properties, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: {} },
  };
}

/**
 * A schema of OpenAPI as a JSON schema in which an object has no other fields than its properties.
 * @param origin of a custom resource, an object without properties is empty: an API server drops all else. Kubernetes'
 *   own definitions without properties stand for any object.
 * @param refer called with the name of every definition that the schema refers to; gives the name to refer to it by
 */
export function strictSchema(
  schema: OpenApiSchema,
  origin: 'kubernetes' | 'custom',
  refer: (name: string) => string,
): JsonSchema {
  const { $ref, properties, items, additionalProperties, nullable, type, enum: values, ...rest } = schema;
  if ($ref !== undefined) return { $ref: refer($ref) };
  const {
    'x-kubernetes-int-or-string': intOrString,
    'x-kubernetes-preserve-unknown-fields': open,
    'x-kubernetes-embedded-resource': embedded,
    ...keywords
  } = rest;
  if (intOrString === true) {
    // Their anyOf repeats this.
    const { anyOf: _, ...others } = keywords;
    return { ...others, type: ['integer', 'string', ...(nullable === true ? ['null'] : [])] };
  }
  const part = (inner: OpenApiSchema): JsonSchema => strictSchema(inner, origin, refer);
  const strict: Record<string, unknown> = { ...keywords };
  if (type !== undefined) strict.type = nullable === true ? [type, 'null'] : type;
  if (values !== undefined) strict.enum = nullable === true ? [...(values as unknown[]), null] : values;
  const fields = embedded === true ? { apiVersion: {}, kind: {}, metadata: {}, ...properties } : properties;
  if (fields !== undefined)
    strict.properties = Object.fromEntries(Object.entries(fields).map(([name, inner]) => [name, part(inner)]));
  if (items !== undefined) strict.items = part(items);
  const isClosed = open !== true && (fields !== undefined || (origin === 'custom' && type === 'object'));
  if (typeof additionalProperties === 'object') strict.additionalProperties = part(additionalProperties);
  else if (additionalProperties !== undefined) strict.additionalProperties = additionalProperties;
  else if (isClosed) strict.additionalProperties = false;
  return strict;
}
