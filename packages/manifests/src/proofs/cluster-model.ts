import type { ClusterSettings } from '@gitops/settings';
import { inNamespace } from '../kubernetes/namespace.ts';
import type { KubernetesObject } from '../kubernetes/object.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { placement } from '../render/rendered.ts';

/** How an object comes into a cluster. */
type Origin =
  /** Argo CD applies it. */
  | 'rendered'
  /** The installer of root applies it, beside root's Application. */
  | 'installed'
  /** A controller makes it of a rendered object: Applications of ApplicationSets, workloads of the Prometheus operator. */
  | 'made';

/** An object as it stands in a cluster, with its final namespace and without nulls. */
export interface ModelObject {
  readonly object: KubernetesObject;
  /** The Application that makes it; problems are reported at its files. */
  readonly maker: FleetApplication;
  readonly origin: Origin;
}

/** A whole cluster as it will be: its settings, and the objects of all its Applications, root and Argo CD included. */
export interface ClusterModel {
  readonly cluster: ClusterSettings;
  readonly applications: readonly FleetApplication[];
  readonly entries: readonly ModelObject[];
  /** The objects of all entries. */
  readonly objects: readonly KubernetesObject[];
  /** Applications that do not render: what they would bring is not known. */
  readonly unknown: readonly FleetApplication[];
}

const models = new WeakMap<readonly FleetApplication[], readonly ClusterModel[]>();

/** The model of each cluster of a fleet, in the fleet's order; made once for all proofs. */
export function clusterModels(fleet: readonly FleetApplication[]): readonly ClusterModel[] {
  const known = models.get(fleet) ?? modelsOf(fleet);
  models.set(fleet, known);
  return known;
}

function modelsOf(fleet: readonly FleetApplication[]): ClusterModel[] {
  const clusters = new Map<string, FleetApplication[]>();
  for (const application of fleet) {
    const { name } = application.cluster;
    clusters.set(name, [...(clusters.get(name) ?? []), application]);
  }
  const found: ClusterModel[] = [];
  for (const applications of clusters.values()) {
    const [first] = applications;
    if (first === undefined) continue;
    const entries = [...applications.flatMap(objectsOf), ...generatedApplications(applications)];
    found.push({
      cluster: first.cluster,
      applications,
      entries,
      objects: entries.map(({ object }) => object),
      unknown: applications.filter(({ rendered }) => !rendered.ok),
    });
  }
  return found;
}

function objectsOf(maker: FleetApplication): ModelObject[] {
  const { applied, operated } = placement(maker);
  const as = (origin: Origin, objects: readonly KubernetesObject[]): ModelObject[] =>
    objects.map((object) => ({ object, maker, origin }));
  const installed = inNamespace(maker.installedWith ?? [], maker.application.spec.destination.namespace ?? 'default');
  return [...as('rendered', applied), ...as('installed', installed), ...as('made', operated)];
}

/** The Applications of a cluster as objects in it: root renders their ApplicationSets. */
function generatedApplications(applications: readonly FleetApplication[]): ModelObject[] {
  const root = applications.find(({ application }) => application.metadata.name === ROOT);
  if (root === undefined) return [];
  const found: ModelObject[] = [];
  for (const { application } of applications)
    // Root's own is installed; one without a project stands for an ApplicationSet that generates none.
    if (application.spec.project !== '')
      found.push({ object: application, maker: root, origin: application === root.application ? 'installed' : 'made' });
  return found;
}

const ROOT = 'root';
