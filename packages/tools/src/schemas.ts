import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Progress } from '@gitops/report/progress';
import { cacheFolder, fillFolder } from './cache.ts';
import { readCustomResources } from './custom-resources.ts';
import { readKubernetes } from './kubernetes-schemas.ts';
import { downloadModules, type GoModule } from './modules.ts';

export { readCustomResources } from './custom-resources.ts';
export type { OpenApiSchema, SchemaFile, SchemaKind } from './openapi.ts';

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
    {
      // Those of sigs.k8s.io/karpenter as well.
      path: 'github.com/aws/karpenter-provider-aws',
      version: 'v1.14.1',
      sum: 'h1:WGtIQTQcxpElYMdWfWuPwaF2+9muR+hYhPZsTtoY8Gs=',
      folder: 'pkg/apis/crds',
    },
    {
      path: 'github.com/external-secrets/external-secrets',
      version: 'v1.3.2',
      sum: 'h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=',
      folder: 'config/crds/bases',
    },
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
  // The code as well: what it makes of the modules may change.
  const hash = createHash('sha256').update(JSON.stringify(pins));
  for (const file of ['schemas.ts', 'kubernetes-schemas.ts', 'custom-resources.ts', 'openapi.ts'])
    hash.update(readFileSync(join(import.meta.dirname, file)));
  const key = hash.digest('hex').slice(0, 16);
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
      JSON.stringify(
        readCustomResources(pins.operators.flatMap((operator) => objectsIn(join(folderOf(operator), operator.folder)))),
      ),
    );
  });
  progress.done(
    `schemas: Kubernetes ${KUBERNETES_MINORS.join(', ')} and ${pins.operators.length} operators (${folder})`,
  );
}

/** Every object of the YAML files of a folder. */
function objectsIn(folder: string): unknown[] {
  const files = readdirSync(folder).sort();
  return files
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), 'utf8'), { logLevel: 'error' }))
    .map((document) => document.toJS() as unknown);
}
