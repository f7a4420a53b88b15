import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { argocdValueFiles } from '@gitops/settings';
import type { Tools } from '@gitops/tools/tools';
import { type Instance, readState, writeState } from './instance.ts';

export const NAMESPACE = 'argocd';

/**
 * The part of the argo-cd chart's values that means something without the chart: what ends up in Argo CD's ConfigMaps.
 */
interface ArgoValues {
  readonly cm: Readonly<Record<string, string>>;
  readonly rbac: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
}

interface ConfigMap {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Record<string, string>;
}

/**
 * Reads the values of Argo CD's chart as the chart would get them, later file last. As in the chart, `create` and
 * `annotations` are no data, every other value becomes its text, and an empty one in `cm` is left out.
 */
export function readArgoValues(root: string, cluster: string): ArgoValues {
  const sections = {
    cm: {} as Record<string, string>,
    rbac: {} as Record<string, string>,
    params: {} as Record<string, string>,
  };
  for (const file of argocdValueFiles(cluster)) {
    const values: unknown = parse(readFileSync(join(root, file), 'utf8'), { uniqueKeys: true });
    const configs = (values as { configs?: Record<string, Record<string, unknown>> } | null)?.configs ?? {};
    for (const [name, entries] of Object.entries(configs)) {
      if (!(name in sections)) continue;
      for (const [key, value] of Object.entries(entries)) {
        if (key === 'create' || key === 'annotations') continue;
        if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') {
          throw new CommandError(
            `${file}: configs.${name}.${key} is neither text, number nor boolean`,
            'write it as the text that the ConfigMap is to hold',
          );
        }
        sections[name as keyof typeof sections][key] = String(value);
      }
    }
  }
  return { ...sections, cm: Object.fromEntries(Object.entries(sections.cm).filter(([, value]) => value !== '')) };
}

/** All YAML documents of Argo CD's own manifests below a folder. */
function manifestsBelow(folder: string): unknown[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => {
      if (statSync(path).isDirectory()) return manifestsBelow(path);
      if (!path.endsWith('.yaml') || path.endsWith('kustomization.yaml')) return [];
      return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as unknown);
    });
}

/** The values' text for each ConfigMap of Argo CD that takes any. */
const sectionOf: Readonly<Record<string, keyof ArgoValues>> = {
  'argocd-cm': 'cm',
  'argocd-rbac-cm': 'rbac',
  'argocd-cmd-params-cm': 'params',
};

/**
 * The key that Argo CD's server signs tokens with. It would make one itself on its first start, and its controllers
 * would have to wait for that; made here, all of them start at once.
 */
function signingKey(instance: Instance): string {
  const stored = readState(instance, 'signing-key.json') as { key?: string } | undefined;
  if (stored?.key !== undefined) return stored.key;
  const key = randomBytes(32).toString('base64');
  writeState(instance, 'signing-key.json', { key });
  return key;
}

/**
 * Argo CD's ConfigMaps and its Secret: those of its release, with the data of our values laid over.
 * @returns objects to apply in the namespace `argocd`
 */
export function argoConfiguration(instance: Instance, tools: Tools): object[] {
  const values = readArgoValues(instance.root, instance.cluster);
  return manifestsBelow(join(tools.manifests, 'base/config')).map((manifest) => {
    const object = manifest as ConfigMap;
    const section = sectionOf[object.metadata.name];
    const data = { ...object.data, ...(section === undefined ? {} : values[section]) };
    const secret =
      object.metadata.name === 'argocd-secret' ? { stringData: { 'server.secretkey': signingKey(instance) } } : {};
    return {
      ...object,
      metadata: { ...object.metadata, namespace: NAMESPACE },
      ...(Object.keys(data).length === 0 ? {} : { data }),
      ...secret,
    };
  });
}

/**
 * The programs of Argo CD that run here, each named as the folder of its Deployment or StatefulSet in Argo CD's
 * manifests.
 */
export const ARGO_PROCESSES = ['repo-server', 'application-controller', 'applicationset-controller', 'server'] as const;
export type ArgoProcess = (typeof ARGO_PROCESSES)[number];

interface Workload {
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: {
          readonly env?: {
            readonly name: string;
            readonly valueFrom?: { readonly configMapKeyRef?: { readonly name: string; readonly key: string } };
          }[];
        }[];
      };
    };
  };
}

/**
 * The environment that a pod of this process would get from our values: which key becomes which variable is read from
 * Argo CD's own manifests, since its programs themselves read no ConfigMap for these.
 */
export function argoEnvironment(instance: Instance, tools: Tools, process: ArgoProcess): Record<string, string> {
  const values = readArgoValues(instance.root, instance.cluster);
  const environment: Record<string, string> = {};
  for (const manifest of manifestsBelow(join(tools.manifests, 'base', process))) {
    for (const container of (manifest as Workload).spec?.template?.spec?.containers ?? []) {
      for (const { name, valueFrom } of container.env ?? []) {
        const reference = valueFrom?.configMapKeyRef;
        const section = reference === undefined ? undefined : sectionOf[reference.name];
        const value = reference === undefined || section === undefined ? undefined : values[section][reference.key];
        if (value !== undefined) environment[name] = value;
      }
    }
  }
  return environment;
}
