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
