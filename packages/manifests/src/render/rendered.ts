import type { ClusterSettings } from '@gitops/settings';
import { type KubernetesObject, withoutNulls } from '../kubernetes/object.ts';
import { operatedWorkloads } from '../kubernetes/operated.ts';
import { inNamespace } from '../kubernetes/workload.ts';
import type { FleetApplication } from './fleet.ts';

/** An Application that renders, with its objects. */
export interface RenderedApplication extends FleetApplication {
  readonly objects: readonly KubernetesObject[];
}

/** The fleet without the Applications that do not render: those are reported already. */
export function renderedOnly(fleet: readonly FleetApplication[]): RenderedApplication[] {
  const entries: RenderedApplication[] = [];
  for (const entry of fleet) if (entry.rendered.ok) entries.push({ ...entry, objects: entry.rendered.value });
  return entries;
}

/**
 * The objects of an Application, each with the namespace that it is applied to, and the workloads that the Prometheus
 * operator makes of them.
 */
export function placed({
  objects,
  application,
}: Pick<RenderedApplication, 'objects' | 'application'>): KubernetesObject[] {
  const all = inNamespace(objects.map(withoutNulls), application.spec.destination.namespace ?? 'default');
  return [...all, ...operatedWorkloads(all)];
}

/** All objects of each cluster. */
export function byCluster(fleet: readonly FleetApplication[]): [ClusterSettings, KubernetesObject[]][] {
  const clusters = new Map<string, [ClusterSettings, KubernetesObject[]]>();
  for (const { cluster } of fleet) clusters.set(cluster.name, clusters.get(cluster.name) ?? [cluster, []]);
  for (const entry of renderedOnly(fleet)) clusters.get(entry.cluster.name)?.[1].push(...placed(entry));
  return [...clusters.values()];
}
