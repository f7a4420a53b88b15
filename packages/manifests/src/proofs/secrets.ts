import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { secretIn, secretLines } from '../kubernetes/secret-values.ts';
import { configMaps, containersOf, podOwners, secrets, type Workload } from '../kubernetes/workload.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { placed, renderedOnly } from '../render/rendered.ts';
import { filesBelow } from '../render/tree.ts';
import { oncePerPlace, originOf, textProblem } from './origin.ts';
import type { ProofContext } from './proof.ts';
import { containerPath } from './rules/rule.ts';

/** Secrets that are rendered from Git, and hold nothing that is one. */
const NO_SECRETS: Readonly<Record<string, string>> = {
  'alertmanager-config': 'Alertmanager reads its routes from a Secret; the receivers come from another one',
};

/**
 * Values that are secrets, in any file that Argo CD reads: whoever can read Git has them, and they stay in its history.
 * The values themselves are not shown.
 */
export function secretsInGit(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found: string[] = [];
  const values = new Set<string>();
  for (const file of ['clusters', 'argocd', 'charts'].flatMap((folder) => filesBelow(root, folder))) {
    if (!/\.(ya?ml|tpl|json)$/.test(file)) continue;
    const text = readFileSync(join(root, file), 'utf8');
    for (const { line, key, why, value } of secretLines(text)) {
      found.push(`${file}:${line + 1}: ${pathTo(text.split('\n'), line, key)}: ${why}; ${RULE}`);
      values.add(value);
    }
  }
  for (const entry of renderedOnly(fleet))
    for (const { object, path, why, value } of renderedSecrets(placed(entry))) {
      // The line of a file that has it is told already.
      if ([...values].some((known) => value.includes(known))) continue;
      // What an upstream chart puts into a Secret by itself is not in Git.
      if (object.kind === 'Secret' && entry.chart?.isUpstream === true && originOf(root, entry, value) === undefined)
        continue;
      found.push(
        textProblem(root, entry, { object: nameOf(object), path, rule: `${why}; ${RULE}` }, value, { seen: '' }),
      );
    }
  return oncePerPlace(found);
}

const RULE = 'a secret comes from AWS Secrets Manager by an ExternalSecret (docs/guides/aws.md)';

/** The dotted path of a key, by the indentation of the lines above it. */
function pathTo(lines: readonly string[], line: number, key: string): string {
  // A key of a list's item stands behind its dash.
  const indentOf = (text: string): number => /^[\s-]*/.exec(text)?.[0].length ?? 0;
  let indent = indentOf(lines[line] ?? '');
  const keys = key === '' ? [] : [key];
  for (let above = line - 1; above >= 0 && indent > 0; above -= 1) {
    const text = lines[above] ?? '';
    const parent = /^[\s-]*([\w./-]+):/.exec(text)?.[1];
    if (parent === undefined || indentOf(text) >= indent) continue;
    keys.unshift(parent);
    indent = indentOf(text);
  }
  return keys.join('.') || 'the file';
}

interface RenderedSecret {
  readonly object: KubernetesObject;
  readonly path: string;
  readonly why: string;
  readonly value: string;
}

/** What the objects hold in plain text: in ConfigMaps, in variables, and in Secrets that are rendered from Git. */
function renderedSecrets(objects: readonly KubernetesObject[]): RenderedSecret[] {
  const found: RenderedSecret[] = [];
  const examine = (object: KubernetesObject, path: string, key: string, value: unknown): void => {
    const why = secretIn(key, value);
    if (why !== undefined) found.push({ object, path, why, value: String(value) });
  };
  for (const map of configMaps(objects))
    for (const [key, value] of Object.entries(map.data ?? {})) {
      examine(map, `data.${key}`, key, value);
      found.push(...secretsInText(map, key, value));
    }
  for (const workload of podOwners(objects))
    for (const { container, name, value } of variablesOf(workload))
      examine(workload, containerPath(container, `env[${name}]`), name, value);
  for (const secret of secrets(objects))
    if (!Object.hasOwn(NO_SECRETS, secret.metadata.name) && !isOfArgocd(secret)) found.push(...dataOf(secret));
  return found;
}

/** Secrets in one text of several lines. */
const secretsInText = (object: KubernetesObject, key: string, text: unknown): RenderedSecret[] =>
  typeof text !== 'string' || !text.includes('\n')
    ? []
    : secretLines(text).map(({ key: inner, why, value }) => ({
        ...{ object, path: `data.${key}`, why: `${inner} ${why}`.trim(), value },
      }));

const variablesOf = (workload: Workload) =>
  containersOf(workload).flatMap((container) => (container.env ?? []).map((variable) => ({ container, ...variable })));

/** All that a Secret holds. */
function dataOf(secret: KubernetesObject): RenderedSecret[] {
  const found: RenderedSecret[] = [];
  for (const field of ['data', 'stringData'] as const)
    for (const [key, value] of Object.entries((secret[field] ?? {}) as Record<string, string>)) {
      const plain = field === 'data' ? Buffer.from(value, 'base64').toString('utf8') : value;
      if (plain !== '')
        found.push({ object: secret, path: `${field}.${key}`, why: 'is data of a Secret', value: plain });
    }
  return found;
}

/** The facts of a cluster, by which Argo CD knows it, are a Secret by its rules alone. */
const isOfArgocd = ({ metadata }: KubernetesObject): boolean =>
  metadata.labels?.['argocd.argoproj.io/secret-type'] === 'cluster';
