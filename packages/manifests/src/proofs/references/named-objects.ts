import { namespaceOf } from '../../kubernetes/namespace.ts';
import { groupKindOf, groupOf, type KubernetesObject } from '../../kubernetes/object.ts';
import type { ClusterModel } from '../cluster-model.ts';
import { PRESENT } from './present.ts';

/** The objects of a cluster by kind and name, as references find them. */
export interface NamedObjects {
  /**
   * The object of a name: rendered, made by a controller of a rendered one, or at hand by a declared fact. One of the whole
   * cluster is found from every namespace. Undefined where there is none.
   */
  readonly find: (kind: string, name: string, namespace: string) => Target | undefined;
  /** The names that a reference of a namespace could have, sorted. */
  readonly names: (kind: string, namespace: string) => string[];
}

export interface Target {
  /** The rendered object, or the one that it is made of; undefined for a declared fact. */
  readonly object: KubernetesObject | undefined;
  /** The keys of its data; undefined where they are not known. */
  readonly keys: ReadonlySet<string> | undefined;
}

const EVERYWHERE = '*';

export function namedObjects({ cluster, objects }: ClusterModel): NamedObjects {
  const found = new Map<string, Map<string, Target>>();
  const add = (kind: string, namespace: string, name: string, target: Target): void => {
    const key = `${kind} ${namespace}`;
    found.set(key, (found.get(key) ?? new Map<string, Target>()).set(name, target));
  };
  for (const { kind, name, namespace = EVERYWHERE, provider } of PRESENT)
    if (provider === undefined || provider === cluster.provider)
      add(kind, namespace, name, { object: undefined, keys: undefined });
  for (const object of objects) {
    add(groupKindOf(object), namespaceFor(object), object.metadata.name, { object, keys: keysIn(object) });
    const made = madeOf(object);
    if (made !== undefined) add(made.kind, namespaceOf(object), made.name, { object, keys: made.keys });
  }
  const lists = (kind: string, namespace: string): (Map<string, Target> | undefined)[] => [
    found.get(`${kind} ${namespace}`),
    found.get(`${kind} ${EVERYWHERE}`),
  ];
  return {
    find: (kind, name, namespace) =>
      lists(kind, namespace)
        .map((list) => list?.get(name))
        .find((target) => target !== undefined),
    names: (kind, namespace) => lists(kind, namespace).flatMap((list) => [...(list?.keys() ?? [])]).sort(), // prettier-ignore
  };
}

/** The kinds that references name and that belong to no namespace. */
const CLUSTER_WIDE = new Set([
  '/Namespace',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy',
  'apiextensions.k8s.io/CustomResourceDefinition',
  'apiregistration.k8s.io/APIService',
  'elbv2.k8s.aws/IngressClassParams',
  'external-secrets.io/ClusterSecretStore',
  'gateway.networking.k8s.io/GatewayClass',
  'networking.k8s.io/IngressClass',
  'node.k8s.io/RuntimeClass',
  'rbac.authorization.k8s.io/ClusterRole',
  'scheduling.k8s.io/PriorityClass',
  'storage.k8s.io/StorageClass',
]);

export const isClusterWide = (kind: string): boolean => CLUSTER_WIDE.has(kind);

const namespaceFor = (object: KubernetesObject): string =>
  isClusterWide(groupKindOf(object)) ? EVERYWHERE : namespaceOf(object);

/** The keys of a ConfigMap or Secret. */
function keysIn(object: KubernetesObject): ReadonlySet<string> | undefined {
  if (!['/ConfigMap', '/Secret'].includes(groupKindOf(object))) return undefined;
  const { data, stringData, binaryData } = object as Readonly<Record<string, object | undefined>>;
  return new Set([data, stringData, binaryData].flatMap((map) => Object.keys(map ?? {})));
}

interface SecretSpec {
  readonly target?: { readonly name?: string; readonly template?: object };
  readonly data?: readonly { readonly secretKey?: string }[];
  readonly dataFrom?: readonly unknown[];
}

/** The Secret that an ExternalSecret makes. */
function madeOf(object: KubernetesObject): { kind: string; name: string; keys: Target['keys'] } | undefined {
  if (groupOf(object) !== 'external-secrets.io' || object.kind !== 'ExternalSecret') return undefined;
  const { target = {}, data = [], dataFrom = [] } = (object.spec ?? {}) as SecretSpec;
  const isOpen = dataFrom.length > 0 || target.template !== undefined;
  const keys = isOpen ? undefined : new Set(data.flatMap(({ secretKey }) => secretKey ?? []));
  return { kind: '/Secret', name: target.name ?? object.metadata.name, keys };
}
