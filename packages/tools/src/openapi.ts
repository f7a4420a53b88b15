/** A schema of OpenAPI, as it is published; descriptions, examples and hints for merging are left out. */
export interface OpenApiSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema | boolean;
  readonly items?: OpenApiSchema;
  readonly [keyword: string]: unknown;
}

/** One kind of one API version. */
export interface SchemaKind {
  /** Key of its schema among the definitions. */
  readonly definition: string;
  /** Whether its objects can be listed and watched, which not every kind of Kubernetes offers. */
  readonly listed: boolean;
}

/** What one of the written files holds. */
export interface SchemaFile {
  /** By `apiVersion/kind`: `v1/Pod`, `apps/v1/Deployment`. Only kinds with the metadata of an object. */
  readonly kinds: Readonly<Record<string, SchemaKind>>;
  /**
   * By name; a `$ref` holds such a name and nothing else. Definitions of custom resources are named by a hash of their
   * content.
   */
  readonly definitions: Readonly<Record<string, OpenApiSchema>>;
}

/** What names a kind of an API. */
export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The key of a kind among those of a SchemaFile. */
export const apiKey = ({ group, version, kind }: GroupVersionKind): string =>
  [...(group === '' ? [] : [group]), version, kind].join('/');

// What a validator needs; the rest is for people or for those who merge objects.
const KEYWORDS = new Set([
  'type',
  'format',
  'nullable',
  'default',
  'required',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
]);
for (const what of ['Length', 'Items', 'Properties']) for (const bound of ['min', 'max']) KEYWORDS.add(bound + what);
for (const keyword of [
  'uniqueItems',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
])
  KEYWORDS.add(keyword);

/** A schema with those keywords only that a validator needs, its parts passed through `each`. */
export function compacted(
  schema: OpenApiSchema,
  each: (part: OpenApiSchema) => OpenApiSchema = (part) => part,
): OpenApiSchema {
  if (schema.$ref !== undefined) return { $ref: schema.$ref.replace('#/definitions/', '') };
  const part = (inner: OpenApiSchema): OpenApiSchema => each(compacted(inner, each));
  const { properties, items, additionalProperties } = schema;
  return {
    ...Object.fromEntries(Object.entries(schema).filter(([keyword]) => KEYWORDS.has(keyword))),
    ...(properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, part(inner)])) }),
    ...(items === undefined ? {} : { items: part(items) }),
    ...(additionalProperties === undefined
      ? {}
      : {
          additionalProperties:
            typeof additionalProperties === 'boolean' ? additionalProperties : part(additionalProperties),
        }),
  };
}
