/** Any object of Kubernetes, as it is written in a manifest. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** How people name an object: Deployment/fastify-service. */
export const nameOf = ({ kind, metadata }: KubernetesObject): string => `${kind}/${metadata.name}`;

/** The API group of an object: apps, or an empty text for the core group. */
export const groupOf = ({ apiVersion }: KubernetesObject): string =>
  apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';

/** apps/Deployment, or /ConfigMap for a kind of the core group. */
export const groupKindOf = (object: KubernetesObject): string => `${groupOf(object)}/${object.kind}`;

// A definition is the same object for every cluster, and large.
const nullsLeftOut = new WeakMap<KubernetesObject, KubernetesObject>();

/** An object as the API server reads it: a list or map that is null is none. Our templates write none; upstream's do. */
export function withoutNulls(object: KubernetesObject): KubernetesObject {
  const known =
    nullsLeftOut.get(object) ??
    (JSON.parse(JSON.stringify(object, (_, value: unknown) => value ?? undefined)) as KubernetesObject);
  nullsLeftOut.set(object, known);
  return known;
}
