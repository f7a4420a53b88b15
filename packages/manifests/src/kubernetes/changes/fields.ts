import { isDeepStrictEqual } from 'node:util';

/** The way to a field: map keys as they are, entries of a list as `[name]` or `[0]`. */
export type Keys = readonly string[];

/** A field that differs. */
export interface FieldChange {
  readonly keys: Keys;
  readonly before: unknown;
  readonly after: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The fields in which two values differ. Entries of a list that have unique names are matched by name, as Kubernetes
 * merges them: one more entry is one difference, wherever it is inserted.
 */
export function fieldChanges(before: unknown, after: unknown, keys: Keys = []): FieldChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  // A map that is added or removed counts as its fields, since each has its own consequence; an entry of a list is one.
  const isEntry = keys.at(-1)?.startsWith('[') === true;
  const old = isEntry ? before : emptyIfMissing(before, after);
  const fresh = isEntry ? after : emptyIfMissing(after, before);
  if (isMap(old) && isMap(fresh)) return changesOfMaps(old, fresh, keys);
  if (Array.isArray(before) && Array.isArray(after)) return changesOfLists(before, after, keys);
  return [{ keys, before, after }];
}

/** An empty map for a value that is missing where the other side has a map with fields. */
const emptyIfMissing = (value: unknown, other: unknown): unknown =>
  value === undefined && isMap(other) && Object.keys(other).length > 0 ? {} : value;

function changesOfMaps(before: Fields, after: Fields, keys: Keys): FieldChange[] {
  const changes: FieldChange[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
    changes.push(...fieldChanges(before[key], after[key], [...keys, key]));
  return changes;
}

function changesOfLists(before: readonly unknown[], after: readonly unknown[], keys: Keys): FieldChange[] {
  const old = entriesByName(before);
  const fresh = entriesByName(after);
  const changes: FieldChange[] = [];
  if (old === undefined || fresh === undefined || before.length === 0 || after.length === 0) {
    for (let index = 0; index < Math.max(before.length, after.length); index += 1)
      changes.push(...fieldChanges(before[index], after[index], [...keys, `[${index}]`]));
    return changes;
  }
  for (const name of new Set([...old.keys(), ...fresh.keys()]))
    changes.push(...fieldChanges(old.get(name), fresh.get(name), [...keys, `[${name}]`]));
  // A different order counts as well: Kubernetes restarts pods for it.
  return changes.length > 0 ? changes : [{ keys, before: [...old.keys()], after: [...fresh.keys()] }];
}

/** The entries of a list by name; undefined unless each has a name of its own. */
function entriesByName(list: readonly unknown[]): Map<string, unknown> | undefined {
  const entries = new Map<string, unknown>();
  for (const entry of list) if (isMap(entry) && typeof entry.name === 'string') entries.set(entry.name, entry);
  return entries.size === list.length ? entries : undefined;
}

/** spec.template.spec.containers[api].image, metadata.annotations[example.com/note] */
export function pathOf(keys: Keys): string {
  let path = '';
  for (const key of keys) {
    if (key.startsWith('[')) path += key;
    else if (!/^[A-Za-z0-9_-]+$/.test(key)) path += `[${key}]`;
    else path += path === '' ? key : `.${key}`;
  }
  return path;
}

/** Whether a path is a field, or lies within it. */
export const isWithin = (path: string, field: string): boolean =>
  path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`);
