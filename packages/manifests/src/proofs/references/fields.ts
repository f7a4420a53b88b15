import { groupKindOf, type KubernetesObject } from '../../kubernetes/object.ts';
import type { Beside } from './table.ts';

/** Where the spec of pods stands, by kind. */
const POD_SPECS: Readonly<Record<string, string>> = {
  '/Pod': 'spec',
  'apps/DaemonSet': 'spec.template.spec',
  'apps/Deployment': 'spec.template.spec',
  'apps/ReplicaSet': 'spec.template.spec',
  'apps/StatefulSet': 'spec.template.spec',
  'batch/CronJob': 'spec.jobTemplate.spec.template.spec',
  'batch/Job': 'spec.template.spec',
  // Of the same fields, the operator makes a pod's.
  'monitoring.coreos.com/Alertmanager': 'spec',
  'monitoring.coreos.com/Prometheus': 'spec',
};

/** Whether an object is one of these kinds; `pods` are all that have pods. */
export const isHolder = (holders: readonly string[], object: KubernetesObject): boolean =>
  holders.includes(groupKindOf(object)) || (holders.includes('pods') && groupKindOf(object) in POD_SPECS);

/** The whole path of a field that `holders` have: that of pods begins at their spec. */
export const pathIn = (holders: readonly string[], path: string, object: KubernetesObject): string =>
  holders.includes('pods') ? `${POD_SPECS[groupKindOf(object)] ?? 'spec'}.${path}` : path;

/** A field of an object. */
export interface Field {
  readonly value: unknown;
  /** spec.template.spec.containers[api].image: named things by their names, others by their place. */
  readonly path: string;
  /** The map that holds it, or the value of the map above a list. */
  readonly beside: Beside;
}

/** The fields at a path, `spec.tls[].secretName`: none, one, or one for each item of its lists. */
export function fieldsAt(object: KubernetesObject, path: string): Field[] {
  let fields: Field[] = [{ value: object, path: '', beside: {} }];
  for (const part of path.split('.')) fields = fields.flatMap((field) => below(field, part));
  return fields;
}

/** What stands below a field at one part of a path: `tls[]` is each item of the list. */
function below({ value, path }: Field, part: string): Field[] {
  const key = part.replace('[]', '');
  if (!isMap(value) || value[key] === undefined) return [];
  const at = path === '' ? key : `${path}.${key}`;
  const inner = value[key];
  if (!part.endsWith('[]')) return [{ value: inner, path: at, beside: value }];
  return (Array.isArray(inner) ? (inner as unknown[]) : []).map((item, index) => {
    const name = isMap(item) && typeof item.name === 'string' ? item.name : index;
    return { value: item, path: `${at}[${name}]`, beside: value };
  });
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
