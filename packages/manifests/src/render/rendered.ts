import { inNamespace } from '../kubernetes/namespace.ts';
import { type KubernetesObject, withoutNulls } from '../kubernetes/object.ts';
import { operatedWorkloads } from '../kubernetes/operated.ts';
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

/** The objects of an Application as they stand in its cluster; computed once for each render. */
interface Placed {
  readonly namespace: string;
  /** Each with the namespace that Argo CD applies it to, and without nulls. */
  readonly applied: readonly KubernetesObject[];
  /** The workloads that the Prometheus operator makes of them. */
  readonly operated: readonly KubernetesObject[];
}

const known = new WeakMap<FleetApplication['rendered'], Placed>();

/** What Argo CD applies of an Application, and what operators make of it; nothing where it does not render. */
export function placement({ application, rendered }: Pick<FleetApplication, 'application' | 'rendered'>): Placed {
  const namespace = application.spec.destination.namespace ?? 'default';
  const before = known.get(rendered);
  if (before?.namespace === namespace) return before;
  const applied = rendered.ok ? inNamespace(rendered.value.map(withoutNulls), namespace) : [];
  const placed = { namespace, applied, operated: operatedWorkloads(applied) };
  known.set(rendered, placed);
  return placed;
}

/**
 * The objects of an Application, each with the namespace that it is applied to, and the workloads that the Prometheus
 * operator makes of them.
 */
export function placed(entry: Pick<FleetApplication, 'application' | 'rendered'>): readonly KubernetesObject[] {
  const { applied, operated } = placement(entry);
  return [...applied, ...operated];
}
