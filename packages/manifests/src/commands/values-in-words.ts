/** A value as people write it: bare where that is clear, `nothing` where there is none. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' && value !== '' && !/[\s"]/.test(value) ? value : JSON.stringify(value);
}

/** A text for a column. */
export const cut = (text: string, longest = 80): string =>
  text.length > longest ? `${text.slice(0, longest - 1)}…` : text;

/** A value for a column of a table that has many. */
export function brief(value: unknown): string {
  if (value === undefined) return '-';
  return cut(typeof value === 'object' ? '…' : shown(value), 40);
}

/** How much of what is equal stands before what differs. */
const CONTEXT = 12;

/**
 * Two values, each at most so long, that show what differs: what is equal before it is left out where they are longer.
 */
export function difference(before: unknown, after: unknown, longest = 40): [string, string] {
  const [old, fresh] = [before, after].map((value) => (value === undefined ? '-' : shown(value)));
  if (old === undefined || fresh === undefined || before === undefined || after === undefined)
    return [cut(old ?? '', longest), cut(fresh ?? '', longest)];
  let equal = 0;
  while (equal < old.length && old[equal] === fresh[equal]) equal += 1;
  const start = equal - CONTEXT;
  // Nothing is gained by leaving out a few characters.
  if ((old.length <= longest && fresh.length <= longest) || start < 2) return [cut(old, longest), cut(fresh, longest)];
  return [cut(`…${old.slice(start)}`, longest), cut(`…${fresh.slice(start)}`, longest)];
}
