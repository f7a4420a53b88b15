import type { KubernetesObject } from '../../kubernetes/object.ts';
import {
  configMaps,
  type Container,
  containersOf,
  podOwners,
  podSpecOf,
  secrets,
  type Volume,
  type Workload,
} from '../../kubernetes/workload.ts';
import type { Problem } from '../problem.ts';
import { problem, type Rule, seen } from './rule.ts';

/** What a pod takes from a ConfigMap or Secret. */
interface Reference {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string | undefined;
  /** Within the pod's spec. */
  readonly path: string;
}

const references: Rule = {
  name: 'references',
  intent: 'A pod that names a ConfigMap or Secret which does not exist stays in CreateContainerConfigError.',
  check: (objects) => {
    const known = {
      ConfigMap: new Set(configMaps(objects).map(({ metadata }) => metadata.name)),
      Secret: secretNames(objects),
    };
    const problems: Problem[] = [];
    for (const workload of podOwners(objects))
      for (const { kind, name, path } of referencesOf(workload)) {
        if (name !== undefined && known[kind].has(name)) continue;
        const source = kind === 'Secret' ? ', or created by an ExternalSecret' : '';
        const rule = `must name a ${kind} that is rendered${source} ${seen(name)}`;
        problems.push(problem(workload, `spec.template.spec.${path}`, rule));
      }
    return problems;
  },
};

/** The Secrets that are rendered, and those that ExternalSecrets create. */
function secretNames(objects: readonly KubernetesObject[]): Set<string> {
  const names = new Set(secrets(objects).map(({ metadata }) => metadata.name));
  for (const { kind, metadata, spec } of objects)
    if (kind === 'ExternalSecret')
      names.add((spec as { target?: { name?: string } } | undefined)?.target?.name ?? metadata.name);
  return names;
}

function referencesOf(workload: Workload): Reference[] {
  const { initContainers = [], volumes = [] } = podSpecOf(workload);
  const found: Reference[] = [];
  for (const container of containersOf(workload)) found.push(...environmentReferences(container, 'containers'));
  for (const container of initContainers) found.push(...environmentReferences(container, 'initContainers'));
  for (const volume of volumes) found.push(...volumeReferences(volume));
  return found;
}

type Target = { readonly name?: string } | undefined;

/** One reference, if there is one. */
const reference = (kind: Reference['kind'], target: Target, path: string): Reference[] =>
  target === undefined ? [] : [{ kind, name: target.name, path }];

/** What a container takes its environment from. */
function environmentReferences({ name: container, env = [], envFrom = [] }: Container, list: string): Reference[] {
  const found: Reference[] = [];
  for (const [index, { configMapRef, secretRef }] of envFrom.entries()) {
    const path = `${list}[${container}].envFrom[${index}]`;
    found.push(...reference('ConfigMap', configMapRef, `${path}.configMapRef`));
    found.push(...reference('Secret', secretRef, `${path}.secretRef`));
  }
  for (const { name, valueFrom } of env) {
    const path = `${list}[${container}].env[${name}].valueFrom`;
    found.push(...reference('ConfigMap', valueFrom?.configMapKeyRef, `${path}.configMapKeyRef`));
    found.push(...reference('Secret', valueFrom?.secretKeyRef, `${path}.secretKeyRef`));
  }
  return found;
}

/** What a volume is filled from. */
function volumeReferences({ name, configMap, secret, projected }: Volume): Reference[] {
  const path = `volumes[${name}]`;
  const found = reference('ConfigMap', configMap, `${path}.configMap`);
  if (secret !== undefined) found.push({ kind: 'Secret', name: secret.secretName, path: `${path}.secret` });
  for (const source of projected?.sources ?? []) {
    found.push(...reference('ConfigMap', source.configMap, `${path}.projected`));
    found.push(...reference('Secret', source.secret, `${path}.projected`));
  }
  return found;
}

export const referenceRules: Rule[] = [references];
