import { createHash } from 'node:crypto';
import { apiKey, compacted, type OpenApiSchema, type SchemaFile, type SchemaKind } from './openapi.ts';

interface CustomResourceDefinition {
  readonly kind?: string;
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema?: { readonly openAPIV3Schema?: OpenApiSchema };
    }[];
  };
}

/**
 * The kinds of CustomResourceDefinitions, in the versions that are served. An object schema that occurs many times, as
 * the templates in an ApplicationSet do, becomes one definition.
 * @param documents other objects among them are passed over
 */
export function readCustomResources(documents: readonly unknown[]): SchemaFile {
  const kinds: Record<string, SchemaKind> = {};
  const definitions: Record<string, OpenApiSchema> = {};
  const define = (schema: OpenApiSchema): string => {
    const name = createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 16);
    definitions[name] = schema;
    return name;
  };
  const share = (schema: OpenApiSchema): OpenApiSchema =>
    schema.properties === undefined ? schema : { $ref: define(schema) };
  for (const document of documents) {
    const { kind, spec } = (document ?? {}) as CustomResourceDefinition;
    if (kind !== 'CustomResourceDefinition') continue;
    for (const { name, served, schema } of spec.versions) {
      const root = schema?.openAPIV3Schema;
      if (served && root !== undefined)
        kinds[apiKey({ group: spec.group, version: name, kind: spec.names.kind })] = {
          definition: define(compacted(root, share)),
          listed: true,
        };
    }
  }
  return { kinds, definitions };
}
