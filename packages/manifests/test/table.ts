/**
 * A table of cases written as text: a row a line, columns between vertical bars with blanks around them,
 * comments after a hash. Throws an Error
 * for a row with another number of columns.
 */
export function table(columns: number, text: string): string[][] {
  const rows = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+\|\s+/));
  const wrong = rows.find((row) => row.length !== columns);
  if (wrong !== undefined) throw new Error(`${wrong.length} columns in place of ${columns}: ${wrong.join(' | ')}`);
  return rows;
}
