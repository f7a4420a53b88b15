import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Progress } from '@gitops/report/progress';
import { cacheFolder, fillFolder } from './cache.ts';
import { downloadModules, EKS_CHARTS, EXTERNAL_SECRETS, type GoModule } from './modules.ts';

/** The minor versions of Kubernetes that objects are checked against. */
export const KUBERNETES_MINORS = ['1.33', '1.34', '1.35', '1.36'] as const;
export type KubernetesMinor = (typeof KUBERNETES_MINORS)[number];

export interface SchemaPins {
  /** Kubernetes' own releases: api/openapi-spec and pkg/generated/openapi of each are read. */
  readonly kubernetes: Readonly<Record<KubernetesMinor, GoModule>>;
  /** Modules with CustomResourceDefinitions, and their folder of them. */
  readonly operators: readonly (GoModule & { readonly folder: string })[];
}

const kubernetes = (version: string, sum: string): GoModule => ({ path: 'k8s.io/kubernetes', version, sum });

// Kubernetes 1.36 and Argo CD are what packages/tools/go/go.mod builds; a test compares the two lists.
export const SCHEMA_PINS: SchemaPins = {
  kubernetes: {
    '1.33': kubernetes('v1.33.13', 'h1:bmH31xUdSzeA5vk0wZAK9MZp11mdLuzUSeKk0qN3hPQ='),
    '1.34': kubernetes('v1.34.10', 'h1:mB1KE7E2BonfpnGyim/+csCR5JMAoLsXt2xPXL5+DdY='),
    '1.35': kubernetes('v1.35.8', 'h1:nqVTiKGbHuwTNjCn1dvK2tjOFie7J7SUMyZWDNsNHgA='),
    '1.36': kubernetes('v1.36.3', 'h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o='),
  },
  operators: [
    {
      path: 'github.com/argoproj/argo-cd/v3',
      version: 'v3.5.7',
      sum: 'h1:Xm1BF+I5OgDKUG3SDK49vn2/Y5AMyaNVko+/JT08gj0=',
      folder: 'manifests/crds',
    },
    { ...EXTERNAL_SECRETS, folder: 'config/crds/bases' },
    { ...EKS_CHARTS, folder: 'stable/aws-load-balancer-controller/crds' },
    {
      path: 'github.com/prometheus-operator/prometheus-operator',
      version: 'v0.93.1',
      sum: 'h1:4Juk8v93RdG1DSGD/mGp+SeQKPmnlLIj2iq3blLZgFY=',
      folder: 'example/prometheus-operator-crd',
    },
    {
      path: 'sigs.k8s.io/gateway-api',
      version: 'v1.6.3',
      sum: 'h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=',
      folder: 'config/crd/standard',
    },
  ],
};

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

/** Where the schemas are: each file holds a SchemaFile as JSON. */
export interface Schemas {
  readonly kubernetes: Readonly<Record<KubernetesMinor, { readonly version: string; readonly file: string }>>;
  /** The kinds of all operators in one file. */
  readonly customResources: { readonly versions: Readonly<Record<string, string>>; readonly file: string };
  /** Hash of everything that the files depend on. */
  readonly key: string;
}

/**
 * The schemas of every pinned module, taken out of the modules where the user's cache folder lacks them. Later runs
 * read nothing but the written files: no Go, no network.
 * @param pins for tests
 * Throws CommandError for a missing or old Go, a failed download, and a module whose sum is not the pinned one; nothing
 * half-written is ever found under its final name.
 */
export async function ensureSchemas(progress: Progress, pins: SchemaPins = SCHEMA_PINS): Promise<Schemas> {
  // This file's text as well: what it makes of the modules may change.
  const key = createHash('sha256')
    .update(JSON.stringify(pins))
    .update(readFileSync(import.meta.filename))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cacheFolder(), `schemas-${key}`);
  if (!existsSync(folder)) await writeSchemas(folder, pins, progress);
  const fileOf = (minor: KubernetesMinor): Schemas['kubernetes'][KubernetesMinor] => ({
    version: pins.kubernetes[minor].version,
    file: join(folder, `kubernetes-${minor}.json`),
  });
  return {
    kubernetes: byMinor(fileOf),
    customResources: {
      versions: Object.fromEntries(pins.operators.map(({ path, version }) => [path, version])),
      file: join(folder, CUSTOM_RESOURCES),
    },
    key,
  };
}

const CUSTOM_RESOURCES = 'custom-resources.json';

const byMinor = <T>(make: (minor: KubernetesMinor) => T): Record<KubernetesMinor, T> =>
  Object.fromEntries(KUBERNETES_MINORS.map((minor) => [minor, make(minor)])) as Record<KubernetesMinor, T>;

async function writeSchemas(folder: string, pins: SchemaPins, progress: Progress): Promise<void> {
  progress.start('schemas: fetching the modules of Kubernetes and the operators (about 150 MB, once for all clones)');
  const folderOf = await downloadModules([...Object.values(pins.kubernetes), ...pins.operators]);
  fillFolder(folder, (scratch) => {
    for (const minor of KUBERNETES_MINORS) {
      progress.detail(`reading Kubernetes ${minor}`);
      writeFileSync(
        join(scratch, `kubernetes-${minor}.json`),
        JSON.stringify(readKubernetes(folderOf(pins.kubernetes[minor]))),
      );
    }
    progress.detail('reading the custom resources');
    writeFileSync(
      join(scratch, CUSTOM_RESOURCES),
      JSON.stringify(readCustomResources(pins.operators.map((operator) => join(folderOf(operator), operator.folder)))),
    );
  });
  progress.done(
    `schemas: Kubernetes ${KUBERNETES_MINORS.join(', ')} and ${pins.operators.length} operators (${folder})`,
  );
}

interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

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

const apiKey = ({ group, version, kind }: GroupVersionKind): string =>
  [...(group === '' ? [] : [group]), version, kind].join('/');
const OBJECT_META = '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** The schemas of a release of Kubernetes, from the folder of its module. */
function readKubernetes(folder: string): SchemaFile {
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
function compacted(
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

/**
 * The definitions with the values that their fields may have. An API server publishes these; the repository's
 * swagger.json is made without them, and only the Go code that a server is built from still tells them.
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
    const told =
      tabs.length === 7
        ? { ...field, enum: values }
        : tabs.length === 10 && typeof inner === 'object'
          ? { ...field, [part]: { ...inner, enum: values } }
          : field;
    result[name] = { ...schema, properties: { ...schema.properties, [property]: told } };
  }
  return result;
}

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
 * The kinds of every CustomResourceDefinition in some folders, in the versions that are served. An object schema that
 * occurs many times, as the templates in an ApplicationSet do, becomes one definition.
 */
function readCustomResources(folders: readonly string[]): SchemaFile {
  const kinds: Record<string, SchemaKind> = {};
  const definitions: Record<string, OpenApiSchema> = {};
  const define = (schema: OpenApiSchema): string => {
    const name = createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 16);
    definitions[name] = schema;
    return name;
  };
  const share = (schema: OpenApiSchema): OpenApiSchema =>
    schema.properties === undefined ? schema : { $ref: define(schema) };
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => join(folder, file)),
  );
  for (const document of files.flatMap((file) =>
    parseAllDocuments(readFileSync(file, 'utf8'), { logLevel: 'error' }),
  )) {
    const { kind, spec } = (document.toJS() ?? {}) as CustomResourceDefinition;
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
