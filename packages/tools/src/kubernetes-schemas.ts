import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  apiKey,
  compacted,
  type GroupVersionKind,
  type OpenApiSchema,
  type SchemaFile,
  type SchemaKind,
} from './openapi.ts';

interface Swagger {
  readonly definitions: Readonly<
    Record<string, OpenApiSchema & { readonly 'x-kubernetes-group-version-kind'?: readonly GroupVersionKind[] }>
  >;
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { readonly 'x-kubernetes-action'?: string; readonly 'x-kubernetes-group-version-kind'?: GroupVersionKind }
        >
      >
    >
  >;
}

const OBJECT_META = '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** The schemas of a release of Kubernetes, from the folder of its module. */
export function readKubernetes(folder: string): SchemaFile {
  const { definitions, paths } = JSON.parse(
    readFileSync(join(folder, 'api/openapi-spec/swagger.json'), 'utf8'),
  ) as Swagger;
  const offered = { list: new Set<string>(), watchlist: new Set<string>() };
  for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
    const { 'x-kubernetes-action': action = '', 'x-kubernetes-group-version-kind': kind } = operation;
    if (kind !== undefined && (action === 'list' || action === 'watchlist')) offered[action].add(apiKey(kind));
  }
  const kinds: Record<string, SchemaKind> = {};
  for (const [definition, schema] of Object.entries(definitions)) {
    if (schema.properties?.metadata?.$ref !== OBJECT_META) continue;
    for (const kind of schema['x-kubernetes-group-version-kind'] ?? []) {
      const key = apiKey(kind);
      kinds[key] = { definition, listed: offered.list.has(key) && offered.watchlist.has(key) };
    }
  }
  const compact = Object.fromEntries(Object.entries(definitions).map(([name, schema]) => [name, compacted(schema)]));
  return {
    kinds,
    definitions: withEnums(
      compact,
      readFileSync(join(folder, 'pkg/generated/openapi/zz_generated.openapi.go'), 'utf8'),
    ),
  };
}

/**
 * The definitions with the values that their fields may have. An API server publishes these; the repository's
 * swagger.json is made without them, and only the Go code that a server is built from has them.
 * @param code zz_generated.openapi.go, which gofmt has laid out: a property at five tabs, its enum at seven, that of
 *   its items at ten
 */
function withEnums(definitions: Readonly<Record<string, OpenApiSchema>>, code: string): Record<string, OpenApiSchema> {
  const result = { ...definitions };
  const functionOf = (definition: string): string =>
    definition
      .replace(/^io\.k8s\.api\./, 'k8sio_api_')
      .replace(/^io\.k8s\.[^.]+\.(?=pkg\.)/, '')
      .replaceAll('.', '_');
  const names = new Map(Object.keys(definitions).map((definition) => [functionOf(definition), definition]));
  let name: string | undefined;
  let property = '';
  let part: 'items' | 'additionalProperties' = 'items';
  for (const line of code.split('\n')) {
    if (line.startsWith('func schema_')) name = names.get(line.slice('func schema_'.length, line.indexOf('(')));
    else if (line.startsWith('\t\t\t\t\t"')) property = line.slice(6, line.indexOf('"', 6));
    else if (line.startsWith('\t\t\t\t\t\t\tItems:')) part = 'items';
    else if (line.startsWith('\t\t\t\t\t\t\tAdditionalProperties:')) part = 'additionalProperties';
    const match = /^(\t+)Enum: +\[\](?:interface\{\}|any)\{(.*)\},$/.exec(line);
    if (match === null || name === undefined) continue;
    const [, tabs = '', list = ''] = match;
    const schema = result[name];
    const field = schema?.properties?.[property];
    if (schema === undefined || field === undefined) continue;
    const values = JSON.parse(`[${list}]`) as string[];
    const inner = field[part];
    const withEnum =
      tabs.length === 7
        ? { ...field, enum: values }
        : tabs.length === 10 && typeof inner === 'object'
          ? { ...field, [part]: { ...inner, enum: values } }
          : field;
    result[name] = { ...schema, properties: { ...schema.properties, [property]: withEnum } };
  }
  return result;
}
