import { groupKindOf, groupOf, type KubernetesObject, nameOf } from '../kubernetes/object.ts';
import { declarationOf } from '../render/declaration.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { layersOf, leaves } from '../render/values.ts';
import { type ClusterModel, clusterModels, type ModelObject } from './cluster-model.ts';
import { applicationProblem, objectProblem } from './location.ts';
import type { ProofContext } from './proof.ts';
import { settingPlace } from './references/cause.ts';
import { DEFINED_BEFORE, DEFINITIONS_OF } from './references/present.ts';

const WAVE = 'argocd.argoproj.io/sync-wave';
const SKIP = 'SkipDryRunOnMissingResource=true';

/** A custom resource, and the object that defines its kind. */
interface Use {
  readonly user: ModelObject;
  readonly definition: ModelObject | undefined;
}

/**
 * Objects of a kind whose definition nothing brings to the cluster, or brings too late: Argo CD applies no object of a
 * commit in which one has an unknown kind, and tries a service again only a few times.
 */
export function undefinedKinds(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found = new Map<string, Set<string>>();
  const add = (line: string, user: ModelObject): void => {
    found.set(line, (found.get(line) ?? new Set()).add(`${nameOf(user.object)} of ${labelOf(user.maker)}`));
  };
  for (const model of clusterModels(fleet))
    for (const { user, definition } of usesOf(model)) {
      const line = definition === undefined ? missing(root, model, user) : late(root, user, definition);
      if (line !== undefined) add(line, user);
    }
  return [...found].map(([line, users]) => {
    const [first, ...others] = users;
    // It names the object already.
    if (first === undefined || line.includes(` ${first.slice(0, first.indexOf(' of '))} `)) return line;
    return `${line}; for ${first}${others.length === 0 ? '' : ` and ${others.length} more`}`;
  });
}

/** Every custom resource that Argo CD applies. */
function usesOf({ entries }: ClusterModel): Use[] {
  const definitions = new Map<string, ModelObject>();
  for (const entry of entries) {
    const { group, names } = (entry.object.spec ?? {}) as { group?: string; names?: { kind?: string } };
    if (entry.object.kind === 'CustomResourceDefinition') definitions.set(`${group ?? ''}/${names?.kind ?? ''}`, entry);
  }
  const uses: Use[] = [];
  for (const user of entries) {
    const group = groupOf(user.object);
    if (user.origin !== 'rendered' || isOfKubernetes(group) || DEFINED_BEFORE.includes(group)) continue;
    uses.push({ user, definition: definitions.get(groupKindOf(user.object)) });
  }
  return uses;
}

/** By its group: Kubernetes' own have no dot, or end in k8s.io; those of other projects there have one before it. */
const isOfKubernetes = (group: string): boolean =>
  !group.includes('.') || (/^[^.]+(\.authorization|\.apiserver)?\.k8s\.io$/.test(group) && !group.startsWith('x-'));

function missing(root: string, model: ClusterModel, { object, maker }: ModelObject): string | undefined {
  const { cluster, applications, unknown } = model;
  const kind = groupKindOf(object);
  const controller = DEFINITIONS_OF[groupOf(object)];
  const name = cluster.controllers.find((one) => one === controller);
  if (controller !== undefined && name === undefined) {
    const place = settingPlace(root, cluster.name, 'controllers');
    return `${place}: controllers: ${controller} is missing: it brings the definition of ${groupOf(object)}`;
  }
  // Of what does not render, it is not known which definitions it brings.
  if (unknown.length > 0) return undefined;
  const owner = applications.find(({ application }) => application.metadata.name === controller);
  const cause = owner === undefined ? undefined : switchOf(root, owner);
  if (cause !== undefined)
    return `${cause.place}: ${cause.key}: must leave the definitions of ${groupOf(object)} in the cluster, since nothing else brings them (it is false)`;
  return objectProblem(root, maker, {
    object: nameOf(object),
    path: 'kind',
    rule: `the definition of ${kind} must come with an Application of the cluster: nothing brings it`,
  });
}

/** The value by which an Application leaves out all its definitions: `installCRDs`, or `crds.install` and the like. */
function switchOf(root: string, entry: FleetApplication): { readonly place: string; readonly key: string } | undefined {
  for (const layer of layersOf(root, entry.chart, declarationOf(root, entry.application.metadata.name)).toReversed()) {
    if (layer.kind === 'chart defaults') continue;
    for (const { keys, value } of leaves(layer.values)) {
      const key = keys.join('.');
      const place =
        value === false && /^(installCRDs|crds\.(install|enabled))$/.test(key) ? layer.position(keys) : undefined;
      if (place !== undefined) return { place, key };
    }
  }
  return undefined;
}

/** What is wrong with the order of a definition and an object of its kind. */
function late(root: string, { object, maker }: ModelObject, { maker: owner }: ModelObject): string | undefined {
  if (owner === maker) return undefined;
  const { annotations = {} } = object.metadata;
  const isSkipped = (annotations['argocd.argoproj.io/sync-options'] ?? '').split(',').includes(SKIP);
  if (maker.application.metadata.name === 'root')
    // Root makes the Application that brings the definition: it cannot wait for it.
    return isSkipped
      ? undefined
      : objectProblem(root, maker, {
          object: nameOf(object),
          path: 'metadata.annotations[argocd.argoproj.io/sync-options]',
          rule: `must have ${SKIP}: ${owner.application.metadata.name}, which root makes, brings the definition of its kind`,
        });
  if (isSkipped || triesWithoutEnd(maker) || waveOf(owner.applicationSet) < waveOf(maker.applicationSet))
    return undefined;
  const rule = `must be more than ${waveOf(owner.applicationSet)}, that of ${owner.application.metadata.name}, which brings the definition of ${groupKindOf(object)} (it is ${waveOf(maker.applicationSet)})`;
  return applicationProblem(root, maker, `metadata.annotations[${WAVE}]`, rule);
}

const waveOf = (set: KubernetesObject | undefined): number => Number(set?.metadata.annotations?.[WAVE] ?? 0);

function triesWithoutEnd({ application }: FleetApplication): boolean {
  const { syncPolicy } = application.spec as { syncPolicy?: { retry?: { limit?: number } } };
  return syncPolicy?.retry?.limit === -1;
}
