import { declarationOf } from '../render/declaration.ts';
import type { FleetApplication } from '../render/fleet.ts';
import { missingChartOf } from '../render/unchecked.ts';
import { type Layer, layersOf } from '../render/values.ts';
import type { ProofContext } from './proof.ts';

/**
 * Lists of a values file from which a later file takes entries: Helm merges maps, and replaces a list as a whole. A file
 * that repeats every entry, or changes one of the same name, loses nothing.
 */
export function replacedLists(fleet: readonly FleetApplication[], { root }: Pick<ProofContext, 'root'>): string[] {
  const found = new Set<string>();
  for (const entry of fleet) {
    if (missingChartOf(entry) !== undefined) continue;
    const layers = layersOf(root, entry.chart, declarationOf(root, entry.application.metadata.name));
    // Root reads the clusters' settings, in which a cluster's list is meant to replace the shared one.
    const files = layers.filter(({ kind, file }) => kind === 'values file' && !file.endsWith('/cluster.yaml'));
    for (const problem of lostEntries(files)) found.add(problem);
  }
  return [...found];
}

/** @param files of one Application, the earlier ones first */
function lostEntries(files: readonly Layer[]): string[] {
  const found: string[] = [];
  const lists = new Map<string, { readonly entries: readonly string[]; readonly place: string }>();
  for (const { values, position } of files)
    for (const { keys, list } of listsIn(values, [])) {
      const key = keys.join('.');
      const place = position(keys) ?? '';
      const earlier = lists.get(key);
      const entries = list.map(identityOf);
      lists.set(key, { entries, place });
      const lost = (earlier?.entries ?? []).filter((entry) => !entries.includes(entry));
      if (earlier === undefined || lost.length === 0) continue;
      const which = lost.length === 1 ? 'its entry' : 'its entries';
      const rule = `replaces the list of ${earlier.place}, and ${which} ${lost.join(', ')} would go: repeat what stays`;
      found.push(`${place}: ${key}: ${rule}`);
    }
  return found;
}

type Keys = readonly string[];

function listsIn(values: unknown, keys: Keys): { keys: Keys; list: readonly unknown[] }[] {
  if (Array.isArray(values)) return [{ keys, list: values }];
  if (typeof values !== 'object' || values === null) return [];
  return Object.entries(values).flatMap(([key, value]) => listsIn(value, [...keys, key]));
}

/** What tells an entry from the others: its kind and name, or all of it. */
function identityOf(entry: unknown): string {
  if (typeof entry !== 'object' || entry === null) return String(entry);
  const { kind, name, metadata } = entry as { kind?: string; name?: unknown; metadata?: { name?: unknown } };
  const named = metadata?.name ?? name;
  if (typeof named === 'string') return kind === undefined ? named : `${kind}/${named}`;
  return JSON.stringify(entry);
}
