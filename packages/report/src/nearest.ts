// As Git and commander have it: at most three slips, and more right than wrong.
const MOST_SLIPS = 3;
const LEAST_SIMILARITY = 0.4;

/**
 * The most likely meaning of a mistyped or shortened name, ignoring case; undefined where none is
 * like it.
 */
export function nearest(name: string, names: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly slips: number } | undefined;
  for (const candidate of names) {
    const slips = slipsBetween(name.toLowerCase(), candidate.toLowerCase());
    const similarity = 1 - slips / Math.max(name.length, candidate.length);
    if (slips <= MOST_SLIPS && similarity > LEAST_SIMILARITY && slips < (best?.slips ?? Infinity))
      best = { name: candidate, slips };
  }
  return best?.name ?? names.find((candidate) => candidate.toLowerCase().startsWith(name.toLowerCase()));
}

/**
 * What an error adds to an unknown name: `; did you mean deploy?`, or nothing where no name is like it.
 * @param mark what stands before the names where people write them: `#` of a heading
 */
export function didYouMean(name: string, names: Iterable<string>, mark = ''): string {
  const meant = nearest(name, [...names]);
  return meant === undefined ? '' : `; did you mean ${mark}${meant}?`;
}

/** The letters to insert, delete, replace or swap with their neighbour (optimal string alignment distance). */
function slipsBetween(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? Infinity;
  for (let row = 1; row <= a.length; row += 1) {
    rows.push([row]);
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      const isSwapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      rows[row]?.push(
        Math.min(
          at(row - 1, column) + 1,
          at(row, column - 1) + 1,
          at(row - 1, column - 1) + (isSame ? 0 : 1),
          isSwapped ? at(row - 2, column - 2) + 1 : Infinity,
        ),
      );
    }
  }
  return at(a.length, b.length);
}
