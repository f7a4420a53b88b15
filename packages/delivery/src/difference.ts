import { nameOf, type KubernetesObject } from './kubernetes-object.ts';

/** A field that differs between two renders. */
export interface Difference {
  /** Deployment/fastify-service */
  readonly object: string;
  /** spec.template.spec.containers[0].image; empty where the whole object came or went. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields in which two renders of the same Application differ, in the order of their objects. Undefined stands for what is not there. */
export function differences(before: readonly KubernetesObject[], after: readonly KubernetesObject[]): Difference[] {
  const [old, fresh] = [before, after].map((objects) => new Map(objects.map((object) => [`${object.apiVersion} ${object.metadata.namespace ?? ''} ${nameOf(object)}`, object])));
  return [...new Set([...(old?.keys() ?? []), ...(fresh?.keys() ?? [])])].flatMap((key) => {
    const [was, is] = [old?.get(key), fresh?.get(key)];
    const some = is ?? was;
    if (some === undefined) return [];
    const object = nameOf(some);
    if (was === undefined || is === undefined) return [{ object, path: '', before: was, after: is }];
    return fieldDifferences(was, is).map((difference) => ({ object, ...difference }));
  });
}

/** The leaves in which two values differ, with their paths. */
export function fieldDifferences(before: unknown, after: unknown, path = ''): Omit<Difference, 'object'>[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => fieldDifferences(before[key], after[key], /^[A-Za-z0-9_-]+$/.test(key) ? [path, key].filter((part) => part !== '').join('.') : `${path}[${JSON.stringify(key)}]`));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    return Array.from({ length: Math.max(before.length, after.length) }, (_, index) => fieldDifferences(before[index], after[index], `${path}[${index}]`)).flat();
  }
  return Object.is(before, after) ? [] : [{ path, before, after }];
}
