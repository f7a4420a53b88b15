import { groupKindOf, nameOf } from '../kubernetes/object.ts';
import { fileOfSet } from '../render/declaration.ts';
import { type FleetApplication, labelOf } from '../render/fleet.ts';
import { type ClusterModel, clusterModels, type ModelObject } from './cluster-model.ts';
import { objectProblem } from './location.ts';
import type { ProofContext } from './proof.ts';

/**
 * Applications that two ApplicationSets make, and objects that two Applications render: Argo CD changes them back and forth
 * between both, or refuses the second.
 */
export function severalMakers(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const models = clusterModels(fleet);
  const found = applicationsTwice(root, models);
  return found.length > 0 ? found : models.flatMap((model) => objectsTwice(root, model));
}

/** Reported at the file that comes later, by name. */
function applicationsTwice(root: string, models: readonly ClusterModel[]): string[] {
  /** The clusters, by the problem. */
  const found = new Map<string, string[]>();
  for (const { cluster, applications } of models) {
    const first = new Map<string, FleetApplication>();
    for (const entry of applications) {
      const { name } = entry.application.metadata;
      const other = first.get(name);
      first.set(name, other ?? entry);
      if (other === undefined || entry.application.spec.project === '') continue;
      // Generators of one set that overlap: Argo CD refuses the set.
      if (other.applicationSet?.metadata.name === entry.applicationSet?.metadata.name) continue;
      const sets = [other, entry].map(({ applicationSet }) => fileOfSet(root, applicationSet?.metadata.name ?? ''));
      const [file = '', later = ''] = sets.sort();
      const line = `${later}:1: spec.template.metadata.name: must be a name that no other ApplicationSet gives: ${file} makes the Application ${name}, too`;
      found.set(line, [...(found.get(line) ?? []), cluster.name]);
    }
  }
  return [...found].map(([line, clusters]) => `${line} (${clusters.join(', ')})`);
}

function objectsTwice(root: string, { entries }: ClusterModel): string[] {
  const first = new Map<string, ModelObject>();
  /** By the two Applications. */
  const twins = new Map<string, { readonly one: ModelObject; readonly other: ModelObject; count: number }>();
  for (const entry of entries) {
    if (entry.origin === 'made') continue;
    const { metadata } = entry.object;
    const key = `${groupKindOf(entry.object)} ${metadata.namespace ?? ''} ${metadata.name}`;
    const other = first.get(key);
    first.set(key, other ?? entry);
    if (other === undefined || other.maker.application.metadata.name === entry.maker.application.metadata.name)
      continue;
    const pair = `${labelOf(other.maker)} ${labelOf(entry.maker)}`;
    const known = twins.get(pair);
    if (known === undefined) twins.set(pair, { one: other, other: entry, count: 1 });
    else known.count += 1;
  }
  return [...twins.values()].map(({ one, other, count }) => {
    const more = count === 1 ? '' : `, and so are ${count - 1} more objects`;
    const place = /^\S+:\d+(?=: )/.exec(
      objectProblem(root, one.maker, { object: nameOf(one.object), path: '', rule: '' }),
    )?.[0];
    const rule = `must be an object of one Application: ${one.maker.application.metadata.name} renders it, too (${String(place)})${more}`;
    return objectProblem(root, other.maker, { object: nameOf(other.object), path: 'metadata.name', rule });
  });
}
