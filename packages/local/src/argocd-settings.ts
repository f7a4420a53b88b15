import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { CommandError } from '@gitops/report/errors';
import { argocdValueFiles } from '@gitops/settings';
import type { Tools } from '@gitops/tools/tools';
import { type Instance, readState, writeState } from './instance.ts';
import type { DaemonName } from './ports.ts';

export const NAMESPACE = 'argocd';

/** What Argo CD calls the components that run here. */
export type ArgoProgram = {
  [Name in DaemonName]: Name extends `argocd-${infer Program}` ? Program : never;
}[DaemonName];

type Data = Record<string, string>;

/** The part of the chart's values that needs no chart: what its templates write to ConfigMaps and command lines. */
interface ArgoValues {
  /** Further arguments of the application controller. */
  readonly controllerArgs: readonly string[];
  readonly cm: Data;
  readonly rbac: Data;
  readonly params: Data;
}

/** Which of these values each ConfigMap holds. */
const SECTIONS: Readonly<Record<string, 'cm' | 'rbac' | 'params'>> = {
  'argocd-cm': 'cm',
  'argocd-rbac-cm': 'rbac',
  'argocd-cmd-params-cm': 'params',
};

interface ArgoValuesFile {
  readonly configs?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly controller?: { readonly extraArgs?: readonly string[] };
}

/**
 * Reads the values of Argo CD's chart as the chart would get them, later file last. As in the chart, `create` and
 * `annotations` are no data, every other value becomes text, and an empty one in `cm` is left out.
 */
export function readArgoValues(root: string, cluster: string): ArgoValues {
  const values = { cm: {} as Data, rbac: {} as Data, params: {} as Data };
  let controllerArgs: readonly string[] = [];
  for (const file of argocdValueFiles(cluster)) {
    const content: unknown = parse(readFileSync(join(root, file), 'utf8'), { uniqueKeys: true });
    const { configs = {}, controller } = (content ?? {}) as ArgoValuesFile;
    // A list of a later file replaces the one before, as in Helm.
    controllerArgs = controller?.extraArgs ?? controllerArgs;
    for (const section of Object.values(SECTIONS))
      Object.assign(values[section], dataOf(configs[section] ?? {}, `${file}: configs.${section}`));
  }
  const cm = Object.entries(values.cm).filter(([, value]) => value !== '');
  return { ...values, controllerArgs, cm: Object.fromEntries(cm) };
}

/** @param place where the values stand, for messages */
function dataOf(values: Readonly<Record<string, unknown>>, place: string): Data {
  const data: Data = {};
  for (const [key, value] of Object.entries(values)) {
    if (key === 'create' || key === 'annotations') continue;
    if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') {
      throw new CommandError(
        `${place}.${key} must be a string, number or boolean`,
        'write the string that the ConfigMap should have',
      );
    }
    data[key] = String(value);
  }
  return data;
}

/** All YAML documents in Argo CD's own manifests below a folder. */
function manifestsBelow(folder: string): unknown[] {
  const manifests: unknown[] = [];
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) manifests.push(...manifestsBelow(path));
    else if (name.endsWith('.yaml') && name !== 'kustomization.yaml')
      for (const document of parseAllDocuments(readFileSync(path, 'utf8'))) manifests.push(document.toJS());
  }
  return manifests;
}

/**
 * The key with which Argo CD's server signs tokens. Without it, the server would create one on its first start, and its
 * controllers would have to wait for that; with this one all of them start at once.
 */
function signingKey(instance: Instance): string {
  const file = 'signing-key.json';
  const stored = readState(instance, file) as { key?: string } | undefined;
  if (stored?.key !== undefined) return stored.key;
  const key = randomBytes(32).toString('base64');
  writeState(instance, file, { key });
  return key;
}

interface Configuration {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Data;
}

/**
 * Argo CD's ConfigMaps and its Secret: those of its release, overridden by our values.
 * @param secret further data of the Secret
 * @returns objects to apply in the namespace `argocd`
 */
export function argoConfiguration(instance: Instance, tools: Tools, secret: Data): object[] {
  const values = readArgoValues(instance.root, instance.cluster);
  const manifests = manifestsBelow(join(tools.manifests, 'base/config')) as Configuration[];
  return manifests.map((manifest) => {
    const { name } = manifest.metadata;
    const section = SECTIONS[name];
    const data = { ...manifest.data, ...(section === undefined ? {} : values[section]) };
    return {
      ...manifest,
      metadata: { ...manifest.metadata, namespace: NAMESPACE },
      ...(Object.keys(data).length === 0 ? {} : { data }),
      ...(name === 'argocd-secret' ? { stringData: { 'server.secretkey': signingKey(instance), ...secret } } : {}),
    };
  });
}

interface Variable {
  readonly name: string;
  readonly valueFrom?: { readonly configMapKeyRef?: { readonly name: string; readonly key: string } };
}

interface Workload {
  readonly spec?: {
    readonly template?: { readonly spec?: { readonly containers?: readonly { readonly env?: readonly Variable[] }[] } };
  };
}

/**
 * The environment that a pod of this program would get from our values. Argo CD's own manifests say which key of which
 * ConfigMap becomes which variable; the programs themselves do not read the ConfigMaps for these.
 */
export function argoEnvironment(instance: Instance, tools: Tools, program: ArgoProgram): Record<string, string> {
  const values = readArgoValues(instance.root, instance.cluster);
  const folder = program === 'notifications-controller' ? 'notification' : program;
  const workloads = manifestsBelow(join(tools.manifests, 'base', folder)) as Workload[];
  const containers = workloads.flatMap(({ spec }) => spec?.template?.spec?.containers ?? []);
  const environment: Record<string, string> = {};
  for (const { name, valueFrom } of containers.flatMap(({ env }) => env ?? [])) {
    const reference = valueFrom?.configMapKeyRef;
    const section = SECTIONS[reference?.name ?? ''];
    if (reference === undefined || section === undefined) continue;
    const value = values[section][reference.key];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}
