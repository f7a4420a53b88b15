import type { AwsClusterSettings } from '@gitops/settings';
import type { KubernetesObject } from '../../kubernetes/object.ts';
import type { FleetApplication } from '../../render/fleet.ts';
import { type RenderedApplication, renderedOnly } from '../../render/rendered.ts';

/** An object of an Application. */
export interface Rendered {
  readonly entry: RenderedApplication;
  readonly object: KubernetesObject;
}

/** Every object of a fleet. */
export function* objectsOf(fleet: readonly FleetApplication[]): Generator<Rendered> {
  for (const entry of renderedOnly(fleet)) for (const object of entry.objects) yield { entry, object };
}

/** Every object of the clusters on AWS. */
export function* objectsOnAws(
  fleet: readonly FleetApplication[],
): Generator<Rendered & { readonly cluster: AwsClusterSettings }> {
  for (const { entry, object } of objectsOf(fleet))
    if (entry.cluster.provider === 'aws') yield { entry, object, cluster: entry.cluster };
}

/** A text within an object. */
export interface Text {
  /** spec.template.spec.containers[api].image; named things by their names. */
  readonly path: string;
  readonly text: string;
}

/** Every text of an object, at any depth. */
export function* textsOf(object: KubernetesObject): Generator<Text> {
  // A definition describes fields, and has megabytes of text.
  if (object.kind !== 'CustomResourceDefinition') yield* textsIn(object, '');
}

function* textsIn(value: unknown, path: string): Generator<Text> {
  if (typeof value === 'string') yield { path, text: value };
  else if (Array.isArray(value))
    for (const [index, item] of value.entries()) yield* textsIn(item, `${path}[${nameIn(item) ?? index}]`);
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) yield* textsIn(inner, joined(path, key));
}

const nameIn = (item: unknown): string | undefined => {
  const name = typeof item === 'object' && item !== null && 'name' in item ? item.name : undefined;
  return typeof name === 'string' ? name : undefined;
};

/** A key with dots or slashes stands in brackets: metadata.annotations[a.example.com/b]. */
function joined(path: string, key: string): string {
  if (/[./]/.test(key)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}
